"""Sums by the hour of the merchant's clock: what came in and what was used, per router and package. Kept so that weeks and months
need not be added up from single rows.

A sum is never added to: an hour that something happened to since the last look is counted anew from the rows, so that a late row, a
refund or a session that goes on are in it as in a recount. Once a day the last weeks are counted whole, told of or not."""

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal import running
from portal.db import DB, Tx, atomic

log = logging.getLogger(__name__)

#: Transactions end within this: an older row that is not there yet will not come.
SETTLED_AFTER = timedelta(minutes=10)
#: So much is counted whole once a day.
WHOLE = timedelta(days=40)
#: Counted at once, when a merchant has years to be counted.
_STEP = timedelta(days=31)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)

#: Paid payments that bought something, as on the home: the ledger has their sale. `$2`: the hours to count, all of them
#: from `$4` to `$5`, which spares reading every payment.
_SALES = """SELECT p.merchant_id, c.router_id, coalesce(c.package_id, v.package_id) AS package_id, h.hour_at, p.method,
       coalesce(p.sold_by, f.user_id) AS seller_id, count(*) AS sold,
       sum(coalesce(p.received_cents, p.amount_cents))::bigint AS received_cents, coalesce(sum(k.cents), 0)::bigint AS commission_cents
FROM unnest($2::timestamptz[]) AS h (hour_at)
JOIN payments p ON p.merchant_id = $1 AND p.status = 'paid' AND p.paid_at >= h.hour_at AND p.paid_at < h.hour_at + interval '1 hour'
  AND hour_of(p.paid_at, $3) = h.hour_at AND p.paid_at >= $4 AND p.paid_at < $5
LEFT JOIN checkouts c ON c.id = p.checkout_id LEFT JOIN vouchers v ON v.id = p.voucher_id LEFT JOIN floats f ON f.id = p.float_id
CROSS JOIN LATERAL (
  SELECT -sum(e.amount_cents) FILTER (WHERE e.account = 'commission') AS cents, bool_or(l.kind IN ('sale', 'wallet')) AS is_sale
  FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id WHERE l.payment_id = p.id) AS k
WHERE k.is_sale
GROUP BY 1, 2, 3, 4, 5, 6"""
_WRITE_SALES = f"""WITH fresh AS ({_SALES}), gone AS (
  DELETE FROM sales_hours s WHERE s.merchant_id = $1 AND s.hour_at = ANY($2)
  AND NOT EXISTS (SELECT FROM fresh f WHERE f.hour_at = s.hour_at AND f.router_id IS NOT DISTINCT FROM s.router_id
                  AND f.package_id IS NOT DISTINCT FROM s.package_id AND f.method = s.method
                  AND f.seller_id IS NOT DISTINCT FROM s.seller_id) RETURNING 1
), written AS (
  INSERT INTO sales_hours AS s (merchant_id, router_id, package_id, hour_at, method, seller_id, sold, received_cents, commission_cents)
  SELECT * FROM fresh
  ON CONFLICT (merchant_id, hour_at, coalesce(router_id, 0), coalesce(package_id, 0), method, coalesce(seller_id, 0)) DO UPDATE
    SET sold = excluded.sold, received_cents = excluded.received_cents, commission_cents = excluded.commission_cents
    WHERE (s.sold, s.received_cents, s.commission_cents)
      <> (excluded.sold, excluded.received_cents, excluded.commission_cents) RETURNING 1
) SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)"""

#: A session lasts from its beginning for as long as it was connected. What it moved is spread evenly: of the whole, so much as had
#: been moved at the end of a slice less what had been at its beginning, rounded down, which adds up to the whole exactly.
#: Stretches of PPPoE sessions are sessions of their own here, only that not each of them begins one.
_USAGE = """SELECT s.merchant_id, s.router_id, s.package_id, hour_of(slice.at, $3) AS hour_at,
       sum((slice.at <= s.started_at)::int * s.begins)::bigint AS sessions,
       sum(till.s - since.s)::bigint AS uptime_s,
       sum(div(s.bytes_up::numeric * till.s, whole.s) - div(s.bytes_up::numeric * since.s, whole.s)
           + (CASE WHEN s.uptime_s = 0 THEN s.bytes_up ELSE 0 END))::bigint AS bytes_up,
       sum(div(s.bytes_down::numeric * till.s, whole.s) - div(s.bytes_down::numeric * since.s, whole.s)
           + (CASE WHEN s.uptime_s = 0 THEN s.bytes_down ELSE 0 END))::bigint AS bytes_down
FROM (
  SELECT h.merchant_id, h.router_id, v.package_id, 1 AS begins, h.started_at, h.seen_at, h.ended_at, h.uptime_s, h.bytes_up, h.bytes_down
  FROM hotspot_sessions h JOIN access_grants g ON g.id = h.grant_id JOIN vouchers v ON v.id = g.voucher_id
  UNION ALL
  SELECT merchant_id, router_id, package_id, begins, started_at, seen_at, ended_at, uptime_s, bytes_up, bytes_down FROM dialin_spans
) AS s
CROSS JOIN LATERAL generate_series(
  to_timestamp(floor(extract(epoch FROM s.started_at) / $4::int) * $4::int),
  s.started_at + make_interval(secs => greatest(s.uptime_s, 1)) - interval '1 microsecond', make_interval(secs => $4::int)) AS slice (at)
CROSS JOIN LATERAL (SELECT greatest(s.uptime_s, 1) AS s) AS whole
CROSS JOIN LATERAL (SELECT least(s.uptime_s, greatest(0, floor(extract(epoch FROM slice.at - s.started_at))))::bigint AS s) AS since
CROSS JOIN LATERAL (
  SELECT least(s.uptime_s, floor(extract(epoch FROM slice.at - s.started_at) + $4::int))::bigint AS s) AS till
WHERE s.merchant_id = $1 AND (s.seen_at >= $2::timestamptz - interval '5 minutes' OR s.ended_at >= $2::timestamptz - interval '5 minutes')
  AND slice.at >= $2 AND slice.at < $5
GROUP BY 1, 2, 3, 4"""
_WRITE_USAGE = f"""WITH fresh AS ({_USAGE}), gone AS (
  DELETE FROM usage_hours u WHERE u.merchant_id = $1 AND u.hour_at >= $2 AND u.hour_at < $5
  AND NOT EXISTS (SELECT FROM fresh f WHERE f.hour_at = u.hour_at AND f.router_id = u.router_id AND f.package_id = u.package_id)
  RETURNING 1
), written AS (
  INSERT INTO usage_hours AS u (merchant_id, router_id, package_id, hour_at, sessions, uptime_s, bytes_up, bytes_down)
  SELECT * FROM fresh
  ON CONFLICT (merchant_id, hour_at, router_id, package_id) DO UPDATE
    SET sessions = excluded.sessions, uptime_s = excluded.uptime_s, bytes_up = excluded.bytes_up, bytes_down = excluded.bytes_down
    WHERE (u.sessions, u.uptime_s, u.bytes_up, u.bytes_down)
      <> (excluded.sessions, excluded.uptime_s, excluded.bytes_up, excluded.bytes_down) RETURNING 1
) SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)"""

#: Hours of payments that something was written about since: an event, or a posting.
_TOUCHED = """SELECT DISTINCT hour_of(p.paid_at, $4) AS hour_at FROM payments p WHERE p.merchant_id = $1 AND p.paid_at IS NOT NULL
AND p.id IN (SELECT entity_id FROM events WHERE merchant_id = $1 AND id > $2 AND entity = 'payments'
             UNION SELECT payment_id FROM ledger_postings WHERE merchant_id = $1 AND created_at >= $3)"""
_FIRST = """SELECT least((SELECT min(paid_at) FROM payments WHERE merchant_id = $1 AND status = 'paid'),
                         (SELECT min(started_at) FROM hotspot_sessions WHERE merchant_id = $1),
                         (SELECT min(started_at) FROM dialin_spans WHERE merchant_id = $1))"""
_FIRST_USED = """SELECT least(
  (SELECT min(started_at) FROM hotspot_sessions WHERE merchant_id = $1 AND (seen_at >= $2 OR ended_at >= $2)),
  (SELECT min(started_at) FROM dialin_spans WHERE merchant_id = $1 AND (seen_at >= $2 OR ended_at >= $2)))"""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a merchant's hours are counted: everything known at `counted_at`, by the clock of `zone`.
    `usage_from`: hours of use before it stay as they are, for their sessions may be gone."""

    zone: str
    counted_at: datetime
    safe_event_id: int
    next_event_id: int
    next_event_at: datetime
    checked_at: datetime | None
    usage_from: datetime | None


async def mark_of(merchant_id: int) -> Mark | None:
    """None: nothing was counted yet."""
    row = await DB.row("SELECT * FROM hour_marks WHERE merchant_id = $1", merchant_id)
    return _mark(row) if row else None


async def counted_until(merchant_id: int, *, zone: ZoneInfo, now: datetime) -> date | None:
    """The first day of a merchant that may not be told from the sums alone: the day before the last look, or before today,
    whichever is earlier. None: there are no sums by this clock."""
    mark = await mark_of(merchant_id)
    if mark is None or mark.zone != zone.key:
        return None
    return min(mark.counted_at, now).astimezone(zone).date() - timedelta(days=1)


async def count(merchant_id: int, *, now: datetime) -> int:
    """Bring a merchant's hours up to now; how many sums changed. Safe to repeat, and for two at once."""
    async with atomic() as tx:
        await running.hold(tx)
        await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"hours {merchant_id}")
        zone: str = await tx.value("SELECT timezone FROM merchants WHERE id = $1", merchant_id)
        row = await tx.row("SELECT * FROM hour_marks WHERE merchant_id = $1", merchant_id)
        mark = _mark(row) if row else None
        floor = mark.usage_from if mark and mark.usage_from else _EVER
        if mark is None or mark.zone != zone:
            changed = await _all(tx, merchant_id, zone, floor=floor, now=now)
            mark, checked_at = None, now
        else:
            changed = await _news(tx, merchant_id, mark, floor=floor, now=now)
            checked_at = mark.checked_at
            if checked_at is None or _day(checked_at, zone) != _day(now, zone):
                changed += await _whole(tx, merchant_id, zone, floor=floor, now=now)
                checked_at = now
        await _move_on(tx, merchant_id, zone, mark, checked_at=checked_at, now=now)
        return changed


async def _all(tx: Tx, merchant_id: int, zone: str, *, floor: datetime, now: datetime) -> int:
    """Everything there is, by a clock that was not counted by before. Hours whose sessions are gone stay as they were: nearly all
    zones share them."""
    await tx.execute("DELETE FROM sales_hours WHERE merchant_id = $1", merchant_id)
    await tx.execute("DELETE FROM usage_hours WHERE merchant_id = $1 AND hour_at >= $2", merchant_id, floor)
    since: datetime | None = await tx.value(_FIRST, merchant_id)
    changed = 0
    while since is not None and since <= now:
        until = min(since + _STEP, now)
        changed += await _window(tx, merchant_id, zone, floor=floor, since=since, until=until)
        since = until if until < now else None
    return changed


async def _news(tx: Tx, merchant_id: int, mark: Mark, *, floor: datetime, now: datetime) -> int:
    since = mark.counted_at - SETTLED_AFTER
    touched = await tx.fetch(_TOUCHED, merchant_id, mark.safe_event_id, since, mark.zone)
    hours = {row["hour_at"] for row in touched} | set(_hours(since, now, mark.zone))
    changed = await _sales(tx, merchant_id, mark.zone, sorted(hours))
    began: datetime | None = await tx.value(_FIRST_USED, merchant_id, since)
    if began is not None:
        changed += await _usage(tx, merchant_id, mark.zone, floor=floor, since=began, until=now)
    return changed


async def _whole(tx: Tx, merchant_id: int, zone: str, *, floor: datetime, now: datetime) -> int:
    late = await _window(tx, merchant_id, zone, floor=floor, since=now - WHOLE, until=now)
    if late:
        log.warning("sums by the hour were not what a recount says", extra={"merchant": merchant_id, "sums": late})
    return late


async def _window(tx: Tx, merchant_id: int, zone: str, *, floor: datetime, since: datetime, until: datetime) -> int:
    changed = await _sales(tx, merchant_id, zone, _hours(since, until, zone))
    return changed + await _usage(tx, merchant_id, zone, floor=floor, since=since, until=until)


async def _sales(tx: Tx, merchant_id: int, zone: str, hours: Sequence[datetime]) -> int:
    return await tx.value(_WRITE_SALES, merchant_id, hours, zone, hours[0], hours[-1] + timedelta(hours=1))


async def _usage(tx: Tx, merchant_id: int, zone: str, *, floor: datetime, since: datetime, until: datetime) -> int:
    """Whole hours only: of an hour counted in part the other part would be lost. None that begins before `floor`."""
    first, after = hour_of(since, zone), until + timedelta(hours=1)
    if first < floor:
        first = hour_of(floor + timedelta(hours=1, microseconds=-1), zone)
    return await tx.value(_WRITE_USAGE, merchant_id, first, zone, _slice_s(zone), after)


async def leave_alone(*, before: datetime) -> None:
    """From now on hours of use before this moment are not counted anew: sessions that ended before may go. Only of merchants of
    whom everything until then is counted; waits for a count that is under way."""
    rows = await DB.fetch(
        """SELECT h.merchant_id, h.zone FROM hour_marks h WHERE h.counted_at > $1::timestamptz + interval '1 day'
           AND (EXISTS (SELECT FROM hotspot_sessions s WHERE s.merchant_id = h.merchant_id AND s.ended_at < $1)
             OR EXISTS (SELECT FROM dialin_spans s WHERE s.merchant_id = h.merchant_id AND s.ended_at < $1))""",
        before,
    )
    for row in rows:
        async with atomic() as tx:
            await tx.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"hours {row['merchant_id']}")
            await tx.execute(
                "UPDATE hour_marks SET usage_from = greatest(usage_from, $2) WHERE merchant_id = $1",
                row["merchant_id"], hour_of(before, row["zone"]),
            )  # fmt: skip


async def _move_on(
    tx: Tx, merchant_id: int, zone: str, mark: Mark | None, *, checked_at: datetime | None, now: datetime
) -> None:
    """Events get their number before they can be seen: one is passed over for good only when nothing can come below it."""
    newest: int = await tx.value("SELECT coalesce(max(id), 0) FROM events WHERE merchant_id = $1", merchant_id)
    if mark is None:
        safe, following, since = 0, newest, now
    elif now - mark.next_event_at >= SETTLED_AFTER:
        safe, following, since = mark.next_event_id, newest, now
    else:
        safe, following, since = mark.safe_event_id, mark.next_event_id, mark.next_event_at
    await tx.execute(
        """INSERT INTO hour_marks (merchant_id, zone, counted_at, safe_event_id, next_event_id, next_event_at, checked_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (merchant_id) DO UPDATE SET zone = excluded.zone,
             counted_at = excluded.counted_at, safe_event_id = excluded.safe_event_id, next_event_id = excluded.next_event_id,
             next_event_at = excluded.next_event_at, checked_at = excluded.checked_at""",
        merchant_id,
        zone,
        now,
        safe,
        following,
        since,
        checked_at,
    )


def hour_of(at: datetime, zone: str) -> datetime:
    """First moment of the hour of the merchant's clock; the same as the database's function of this name."""
    offset = at.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None  # every IANA zone has one
    ahead = int(offset.total_seconds()) % 3600
    return datetime.fromtimestamp((int(at.timestamp()) + ahead) // 3600 * 3600 - ahead, UTC)


def _hours(since: datetime, until: datetime, zone: str) -> list[datetime]:
    """Every hour from that of `since` to that of `until`, oldest first; half hours where a clock is moved by half an hour."""
    found = {hour_of(until, zone)}
    at = hour_of(since, zone)
    while at <= until:
        found.add(hour_of(at, zone))
        at += timedelta(seconds=_slice_s(zone))
    return sorted(found)


def _slice_s(zone: str) -> int:
    """The longest slice of time that lies in one hour of the zone's clock, in seconds: a quarter where it is not UTC's minutes."""
    days = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
    return 3600 if all(hour_of(day, zone) == day for day in days) else 900


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def _mark(row: Record) -> Mark:
    return msgspec.convert({name: row[name] for name in Mark.__struct_fields__}, Mark)


async def merchants() -> Sequence[int]:
    """Merchants whose hours are counted: all, for what was sold before a merchant stopped may still be refunded."""
    return [row["id"] for row in await DB.fetch("SELECT id FROM merchants ORDER BY id")]
