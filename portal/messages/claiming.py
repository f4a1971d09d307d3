"""Which messages go out next, and by which gateway: claimed under a lease, a few at a time. No network here."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from asyncpg import Record

from portal import alerts
from portal.db import DB, Tx, atomic
from portal.gateways.interface import Why
from portal.messages.rules import Candidate, Choices, Drop, Go, Wait, day_start, decide
from portal.states import E, move_all

#: Claimed at once from one gateway; one only while it is in trouble, for whatever is handed over then may be lost.
BATCH = 10
#: Nobody needs this long; who began is dead.
LEASE = timedelta(seconds=90)
#: A message without an end of its own is of no use after this.
USEFUL_FOR = timedelta(days=1)

#: The gateway of a message: the merchant's own before the platform's.
GATEWAY_OF = """
JOIN LATERAL (
  SELECT * FROM message_gateways w WHERE w.channel = m.channel AND w.ended_at IS NULL
    AND (w.merchant_id = m.merchant_id OR w.merchant_id IS NULL)
  ORDER BY w.merchant_id NULLS LAST LIMIT 1) g ON true"""
#: Every shop and channel that has something due, however much one of them has: it must not hide the others.
_WAITING = f"""
SELECT DISTINCT g.id AS gateway
FROM (SELECT DISTINCT merchant_id, channel FROM messages WHERE status = 'queued' AND next_try_at <= $1) m {GATEWAY_OF}
WHERE g.free_at IS NULL OR g.free_at <= $1 ORDER BY gateway"""
#: The next ones by their ids alone, and only those as whole rows: a hundred thousand may wait. Nobody else claims from this gateway.
_CANDIDATES = f"""
WITH next AS MATERIALIZED (
  SELECT m.id FROM messages m {GATEWAY_OF} WHERE g.id = $1 AND m.status = 'queued' AND m.next_try_at <= $2
  ORDER BY m.is_urgent DESC, m.next_try_at, m.id LIMIT $3)
SELECT m.*, coalesce(h.timezone, 'Africa/Nairobi') AS timezone, c.quiet_from, c.quiet_until, c.daily_cap, c.number_cap,
       EXISTS (SELECT FROM message_stops x WHERE x.phone = m.recipient AND x.ended_at IS NULL
               AND (x.merchant_id = m.merchant_id OR x.merchant_id IS NULL)) AS is_stopped
FROM messages m LEFT JOIN merchants h ON h.id = m.merchant_id LEFT JOIN message_settings c ON c.merchant_id = m.merchant_id
WHERE m.id IN (SELECT id FROM next) AND m.status = 'queued' AND m.next_try_at <= $2
ORDER BY m.is_urgent DESC, m.next_try_at, m.id FOR UPDATE OF m SKIP LOCKED"""


async def gateways_waited_for(*, now: datetime) -> list[int]:
    """The gateways that have something to send and are not being left alone."""
    return [row["gateway"] for row in await DB.fetch(_WAITING, now)]


async def claim(gateway_id: int, *, now: datetime) -> list[Record]:
    """Messages to send by this gateway now, under a lease. Those that may not go wait or are dropped. One claimer at a time per
    gateway, so that caps are kept to the message."""
    async with atomic() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"message_gateways {gateway_id}")
        gateway = await tx.row("SELECT free_at, faults FROM message_gateways WHERE id = $1", gateway_id)
        if gateway is None or (gateway["free_at"] is not None and gateway["free_at"] > now):
            return []
        rows = await tx.fetch(_CANDIDATES, gateway_id, now, 1 if gateway["faults"] else BATCH)
        going = await _judge(tx, rows, now=now)
        if not going:
            return []
        ids = [row["id"] for row in going]
        moved = await move_all(
            tx, "messages", ids, E.SUBMIT, at=now, lease_until=now + LEASE, claimed_at=now, gateway_id=gateway_id
        )
        return await tx.fetch("UPDATE messages SET tries = tries + 1, why = NULL WHERE id = ANY($1) RETURNING *", moved)


async def _judge(tx: Tx, rows: list[Record], *, now: datetime) -> list[Record]:
    """Those that may go; the others are put off or dropped."""
    going: list[Record] = []
    dropped: defaultdict[Why, list[int]] = defaultdict(list)
    by_merchant, by_number = Counter[tuple[int | None, bool]](), Counter[tuple[int | None, str, bool]]()
    for row in rows:
        merchant, zone = row["merchant_id"], ZoneInfo(row["timezone"])
        ours, number = (merchant, row["is_urgent"]), (merchant, row["recipient"], row["is_urgent"])
        today, to_number = await _sent(tx, row, since=day_start(now, zone))
        one = Candidate(
            kind=row["kind"], channel=row["channel"], is_urgent=row["is_urgent"],
            ends_at=row["not_after"] or row["created_at"] + USEFUL_FOR, sent_today=today + by_merchant[ours],
            sent_to_number=to_number + by_number[number], is_stopped=row["is_stopped"],
        )  # fmt: skip
        match decide(one, _chosen(row), zone=zone, now=now):
            case Go():
                going.append(row)
                by_merchant[ours] += 1
                by_number[number] += 1
            case Wait(until, why):
                await tx.execute(
                    "UPDATE messages SET next_try_at = $2, why = $3 WHERE id = $1", row["id"], until, why.value
                )
                if why is Why.CAP:
                    await alerts.begin(tx, "sms_cap", f"merchant:{merchant}", now=now, merchant_id=merchant)
            case Drop(why):
                dropped[why].append(row["id"])
    for why, ids in dropped.items():
        await move_all(tx, "messages", ids, E.DROP, at=now, data={"why": why.value}, why=why.value)
    return going


async def _sent(tx: Tx, row: Record, *, since: datetime) -> tuple[int, int]:
    """SMS of this merchant today that are as urgent as this one, and those of them to this number."""
    if row["channel"] != "sms":
        return 0, 0
    found = await tx.row(
        """SELECT count(*) AS today, count(*) FILTER (WHERE recipient = $3) AS number FROM messages
           WHERE merchant_id IS NOT DISTINCT FROM $1 AND claimed_at >= $2 AND channel = 'sms' AND is_urgent = $4""",
        row["merchant_id"],
        since,
        row["recipient"],
        row["is_urgent"],
    )
    return (found["today"], found["number"]) if found else (0, 0)


def _chosen(row: Record) -> Choices:
    if row["daily_cap"] is None:
        return Choices()
    return Choices(
        quiet_from=row["quiet_from"], quiet_until=row["quiet_until"], daily_cap=row["daily_cap"],
        number_cap=row["number_cap"],
    )  # fmt: skip


async def sweep(*, now: datetime) -> int:
    """What nobody comes back for: claims of the dead are unknown (or go again where a repeat does no harm), and what is too late is
    dropped. Returns how many rows moved."""
    async with atomic() as tx:
        dead = await tx.fetch(
            """SELECT m.id, g.kind IN ('smtp', 'webhook', 'console')
                      OR coalesce((g.options ->> 'repeats_safely')::bool, false) AS repeats_safely
               FROM messages m JOIN message_gateways g ON g.id = m.gateway_id
               WHERE m.status = 'sending' AND m.lease_until < $1 LIMIT 500 FOR UPDATE OF m SKIP LOCKED""",
            now,
        )
        again = [row["id"] for row in dead if row["repeats_safely"]]
        lost = [row["id"] for row in dead if not row["repeats_safely"]]
        moved = await move_all(tx, "messages", again, E.RETRY, at=now, lease_until=None, next_try_at=now)
        moved += await move_all(tx, "messages", lost, E.LOSE, at=now, lease_until=None, why=Why.LOST.value)
        late = await tx.fetch(
            """SELECT id FROM messages WHERE status = 'queued' AND next_try_at <= $1
               AND coalesce(not_after, created_at + $2) <= $1 LIMIT 1000 FOR UPDATE SKIP LOCKED""",
            now,
            USEFUL_FOR,
        )
        ids = [row["id"] for row in late]
        moved += await move_all(
            tx, "messages", ids, E.DROP, at=now, data={"why": Why.TOO_LATE.value}, why=Why.TOO_LATE.value
        )
        return len(moved)
