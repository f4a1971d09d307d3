"""The worker: takes deferred work from the queue, ticks the clock, and wakes at the next due instant.

The queue only wakes us; rows are the truth. What the queue lost, the sweep finds within a second."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.errors import FailingListenerError
from pgqueuer.models import Job as QueuedJob

from jobs import (
    copies,
    doctor,
    drift,
    imports,
    payments,
    prints,
    pulls,
    rails,
    routers,
    runner,
    subscribers,
    vitals,
    vouchers,
)
from jobs.doors import Doors
from jobs.messages import Posting
from jobs.rounds import Rounds
from jobs.schedule import JOBS, clock
from jobs.webhooks import Telling
from portal import job_runs
from portal.db import DB
from portal.metrics import sums
from portal.patience import LOST_DATABASE
from portal.work import Work

log = logging.getLogger(__name__)

SWEEP_EVERY_S = 1.0
#: A worker that gave no sign for this long is dead, and its work is taken over.
DEAD_AFTER = timedelta(seconds=6)
_LOST_DATABASE = (*LOST_DATABASE, asyncpg.PostgresError, TimeoutError, FailingListenerError)

Handler = Callable[[int, Doors], Awaitable[object]]
Look = Callable[[Doors], Awaitable[object]]

HANDLERS: dict[Work, Handler] = {
    Work.PUSH_PAYMENT: payments.push,
    Work.START_RAIL: rails.start,
    Work.SETTLE_CALLBACK: payments.settle_callback,
    Work.RECONCILE_ROUTER: routers.reconcile,
    Work.CHECK_ROUTER: doctor.check,
    Work.LOOK_AT_DRIFT: drift.carry_out,
    Work.MAKE_BATCH: vouchers.make_batch,
    Work.RUN_JOB: runner.run,
    Work.MAKE_PRINT: prints.make,
    Work.STEP_IMPORT: imports.work,
    Work.MAKE_COPY: copies.make,
}
LOOKS: dict[str, Look] = {
    "expiry": vouchers.expire_if_due,
    "pull silence": pulls.note_silent,
    "payments sweep": payments.sweep,
    "callbacks": payments.watch,
    "other rails": rails.sweep,
    "subscribers": subscribers.proceed_if_due,
    "runs of jobs": runner.sweep,
}
#: Looks that need no hurry, and how often each comes round, in seconds.
SLOW_LOOKS: dict[str, tuple[float, Look]] = {
    "sign of life": (5.0, vitals.beat),
    "sums of metrics": (sums.EVERY_S, vitals.keep_sums),
    "silence of jobs": (15.0, vitals.watch_silence),
    "vouchers to make": (5.0, vouchers.make_unfinished),
    "missed slots": (60.0, runner.look_for_missed),
    "prints": (5.0, prints.sweep),
    "imports": (5.0, imports.sweep),
    "copies": (5.0, copies.sweep),
}


class Worker:
    """Runs until `stop()`. Survives a database that goes away and comes back."""

    def __init__(self, doors: Doors, *, concurrency: int = 20) -> None:
        self._doors = doors
        self._concurrency = concurrency
        self._stopping = asyncio.Event()
        self._queue: PgQueuer | None = None
        self._spawned: set[asyncio.Task[object]] = set()
        self._rounds = Rounds()
        self._posting = Posting()
        self._telling = Telling()

    def stop(self) -> None:
        """Finish what is under way and return from `run()`."""
        self._stopping.set()
        if self._queue is not None:
            self._queue.shutdown.set()

    async def run(self) -> None:
        """Work until stopped."""
        ticks = clock(runner.request, self._spawn)
        ticks.start()
        self._spawn(self._begin())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take_work())
                looks = {
                    **LOOKS,
                    "routers": self._rounds.look,
                    "messages": self._posting.look,
                    "webhooks": self._telling.look,
                }
                every = [(what, SWEEP_EVERY_S, look) for what, look in looks.items()]
                every += [(what, seconds, look) for what, (seconds, look) in SLOW_LOOKS.items()]
                # One after the other within the second: looks that begin together keep a connection each for ever.
                for turn, (what, seconds, look) in enumerate(every):
                    group.create_task(self._every(seconds, what, look, first=turn / len(every)))
        finally:
            ticks.shutdown(wait=False)
            await self._rounds.close()
            await self._posting.close()
            await self._telling.close()
            for task in list(self._spawned):
                task.cancel()
            await asyncio.gather(*self._spawned, return_exceptions=True)
            await _told("sums of metrics", vitals.keep_sums(self._doors))

    async def _begin(self) -> None:
        """What belongs to a start, again until the database has it: expect every job, and run what was missed meanwhile."""
        while not self._stopping.is_set() and not await _told("start", self._catch_up()):
            await self._pause(SWEEP_EVERY_S)

    async def _catch_up(self) -> None:
        await job_runs.know(list(JOBS))
        await runner.request_missed(datetime.now(UTC))

    def _spawn(self, work: Awaitable[object]) -> None:
        task: asyncio.Task[object] = asyncio.create_task(_told("tick", work))
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    async def _take_work(self) -> None:
        while not self._stopping.is_set():
            self._queue = PgQueuer.from_asyncpg_pool(DB.opened)
            for work, handler in HANDLERS.items():
                self._queue.entrypoint(work.value, on_failure="delete")(self._entrypoint(handler))
            await _told("queue", self._run_queue(self._queue))
            await self._pause(0.5)

    async def _run_queue(self, queue: PgQueuer) -> None:
        async with queue.connection:
            # Its first act is a notification to itself; were it not listening yet, it would take itself for deaf and end
            # ten seconds later.
            await queue.connection.add_listener(queue.channel, _ignore)
            await queue.qm.run(
                dequeue_timeout=timedelta(seconds=2),
                batch_size=min(10, self._concurrency // 2),
                max_concurrent_tasks=self._concurrency,
                heartbeat_timeout=DEAD_AFTER,
                shutdown_on_listener_failure=True,
                log_aggregation_interval=timedelta(minutes=10),
            )

    def _entrypoint(self, handler: Handler) -> Callable[[QueuedJob], Coroutine[Any, Any, None]]:
        async def take(job: QueuedJob) -> None:
            await handler(int(job.payload or b"0"), self._doors)

        return take

    async def _every(self, seconds: float, what: str, look: Look, *, first: float) -> None:
        """Look again and again, the first time after `first` seconds; what goes wrong in one look is met by the next."""
        await self._pause(first)
        while not self._stopping.is_set():
            await _told(what, look(self._doors))
            await self._pause(seconds)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _ignore(_: str | bytes | bytearray) -> None:
    """Hear nothing: the queue's own listener does."""


async def _told(what: str, work: Awaitable[object]) -> bool:
    """Await it; whether it went well. What goes wrong is told in the log and not passed on: nothing one round meets may end
    the worker."""
    try:
        await work
    except* _LOST_DATABASE as lost:
        log.warning("lost the database", extra={"work": what, "error": repr(lost.exceptions[0])})
    except* Exception:
        log.exception("work failed", extra={"work": what})
    else:
        return True
    return False
