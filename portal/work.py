"""The queue, seen from the nouns: which kinds of work there are, and how a verb defers some inside its transaction.

A deferred task is only a wake-up: the row it names is the truth, and a sweep finds what the queue lost."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from pgqueuer.queries import Queries

from portal.db import Tx


class Work(StrEnum):
    """Every kind of deferred work, and what its payload names."""

    PUSH_PAYMENT = "push-payment"  # payment id
    START_RAIL = "start-rail"  # payment id, at another rail than M-Pesa
    SETTLE_CALLBACK = "settle-callback"  # callback id
    RECONCILE_ROUTER = "reconcile-router"  # router id
    CHECK_ROUTER = "check-router"  # router id
    LOOK_AT_DRIFT = "look-at-drift"  # drift look id
    MAKE_BATCH = "make-batch"  # batch id
    RUN_JOB = "run-job"  # job run id
    MAKE_PRINT = "make-print"  # print id
    STEP_IMPORT = "step-import"  # import id
    MAKE_COPY = "make-copy"  # id of a copy of a shop's data


async def defer(tx: Tx, work: Work, row_id: int, *, after: timedelta | None = None) -> None:
    """Queue a task in the caller's transaction: it exists if and only if the transaction commits."""
    queries = Queries.from_asyncpg_connection(tx.connection)
    await queries.enqueue(work.value, str(row_id).encode(), execute_after=after)


async def defer_all(tx: Tx, work: Work, row_ids: Sequence[int]) -> None:
    """Queue the same kind of task for many rows, in one statement."""
    queries = Queries.from_asyncpg_connection(tx.connection)
    await queries.enqueue([work.value] * len(row_ids), [str(row_id).encode() for row_id in row_ids], [0] * len(row_ids))
