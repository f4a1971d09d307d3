"""How long each log is kept, and taking old rows away, a batch at a time. Money is never a log: the ledger, payments, receipts,
refunds, vouchers and what they were sold by stay for good, and so does every row another still needs.

Deleted in batches and not by dropping partitions: logs are read by keys that do not hold the moment (a payment's exchanges, a
job's runs, the sealed history), so partitions would cost every reader to spare a weekly job seconds. See docs/backups.md, cleaning."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal import running
from portal.db import Tx, atomic
from portal.states import note

BATCH = 5_000
EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Log:
    """A table that may lose rows older than `days` (by `moment`), of which never fewer than `least` may be set, and of those only
    rows for which `over` holds."""

    table: str
    moment: str
    days: int
    least: int
    over: str = "true"


LOGS = {
    each.table: each
    for each in (
        Log("exchanges", "asked_at", 90, 90),
        Log("callbacks", "received_at", 180, 90, "handled_at IS NOT NULL"),
        Log("messages", "created_at", 180, 90, "status IN ('sent', 'delivered', 'split', 'failed', 'dropped')"),
        Log("message_reports", "received_at", 90, 30, "handled_at IS NOT NULL"),
        Log("job_runs", "asked_at", 90, 30, "status IN ('done', 'failed', 'dead', 'discarded')"),
        Log("alerts", "opened_at", 365, 90, "status = 'closed'"),
        Log(
            "checkouts", "created_at", 180, 90,
            """voucher_id IS NULL AND NOT EXISTS (SELECT FROM payments p WHERE p.checkout_id = t.id)
               AND NOT EXISTS (SELECT FROM claims c WHERE c.checkout_id = t.id)
               AND NOT EXISTS (SELECT FROM redemptions r WHERE r.checkout_id = t.id)""",
        ),
        Log(
            "router_checks", "at", 90, 14,
            "EXISTS (SELECT FROM router_checks n WHERE n.router_id = t.router_id AND n.id > t.id)",
        ),
        Log("backups", "made_at", 400, 90, "removed_at IS NOT NULL"),
        Log("backup_drills", "began_at", 400, 90),
        Log("maintenance_reports", "at", 400, 90),
        Log(EVENTS, "at", 730, 180),
    )
}  # fmt: skip


async def clean(*, now: datetime, days: Mapping[str, int], budget_s: float) -> dict[str, int]:
    """Take away what is older than `days` says by table, or than the table's own time; rows by table. What the budget of time
    does not allow goes next time. Safe to repeat and to interrupt."""
    until, gone = time.monotonic() + budget_s, dict[str, int]()
    for each in LOGS.values():
        kept = max(days.get(each.table, each.days), each.least)
        before = now - timedelta(days=kept)
        while time.monotonic() < until:
            done = await (_trim(before, now=now) if each.table == EVENTS else _batch(each, before))
            if not done:
                break
            gone[each.table] = gone.get(each.table, 0) + done
            running.tell(sum(gone.values()), what="rows")
    return gone


async def _batch(each: Log, before: datetime) -> int:
    # The database refuses to lose young rows of some by its own clock, which may be behind ours.
    async with atomic() as tx:
        await running.hold(tx)
        return await tx.value(
            f"""WITH old AS (
                  SELECT id FROM {each.table} t
                  WHERE {each.moment} < least($1, clock_timestamp() - make_interval(days => {each.least})) AND {each.over}
                  ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED
                ), gone AS (DELETE FROM {each.table} d USING old WHERE d.id = old.id RETURNING 1)
                SELECT count(*) FROM gone""",
            before,
        )


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
