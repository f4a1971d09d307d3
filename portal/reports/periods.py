"""A merchant's week or month in figures, beside the one before. Read from the sums by the hour, which the caller has brought up to
date; money that left or is owed comes from its own rows."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from portal import ledger
from portal.db import DB
from portal.reports.today import day_start

#: So many packages and routers are named; what is left is one line.
MOST_LINES = 12


class Kind(StrEnum):
    """How long a period is."""

    WEEK = "week"  # Monday to Sunday
    MONTH = "month"


class Span(msgspec.Struct, frozen=True):
    """A period: its first and its last day, by the merchant's calendar."""

    kind: Kind
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Span":
        """The period before this one."""
        return span_of(self.kind, self.first - timedelta(days=1))

    @property
    def following(self) -> "Span":
        """The period after this one."""
        return span_of(self.kind, self.last + timedelta(days=1))

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first moment and the first after it, in UTC."""
        return day_start(self.first, zone), day_start(self.last + timedelta(days=1), zone)


def span_of(kind: Kind, on: date) -> Span:
    """The period a day is in. Pure."""
    if kind is Kind.WEEK:
        first = on - timedelta(days=on.weekday())
        return Span(kind, first, first + timedelta(days=6))
    first = on.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Span(kind, first, following - timedelta(days=1))


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A package: how often it was sold and what it brought in, now and in the period before. "" is what has no package."""

    name: str
    sold: int
    cents: int
    before_cents: int


class RouterLine(msgspec.Struct, frozen=True, kw_only=True):
    """A router: sales at it, its use, and how long it was away. "" is what was sold at none."""

    name: str
    sold: int = 0
    cents: int = 0
    sessions: int = 0
    uptime_s: int = 0
    bytes: int = 0
    away_s: int = 0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A period; money in cents of `currency`. `by_day_cents` has a number for each day (of a period that lasts, up to today);
    `by_clock_cents` one for each hour of the day. `by_way_cents`: mpesa, cash, airtel and so on. `before_…`: the period before, and
    while this one lasts only so much of it."""

    currency: str
    cents: int
    sold: int
    before_cents: int
    before_sold: int
    by_day_cents: list[int]
    before_by_day_cents: list[int]
    by_clock_cents: list[int]
    by_way_cents: dict[str, int]
    packages: list[Line]
    routers: list[RouterLine]
    customers: int
    new_customers: int
    commission_cents: int
    refunded_cents: int
    paid_out_cents: int
    owed_cents: int
    sessions: int
    uptime_s: int
    bytes: int
    before_bytes: int

    @property
    def change_percent(self) -> int | None:
        """Takings against the period before in whole percent; None when there was nothing to compare with."""
        if self.before_cents == 0:
            return None
        return round(100 * (self.cents - self.before_cents) / self.before_cents)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was sold or used, nor in the period before."""
        return not (self.sold or self.before_sold or self.sessions)


class _Range(NamedTuple):
    """What is summed: from `begins` to `ends` (exclusive), and of the period before from `was` to `was_ends`."""

    begins: datetime
    ends: datetime
    was: datetime
    was_ends: datetime


def _range(span: Span, zone: ZoneInfo, now: datetime | None) -> _Range:
    begins, ends = span.bounds(zone)
    was, was_ends = span.before.bounds(zone)
    if now is None or now >= ends:
        return _Range(begins, ends, was, was_ends)
    local = now.astimezone(zone)
    same = span.before.first + (local.date() - span.first)
    upto = datetime.combine(same, time(local.hour, local.minute), zone)
    return _Range(begins, now, was, min(was_ends, upto))


_DAYS = """SELECT (hour_at AT TIME ZONE $6)::date AS day, hour_at >= $2 AS is_now, sum(sold)::bigint AS sold,
       sum(received_cents)::bigint AS cents
FROM sales_hours WHERE merchant_id = $1 AND (hour_at >= $2 AND hour_at < $3 OR hour_at >= $4 AND hour_at < $5) GROUP BY 1, 2"""
_CLOCK = """SELECT extract(hour FROM hour_at AT TIME ZONE $4)::int AS hour, sum(received_cents)::bigint AS cents
FROM sales_hours WHERE merchant_id = $1 AND hour_at >= $2 AND hour_at < $3 GROUP BY 1"""
_PACKAGES = """SELECT coalesce(k.name, '') AS name, coalesce(sum(h.sold) FILTER (WHERE h.hour_at >= $2), 0)::bigint AS sold,
       coalesce(sum(h.received_cents) FILTER (WHERE h.hour_at >= $2), 0)::bigint AS cents,
       coalesce(sum(h.received_cents) FILTER (WHERE h.hour_at < $2), 0)::bigint AS before_cents
FROM sales_hours h LEFT JOIN packages k ON k.id = h.package_id
WHERE h.merchant_id = $1 AND (h.hour_at >= $2 AND h.hour_at < $3 OR h.hour_at >= $4 AND h.hour_at < $5)
GROUP BY h.package_id, k.name ORDER BY cents DESC, before_cents DESC, name"""
_ROUTERS = """SELECT coalesce(r.name, '') AS name, coalesce(s.sold, 0)::bigint AS sold, coalesce(s.cents, 0)::bigint AS cents,
       coalesce(u.sessions, 0)::bigint AS sessions, coalesce(u.uptime_s, 0)::bigint AS uptime_s, coalesce(u.bytes, 0)::bigint AS bytes,
       coalesce((SELECT extract(epoch FROM sum(least(coalesce(o.ended_at, $3), $3) - greatest(o.began_at, $2))) FROM router_outages o
                 WHERE o.router_id = r.id AND o.began_at < $3 AND coalesce(o.ended_at, $3) > $2
                 AND coalesce(o.ended_at, $3) - o.began_at >= interval '1 minute'), 0)::bigint AS away_s
FROM (SELECT id, name FROM routers WHERE merchant_id = $1 AND (removed_at IS NULL OR removed_at > $2)
      UNION ALL SELECT NULL, '') r
LEFT JOIN (SELECT router_id, sum(sold) AS sold, sum(received_cents) AS cents FROM sales_hours
           WHERE merchant_id = $1 AND hour_at >= $2 AND hour_at < $3 GROUP BY 1) s ON s.router_id IS NOT DISTINCT FROM r.id
LEFT JOIN (SELECT router_id, sum(sessions) AS sessions, sum(uptime_s) AS uptime_s, sum(bytes_up + bytes_down) AS bytes FROM usage_hours
           WHERE merchant_id = $1 AND hour_at >= $2 AND hour_at < $3 GROUP BY 1) u ON u.router_id = r.id
WHERE r.id IS NOT NULL OR s.sold > 0 ORDER BY cents DESC, bytes DESC, name"""
_PAYERS = """WITH sold AS (
  SELECT p.id, p.method, p.phone, coalesce(p.received_cents, p.amount_cents) AS cents FROM payments p
  WHERE p.merchant_id = $1 AND p.status = 'paid' AND p.paid_at >= $2 AND p.paid_at < $3
  AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind IN ('sale', 'wallet')))
SELECT (SELECT jsonb_object_agg(way, cents) FROM (
          SELECT CASE WHEN method IN ('stk', 'c2b') THEN 'mpesa' ELSE method END AS way, sum(cents)::bigint AS cents
          FROM sold GROUP BY 1) w)::text AS ways,
       (SELECT count(DISTINCT phone) FROM sold WHERE phone <> '') AS customers,
       (SELECT count(*) FROM (SELECT DISTINCT phone FROM sold WHERE phone <> '') c WHERE NOT EXISTS (
          SELECT FROM payments o WHERE o.phone = c.phone AND o.merchant_id = $1 AND o.paid_at < $2)) AS new_customers"""
_MONEY = """SELECT
  (SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id
   WHERE l.merchant_id = $1 AND l.created_at >= $2 AND l.created_at < $3 AND e.account = 'commission') AS commission_cents,
  (SELECT coalesce(sum(amount_cents), 0)::bigint FROM refunds
   WHERE merchant_id = $1 AND status = 'done' AND done_at >= $2 AND done_at < $3) AS refunded_cents,
  (SELECT coalesce(sum(amount_cents), 0)::bigint FROM payouts
   WHERE merchant_id = $1 AND status = 'done' AND done_at >= $2 AND done_at < $3) AS paid_out_cents,
  (SELECT coalesce(sum(bytes_up + bytes_down), 0)::bigint FROM usage_hours
   WHERE merchant_id = $1 AND hour_at >= $4 AND hour_at < $5) AS before_bytes"""


async def figures(
    merchant_id: int, span: Span, *, zone: ZoneInfo, currency: str, now: datetime | None = None
) -> Figures:
    """A period in figures. `now`: as far as it has come, when it still lasts."""
    over = _range(span, zone, now)
    days = await DB.fetch(_DAYS, merchant_id, *over, zone.key)
    current = {row["day"]: row["cents"] for row in days if row["is_now"]}
    was = {row["day"]: row["cents"] for row in days if not row["is_now"]}
    clock = {row["hour"]: row["cents"] for row in await DB.fetch(_CLOCK, merchant_id, over.begins, over.ends, zone.key)}
    routers = [RouterLine(**dict(row)) for row in await DB.fetch(_ROUTERS, merchant_id, over.begins, over.ends)]
    payers = await DB.row(_PAYERS, merchant_id, over.begins, over.ends)
    money = await DB.row(_MONEY, merchant_id, *over)
    assert payers is not None
    assert money is not None
    come = min(span.days, (now.astimezone(zone).date() - span.first).days + 1) if now else span.days
    return Figures(
        currency=currency,
        cents=sum(current.values()),
        sold=sum(row["sold"] for row in days if row["is_now"]),
        before_cents=sum(was.values()),
        before_sold=sum(row["sold"] for row in days if not row["is_now"]),
        by_day_cents=[current.get(span.first + timedelta(days=n), 0) for n in range(come)],
        before_by_day_cents=[was.get(span.before.first + timedelta(days=n), 0) for n in range(span.before.days)],
        by_clock_cents=[clock.get(hour, 0) for hour in range(24)],
        by_way_cents=msgspec.json.decode(payers["ways"] or "{}", type=dict[str, int]),
        packages=_few([Line(**dict(row)) for row in await DB.fetch(_PACKAGES, merchant_id, *over)]),
        routers=routers,
        customers=payers["customers"],
        new_customers=payers["new_customers"],
        owed_cents=await ledger.owed(merchant_id, before=over.ends),
        sessions=sum(line.sessions for line in routers),
        uptime_s=sum(line.uptime_s for line in routers),
        bytes=sum(line.bytes for line in routers),
        **dict(money),
    )


def _few(lines: Sequence[Line]) -> list[Line]:
    """The dearest by name; packages of one name together, and what is left in one line without a name."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for place, line in enumerate(lines):
        total = sums[line.name if place < MOST_LINES else ""]
        for at, value in enumerate((line.sold, line.cents, line.before_cents)):
            total[at] += value
    found = [Line(name=name, sold=sold, cents=cents, before_cents=was) for name, (sold, cents, was) in sums.items()]
    return sorted(found, key=lambda line: (line.name == "", -line.cents, -line.before_cents))
