"""Taking old rows away, a batch at a time; `portal.upkeep_tables` says of which tables and how old. Money is never a log.

Deleted in batches and not by dropping partitions: docs/decisions/0010 says why, with what was measured."""

import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from asyncpg import PostgresError

from portal import running, upkeep_reports
from portal.db import Tx, atomic
from portal.patience import LOST_DATABASE
from portal.reports import hours
from portal.states import note
from portal.upkeep_reports import LogsReport
from portal.upkeep_tables import EVENTS, LOGS, Log

log = logging.getLogger(__name__)

BATCH = 5_000


async def clean(*, now: datetime, days: Mapping[str, int], budget_s: float) -> LogsReport:
    """Take away what is older than `days` says by table, or than the table's own time; the report is kept. What the budget of
    time does not allow goes next time, and a table that cannot be cleaned stops no other. Safe to repeat and to interrupt."""
    began, gone, failed, is_whole = time.monotonic(), dict[str, int](), dict[str, str](), True
    until = began + budget_s
    for each in LOGS.values():
        before = now - timedelta(days=max(days.get(each.table, each.days), each.least))
        try:
            is_whole &= await _clean(each, before, until=until, gone=gone, now=now)
        except (PostgresError, TimeoutError) as error:
            if isinstance(error, LOST_DATABASE) and not isinstance(error, TimeoutError):
                raise  # tried again from the beginning
            log.exception("a log could not be cleaned", extra={"table": each.table})
            failed[each.table] = type(error).__name__
    report = LogsReport(gone=gone, failed=failed, is_whole=is_whole, seconds=round(time.monotonic() - began, 1))
    await upkeep_reports.keep(report, is_good=not failed, now=now)
    return report


async def _clean(each: Log, before: datetime, *, until: float, gone: dict[str, int], now: datetime) -> bool:
    """One table; False when the time was over before all was gone."""
    if each.table == "hotspot_sessions":
        await hours.leave_alone(before=before)
    above = 0
    while time.monotonic() < until:
        if each.table == EVENTS:
            done = await _trim(before, now=now)
        else:
            done, above = await _batch(each, before, above=above)
        if not done:
            return True
        gone[each.table] = gone.get(each.table, 0) + done
        running.tell(sum(gone.values()), what="rows")
    return False


async def _batch(each: Log, before: datetime, *, above: int) -> tuple[int, int]:
    """Rows with an id above `above`; how many went, and the last one's id: what was passed over is not looked at again."""
    # The database refuses to lose young rows of some by its own clock, which may be behind ours.
    async with atomic() as tx:
        await running.hold(tx)
        row = await tx.row(
            # As an array, or a planner without fresh statistics reads the whole table for each batch.
            f"""WITH gone AS (
                  DELETE FROM {each.table} WHERE id = ANY(ARRAY(
                    SELECT id FROM {each.table} t
                    WHERE id > $2 AND {each.moment} < least($1, clock_timestamp() - make_interval(days => {each.least}))
                    AND ({each.over}) ORDER BY id LIMIT {BATCH} FOR UPDATE OF t SKIP LOCKED))
                  RETURNING id)
                SELECT count(*) AS done, coalesce(max(id), 0) AS last FROM gone""",
            before,
            above,
        )
    assert row is not None  # an aggregate has a row
    return row["done"], row["last"]


async def _trim(before: datetime, *, now: datetime) -> int:
    """Take the oldest sealed range of the history away, whole, when all of it is old: the seals after it still hold."""
    async with atomic() as tx:
        await running.hold(tx)
        seal = await tx.row(
            """SELECT s.id, s.first_id, s.last_id, s.digest FROM event_seals s
               WHERE s.last_id >= (SELECT min(id) FROM events) ORDER BY s.id LIMIT 1"""
        )
        if seal is None or not await _is_old(tx, seal["id"], before):
            return 0
        gone = await tx.value(
            "WITH gone AS (DELETE FROM events WHERE id <= $1 RETURNING 1) SELECT count(*) FROM gone", seal["last_id"]
        )
        data = {"first_id": seal["first_id"], "last_id": seal["last_id"], "digest": seal["digest"], "rows": gone}
        await note(
            tx, "event_seals", seal["id"], "events_trimmed", merchant_id=None, at=now, actor="job:clean-logs", data=data
        )
    return gone


async def _is_old(tx: Tx, seal_id: int, before: datetime) -> bool:
    return await tx.value(
        f"""SELECT s.created_at < b.at AND NOT EXISTS (SELECT FROM events e WHERE e.id <= s.last_id AND e.at >= b.at)
            FROM event_seals s, (SELECT least($2, clock_timestamp() - make_interval(days => {LOGS[EVENTS].least})) AS at) b
            WHERE s.id = $1""",
        seal_id,
        before,
    )
