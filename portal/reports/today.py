"""Figures for the merchant's and the operator's home: sums by set-based queries, each starting from a merchant's rows.

Takings are paid payments that bought something (the ledger has their sale); money that bought nothing is not counted.
Single sales: portal.sales.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from portal.db import DB
from portal.identity import Actor
from portal.reports import hours


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The key figures of a merchant's day. Money in cents of the merchant's currency.

    `last_week_cents`: the same weekday last week, up to the same time of day. `owed_cents`: what the ledger says we owe
    the merchant, after commission, payouts and what it holds itself. `online`: sessions on routers that answer. `by_hour_cents`: today's
    takings hour by hour, the hour that runs last. `sold_as_vouchers`: printed cards, that were handed out for cash.
    """

    today_cents: int
    last_week_cents: int
    sold_by_mpesa: int
    sold_as_vouchers: int
    sold_for_cash: int
    sold_otherwise: int
    online: int
    in_use: int
    owed_cents: int
    commission_cents: int
    by_hour_cents: list[int]

    @property
    def sold(self) -> int:
        """Packages sold today."""
        return self.sold_by_mpesa + self.sold_as_vouchers + self.sold_for_cash + self.sold_otherwise

    @property
    def change_percent(self) -> int | None:
        """Today against last week in whole percent; None when there was nothing to compare with."""
        if self.last_week_cents == 0:
            return None
        return round(100 * (self.today_cents - self.last_week_cents) / self.last_week_cents)


class DayTakings(msgspec.Struct, frozen=True, kw_only=True):
    """One bar: what came in on one day of the merchant, or in the month that begins with it."""

    day: date
    cents: int


class RouterLine(msgspec.Struct, frozen=True, kw_only=True):
    """A router in the merchant's list. `board` is "" until the router told it."""

    id: int
    name: str
    status: str
    board: str
    version: str
    online: int
    last_seen_at: datetime | None
    offline_since: datetime | None


class MerchantLine(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant in the operator's list."""

    id: int
    name: str
    kind: str
    currency: str
    is_active: bool
    today_cents: int
    sold: int
    routers: int
    routers_offline: int


def day_start(on: date, zone: ZoneInfo) -> datetime:
    """The moment a merchant's day begins, in UTC."""
    return datetime.combine(on, time.min, zone).astimezone(UTC)


_FIGURES = """
WITH sold AS (
  SELECT p.id, p.paid_at >= $2 AS is_today, coalesce(p.received_cents, p.amount_cents) AS cents, p.paid_at,
         CASE WHEN p.method IN ('stk', 'c2b') THEN 'mpesa' WHEN p.method <> 'cash' THEN 'other'
              WHEN v.batch_id IS NOT NULL THEN 'voucher' ELSE 'cash' END AS way
  FROM payments p LEFT JOIN vouchers v ON v.id = p.voucher_id
  WHERE p.merchant_id = $1 AND p.status = 'paid' AND (p.paid_at >= $2 OR (p.paid_at >= $3 AND p.paid_at < $4))
  AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind IN ('sale', 'wallet'))
), hours AS (
  SELECT floor(extract(epoch FROM paid_at - $2) / 3600)::int AS hour, sum(cents)::bigint AS cents
  FROM sold WHERE is_today GROUP BY 1
)
SELECT
  coalesce(sum(cents) FILTER (WHERE is_today), 0)::bigint AS today_cents,
  coalesce(sum(cents) FILTER (WHERE NOT is_today), 0)::bigint AS last_week_cents,
  count(*) FILTER (WHERE is_today AND way = 'mpesa') AS sold_by_mpesa,
  count(*) FILTER (WHERE is_today AND way = 'voucher') AS sold_as_vouchers,
  count(*) FILTER (WHERE is_today AND way = 'cash') AS sold_for_cash,
  count(*) FILTER (WHERE is_today AND way = 'other') AS sold_otherwise,
  (SELECT count(*) FROM hotspot_sessions s JOIN routers r ON r.id = s.router_id
   WHERE r.merchant_id = $1 AND r.status IN ('online', 'late') AND s.ended_at IS NULL) AS online,
  (SELECT count(*) FROM vouchers v WHERE v.merchant_id = $1 AND v.status = 'in_use') AS in_use,
  (SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM ledger_entries e
   WHERE e.merchant_id = $1 AND e.account IN ('merchant_payable', 'cash', 'own_clearing', 'agents', 'agent_commission')) AS owed_cents,
  (SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM sold JOIN ledger_postings l ON l.payment_id = sold.id
   JOIN ledger_entries e ON e.posting_id = l.id WHERE sold.is_today AND e.account = 'commission') AS commission_cents,
  (SELECT array_agg(coalesce(h.cents, 0) ORDER BY n) FROM generate_series(0, $5) n
   LEFT JOIN hours h ON h.hour = n) AS by_hour_cents
FROM sold"""


async def figures(actor: Actor, *, zone: ZoneInfo, now: datetime) -> Figures:
    """The merchant's day up to now."""
    today = now.astimezone(zone).date()
    begins, last_week = day_start(today, zone), day_start(today - timedelta(days=7), zone)
    row = await DB.row(
        _FIGURES,
        actor.at_merchant(),
        begins,
        last_week,
        last_week + (now - begins),
        int((now - begins).total_seconds() // 3600),
    )
    if row is None:
        raise LookupError("a query without GROUP BY gave no row")
    values: dict[str, Any] = dict(row)
    values["by_hour_cents"] = [int(cents) for cents in values["by_hour_cents"]]
    return Figures(**values)


_TAKINGS = """SELECT step, sum(cents)::bigint AS cents FROM (
  SELECT date_trunc($5, hour_at AT TIME ZONE $3)::date AS step, received_cents AS cents
  FROM sales_hours WHERE merchant_id = $1 AND hour_at >= $2 AND hour_at < $4
  UNION ALL
  SELECT date_trunc($5, p.paid_at AT TIME ZONE $3)::date, coalesce(p.received_cents, p.amount_cents)
  FROM payments p WHERE p.merchant_id = $1 AND p.status = 'paid' AND p.paid_at >= greatest($2::timestamptz, $4)
  AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind IN ('sale', 'wallet'))) each GROUP BY 1"""


async def takings_per_day(actor: Actor, *, days: int, zone: ZoneInfo, now: datetime) -> list[DayTakings]:
    """What came in per day of the merchant, oldest first, today last; a day without sales is zero. Days before yesterday are added
    up from the sums by the hour, where those are kept."""
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    found = await _takings(actor, "day", first, zone=zone, now=now)
    return [DayTakings(day=day, cents=found.get(day, 0)) for day in (first + timedelta(days=n) for n in range(days))]


async def takings_per_month(actor: Actor, *, months: int, zone: ZoneInfo, now: datetime) -> list[DayTakings]:
    """The same by months, each named by its first day; the one that lasts is the last."""
    listed = [now.astimezone(zone).date().replace(day=1)]
    while len(listed) < months:
        listed.insert(0, (listed[0] - timedelta(days=1)).replace(day=1))
    found = await _takings(actor, "month", listed[0], zone=zone, now=now)
    return [DayTakings(day=month, cents=found.get(month, 0)) for month in listed]


async def _takings(actor: Actor, step: str, first: date, *, zone: ZoneInfo, now: datetime) -> dict[date, int]:
    counted = await hours.counted_until(actor.at_merchant(), zone=zone, now=now)
    cut = day_start(counted, zone) if counted else datetime.min.replace(tzinfo=UTC)
    rows = await DB.fetch(_TAKINGS, actor.at_merchant(), day_start(first, zone), zone.key, cut, step)
    return {row["step"]: row["cents"] for row in rows}


async def routers(actor: Actor) -> list[RouterLine]:
    """The merchant's routers by name, the ones in trouble first. Sessions count only where the router answers."""
    rows = await DB.fetch(
        """SELECT r.id, r.name, r.status, r.board, r.version, r.last_seen_at, r.offline_since,
                  CASE WHEN r.status IN ('online', 'late') THEN
                    (SELECT count(*) FROM hotspot_sessions s WHERE s.router_id = r.id AND s.ended_at IS NULL)
                  ELSE 0 END AS online
           FROM routers r WHERE r.merchant_id = $1 AND r.status <> 'removed'
           ORDER BY r.status <> 'offline', r.status <> 'late', r.name, r.id""",
        actor.at_merchant(),
    )
    return [RouterLine(**dict(row)) for row in rows]


async def merchants_today(*, now: datetime) -> list[MerchantLine]:
    """Every merchant with its day so far, the busiest first. For the operator only."""
    rows = await DB.fetch(
        """SELECT m.id, m.name, m.kind, m.currency, m.is_active,
                  coalesce(s.cents, 0)::bigint AS today_cents, coalesce(s.sold, 0) AS sold,
                  coalesce(r.routers, 0) AS routers, coalesce(r.offline, 0) AS routers_offline
           FROM merchants m
           LEFT JOIN LATERAL (
             SELECT sum(coalesce(p.received_cents, p.amount_cents)) AS cents, count(*) AS sold FROM payments p
             WHERE p.merchant_id = m.id AND p.status = 'paid'
             AND p.paid_at >= date_trunc('day', $1::timestamptz, m.timezone)
             AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind IN ('sale', 'wallet'))) s ON true
           LEFT JOIN LATERAL (
             SELECT count(*) AS routers, count(*) FILTER (WHERE status = 'offline') AS offline FROM routers
             WHERE merchant_id = m.id AND status <> 'removed') r ON true
           ORDER BY today_cents DESC, m.name, m.id LIMIT 500""",
        now,
    )
    return [MerchantLine(**dict(row)) for row in rows]
