"""How the platform is, in figures of the last day: payments, callbacks, routers, the queue, jobs, backups, the database and its disk.
Reads only, in a handful of statements."""

import asyncio
import shutil
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

import msgspec
from asyncpg import Record

from portal.config import Settings
from portal.db import DB
from portal.identity import Actor
from portal.platform.rights import operator


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a job that went wrong."""

    job: str
    at: datetime
    error: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Counts are of the last 24 hours unless said; ages in seconds; None: there is nothing to say."""

    merchants: int
    paused: int
    routers: dict[str, int]
    pushes: int
    pushes_paid: int
    callbacks: int
    callbacks_handled: int
    callbacks_waiting: int
    queue: int
    queue_oldest_s: int | None
    runs: int
    runs_failed: int
    troubles: list[Trouble]
    alerts: int
    backup_at: datetime | None
    database_bytes: int
    disk_bytes: int
    disk_free_bytes: int
    version: str

    @property
    def push_rate(self) -> int | None:
        """Of a hundred requests to phones how many were paid; None: there were none."""
        return self.pushes_paid * 100 // self.pushes if self.pushes else None

    @property
    def callback_rate(self) -> int | None:
        """Of a hundred callbacks how many were handled."""
        return self.callbacks_handled * 100 // self.callbacks if self.callbacks else None


_FIGURES = """
SELECT (SELECT count(*) FROM merchants) AS merchants, (SELECT count(*) FROM merchants WHERE NOT is_active) AS paused,
  (SELECT count(*) FROM payments WHERE method = 'stk' AND created_at > $1::timestamptz - interval '1 day') AS pushes,
  (SELECT count(*) FROM payments WHERE method = 'stk' AND created_at > $1::timestamptz - interval '1 day'
   AND status IN ('paid', 'refund_pending', 'refunded')) AS pushes_paid,
  (SELECT count(*) FROM callbacks WHERE received_at > $1::timestamptz - interval '1 day') AS callbacks,
  (SELECT count(*) FROM callbacks WHERE received_at > $1::timestamptz - interval '1 day' AND handled_at IS NOT NULL) AS callbacks_handled,
  (SELECT count(*) FROM callbacks WHERE handled_at IS NULL AND verdict IS NULL) AS callbacks_waiting,
  (SELECT count(*) FROM pgqueuer WHERE execute_after <= now()) AS queue,
  (SELECT extract(epoch FROM now() - min(created))::bigint FROM pgqueuer WHERE execute_after <= now()) AS queue_oldest_s,
  (SELECT count(*) FROM job_runs WHERE slot > $1::timestamptz - interval '1 day' AND status <> 'discarded') AS runs,
  (SELECT count(*) FROM job_runs WHERE slot > $1::timestamptz - interval '1 day' AND status IN ('failed', 'dead')) AS runs_failed,
  (SELECT count(*) FROM alerts WHERE status = 'open') AS alerts,
  pg_database_size(current_database()) AS database_bytes"""


async def look(actor: Actor, *, settings: Settings, now: datetime) -> Health:
    """The figures of now."""
    operator(actor)
    row: Record | None = await DB.row(_FIGURES, now)
    assert row is not None
    routers = await DB.fetch("SELECT status, count(*) AS n FROM routers WHERE status <> 'removed' GROUP BY status")
    troubles = await DB.fetch(
        """SELECT job, coalesce(ended_at, slot) AS at, left(coalesce(error, ''), 300) AS error FROM job_runs
           WHERE status IN ('failed', 'dead', 'retry') AND error IS NOT NULL ORDER BY id DESC LIMIT 5"""
    )
    disk = await asyncio.to_thread(shutil.disk_usage, settings.data_dir if settings.data_dir.exists() else "/")
    return Health(
        **dict(row), routers={each["status"]: each["n"] for each in routers},
        troubles=[Trouble(**dict(each)) for each in troubles],
        backup_at=await DB.value("SELECT max(ended_at) FROM backups"),
        disk_bytes=disk.total, disk_free_bytes=disk.free, version=_version(),
    )  # fmt: skip


def _version() -> str:
    try:
        return version("vocha")
    except PackageNotFoundError:
        return ""


class OwedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a merchant is owed, and what is on its way or stuck. `schedule`: when it is paid out; `held`: why nothing goes."""

    id: int
    name: str
    currency: str
    owed_cents: int
    on_way_cents: int
    failed: int
    failed_cents: int
    schedule: str
    has_number: bool


async def owed(actor: Actor, *, after: int | None = None, most: int = 50) -> list[OwedLine]:
    """Who is owed something or has a payout under way, by id behind `after`."""
    operator(actor)
    rows = await DB.fetch(
        """SELECT * FROM (SELECT m.id, m.name, m.currency,
             (SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM ledger_entries e
              WHERE e.merchant_id = m.id AND e.account = 'merchant_payable') AS owed_cents,
             coalesce(p.on_way, 0)::bigint AS on_way_cents, coalesce(p.failed, 0) AS failed,
             coalesce(p.failed_cents, 0)::bigint AS failed_cents,
             coalesce((SELECT l.schedule FROM payout_plans l WHERE l.merchant_id = m.id), '') AS schedule,
             EXISTS (SELECT FROM payout_numbers n WHERE n.merchant_id = m.id) AS has_number
           FROM merchants m LEFT JOIN LATERAL (
             SELECT sum(amount_cents) FILTER (WHERE status NOT IN ('done', 'dropped', 'failed')) AS on_way,
                    count(*) FILTER (WHERE status = 'failed') AS failed,
                    sum(amount_cents) FILTER (WHERE status = 'failed') AS failed_cents
             FROM payouts o WHERE o.merchant_id = m.id) p ON true
           WHERE $1::bigint IS NULL OR m.id > $1) w
           WHERE owed_cents <> 0 OR on_way_cents > 0 OR failed > 0 ORDER BY id LIMIT $2""",
        after,
        most,
    )
    return [OwedLine(**dict(row)) for row in rows]
