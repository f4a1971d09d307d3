"""What was sold in a stretch of days, in every way it is asked for: by day, package, router, cashier, way to pay, hour and weekday.

Read from the sums by the hour, never from single payments, but for what was sold since they were last counted; so a year costs what its
hours cost, however many sales lie in them. Everything is beside as much of the time before."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.identity import Actor
from portal.reports import hours
from portal.reports.stretches import Stretch

#: Up to so many days each has a bar; more are told by months.
MOST_BARS = 62
#: So many packages, routers and cashiers are named; the rest is one line.
MOST_LINES = 20
#: Sums not older than this are good enough for a page.
FRESH = timedelta(seconds=30)
_HALF = timedelta(minutes=30)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A bar: an hour of a single day, a day, or a month. `at`: when it begins, by the merchant's clock."""

    at: datetime
    sold: int = 0
    cents: int = 0
    before_cents: int = 0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One package, router, cashier or way. `name` "": none of them; of ways the method."""

    name: str
    sold: int
    cents: int
    before_cents: int


class SalesFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch; money in cents. `before_…`: as much of the time before. `refunded_cents` went back within the stretch, whenever it had
    come in; a sale that went back is no sale any more. `heat`: for each weekday from Monday 24 sums, by hour of the clock: what came
    in on an average one of them."""

    cents: int
    sold: int
    commission_cents: int
    refunded_cents: int
    refunds: int
    before_cents: int
    before_sold: int
    before_commission_cents: int
    before_refunded_cents: int
    step: str
    steps: list[Step]
    packages: list[Line]
    routers: list[Line]
    sellers: list[Line]
    ways: list[Line]
    heat: list[list[int]]

    @property
    def change_percent(self) -> int | None:
        """Takings against the time before in whole percent; None when there was nothing to compare with."""
        return round(100 * (self.cents - self.before_cents) / self.before_cents) if self.before_cents else None


#: `$2` to `$3` is the stretch, `$4` to `$5` the time before, `$6` the hour in which that ends: its part is counted from the payments.
_SUMS = """WITH sums AS (
  SELECT hour_at >= $2 AS is_now, hour_at, router_id, package_id, method, seller_id, sold, received_cents, commission_cents
  FROM sales_hours WHERE merchant_id = $1 AND (hour_at >= $2 AND hour_at < $3 OR hour_at >= $4 AND hour_at < $6)
  UNION ALL
  SELECT false, $6, c.router_id, coalesce(c.package_id, v.package_id), p.method, coalesce(p.sold_by, f.user_id), 1,
         coalesce(p.received_cents, p.amount_cents),
         coalesce((SELECT -sum(e.amount_cents) FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id
                   WHERE l.payment_id = p.id AND e.account = 'commission'), 0)
  FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id LEFT JOIN vouchers v ON v.id = p.voucher_id
  LEFT JOIN floats f ON f.id = p.float_id
  WHERE p.merchant_id = $1 AND p.status = 'paid' AND p.paid_at >= $6 AND p.paid_at < $5
  AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind IN ('sale', 'wallet'))
), told AS (
  SELECT is_now, CASE WHEN $8 THEN hour_at ELSE date_trunc($9, hour_at, $7) END AS step,
         extract(isodow FROM hour_at AT TIME ZONE $7)::int * 100 + extract(hour FROM hour_at AT TIME ZONE $7)::int AS place,
         router_id, package_id, method, seller_id, sold, received_cents, commission_cents FROM sums
)
SELECT grouping(step, package_id, router_id, seller_id, method, place) AS what, is_now, step, place, method, package_id, router_id,
       seller_id, sum(sold)::bigint AS sold, sum(received_cents)::bigint AS cents, sum(commission_cents)::bigint AS commission_cents
FROM told GROUP BY GROUPING SETS
  ((is_now), (is_now, step), (is_now, package_id), (is_now, router_id), (is_now, seller_id), (is_now, method), (is_now, place))"""
#: Bits of `grouping`, the first argument highest: a bit is 0 where the column is told.
_ALL, _STEP, _PACKAGE, _ROUTER, _SELLER, _WAY, _PLACE = 63, 31, 47, 55, 59, 61, 62
_NAMES = """SELECT 'package' AS what, id, name FROM packages WHERE merchant_id = $1 AND id = ANY($2)
UNION ALL SELECT 'router', id, name FROM routers WHERE merchant_id = $1 AND id = ANY($3)
UNION ALL SELECT 'seller', id, name FROM users WHERE id = ANY($4)"""
_REFUNDS = """SELECT coalesce(sum(amount_cents) FILTER (WHERE done_at >= $2), 0)::bigint AS refunded_cents,
       count(*) FILTER (WHERE done_at >= $2) AS refunds,
       coalesce(sum(amount_cents) FILTER (WHERE done_at < $2), 0)::bigint AS before_refunded_cents
FROM refunds WHERE merchant_id = $1 AND status = 'done' AND (done_at >= $2 AND done_at < $3 OR done_at >= $4 AND done_at < $5)"""


async def figures(actor: Actor, stretch: Stretch, *, zone: ZoneInfo, now: datetime) -> SalesFigures:
    """The stretch in figures, up to now; the time before as far as this one has come."""
    merchant_id = actor.at_merchant()
    await _bring_up(merchant_id, zone, now=now)
    begins, ends = stretch.bounds(zone)
    was, was_ends = stretch.before.bounds(zone)
    if now < ends:
        was_ends = min(was_ends, _same_moment(stretch, zone, now))
    cut = max(hours.hour_of(was_ends, zone.key), was)
    step = "hour" if stretch.days == 1 else "day" if stretch.days <= MOST_BARS else "month"
    rows = await DB.fetch(
        _SUMS,
        merchant_id,
        begins,
        ends,
        was,
        was_ends,
        cut,
        zone.key,
        step == "hour",
        step if step != "hour" else "day",
    )
    found = {what: [row for row in rows if row["what"] == what] for what in (_PACKAGE, _ROUTER, _SELLER)}
    names = await _names(merchant_id, found)
    return SalesFigures(
        **_totals(rows),
        **dict(await _refunds(merchant_id, begins, ends, was, was_ends)),
        step=step,
        steps=_steps(stretch, zone, step, [row for row in rows if row["what"] == _STEP], now=now),
        packages=_lines(found[_PACKAGE], "package_id", names.get("package", {})),
        routers=_lines(found[_ROUTER], "router_id", names.get("router", {})),
        sellers=_lines(found[_SELLER], "seller_id", names.get("seller", {})),
        ways=_lines([row for row in rows if row["what"] == _WAY], "method", None),
        heat=_heat(stretch, zone, [row for row in rows if row["what"] == _PLACE and row["is_now"]], now=now),
    )


async def _bring_up(merchant_id: int, zone: ZoneInfo, *, now: datetime) -> None:
    mark = await hours.mark_of(merchant_id)
    if mark is None or mark.zone != zone.key or not now - FRESH <= mark.counted_at <= now:
        await hours.count(merchant_id, now=now)


def _same_moment(stretch: Stretch, zone: ZoneInfo, now: datetime) -> datetime:
    """The moment before that this one is compared up to: the same time of day, as many days back as the time before lies."""
    local = now.astimezone(zone)
    day = local.date() - (stretch.first - stretch.before.first)
    return datetime.combine(day, local.time(), zone).astimezone(UTC)


async def _names(merchant_id: int, found: Mapping[int, Sequence[Record]]) -> dict[str, dict[object, str]]:
    ids = [
        sorted({row[column] for row in found[what] if row[column] is not None})
        for what, column in ((_PACKAGE, "package_id"), (_ROUTER, "router_id"), (_SELLER, "seller_id"))
    ]
    named: dict[str, dict[object, str]] = {}
    for row in await DB.fetch(_NAMES, merchant_id, *ids):
        named.setdefault(row["what"], {})[row["id"]] = row["name"]
    return named


async def _refunds(merchant_id: int, *bounds: datetime) -> Record:
    row = await DB.row(_REFUNDS, merchant_id, *bounds)
    assert row is not None  # a query without GROUP BY
    return row


def _totals(rows: Iterable[Record]) -> dict[str, int]:
    sums = {row["is_now"]: row for row in rows if row["what"] == _ALL}
    found: dict[str, int] = {}
    for is_now, begin in ((True, ""), (False, "before_")):
        for name in ("cents", "sold", "commission_cents"):
            found[begin + name] = sums[is_now][name] if is_now in sums else 0
    return found


def _steps(stretch: Stretch, zone: ZoneInfo, step: str, rows: Sequence[Record], *, now: datetime) -> list[Step]:
    """Every bar up to now, those without sales too; beside each the one that lies as far in the time before."""
    here = {row["step"]: row for row in rows if row["is_now"]}
    before = {row["step"]: row["cents"] for row in rows if not row["is_now"]}
    was = _beginnings(stretch.before, zone, step)
    found: list[Step] = []
    for place, at in enumerate(each for each in _beginnings(stretch, zone, step) if each <= now):
        row, then = here.get(at), before.get(was[place], 0) if place < len(was) else 0
        sold, cents = (row["sold"], row["cents"]) if row else (0, 0)
        found.append(Step(at=at.astimezone(zone), sold=sold, cents=cents, before_cents=then))
    return found


def _beginnings(stretch: Stretch, zone: ZoneInfo, step: str) -> list[datetime]:
    """When each bar begins, in UTC; of a day that has 23 or 25 hours so many."""
    begins, ends = stretch.bounds(zone)
    if step == "hour":
        halves = int((ends - begins) / _HALF)  # where a clock is moved by half an hour, hours do not lie an hour apart
        return sorted({max(begins, hours.hour_of(begins + _HALF * n, zone.key)) for n in range(halves)})
    days = [stretch.first + timedelta(days=n) for n in range(stretch.days)]
    if step == "month":
        days = list(dict.fromkeys(day.replace(day=1) for day in days))
    return [datetime.combine(day, time.min, zone).astimezone(UTC) for day in days]


def _lines(rows: Sequence[Record], column: str, names: Mapping[object, str] | None) -> list[Line]:
    """The dearest by name; those of one name together, what is left and what has no name in one line at the end."""
    order = sorted({row[column] for row in rows}, key=lambda key: -sum(r["cents"] for r in rows if r[column] == key))
    places = {key: place for place, key in enumerate(order)}
    sums: dict[str, list[int]] = {}
    for row in rows:
        key = row[column]
        name = (str(key) if names is None else names.get(key, "")) if places[key] < MOST_LINES else ""
        total = sums.setdefault(name, [0, 0, 0])
        if row["is_now"]:
            total[0] += row["sold"]
            total[1] += row["cents"]
        else:
            total[2] += row["cents"]
    found = [Line(name=name, sold=sold, cents=cents, before_cents=was) for name, (sold, cents, was) in sums.items()]
    return sorted(found, key=lambda line: (line.name == "", -line.cents, -line.before_cents, line.name))


def _heat(stretch: Stretch, zone: ZoneInfo, rows: Sequence[Record], *, now: datetime) -> list[list[int]]:
    """Takings of an average Monday at eight, and so on: by how many such hours there were up to now."""
    local = now.astimezone(zone)
    days = [stretch.first + timedelta(days=n) for n in range(stretch.days)]
    sums = {row["place"]: row["cents"] for row in rows}
    return [
        [
            round(sums.get(weekday * 100 + hour, 0) / max(1, _times(days, weekday, hour, local)))
            for hour in range(24)
        ]
        for weekday in range(1, 8)
    ]  # fmt: skip


def _times(days: Sequence[date], weekday: int, hour: int, local: datetime) -> int:
    today = local.date()
    return sum(
        day.isoweekday() == weekday and (day < today or (day == today and hour <= local.hour)) for day in days
    )  # fmt: skip
