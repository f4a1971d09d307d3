"""A merchant's packages as the pages show them: the list with what was sold of each this week, and one as its form is filled in."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.errors import NotFound
from portal.hours import Hours
from portal.identity import Actor
from portal.packages.drafts import DATA_UNITS, TIME_UNITS, Draft
from portal.terms import Terms

WEEK = timedelta(days=7)
PAGE = 50


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A package in the list. `price_cents` is what it costs now, `promo` whether that is less than usual; `sold` in the last 7 days;
    `is_sold_now`: within its hours; `routers`: the names of those it is sold at, none for all."""

    id: int
    draft: Draft
    is_active: bool
    price_cents: int
    is_promo: bool
    sold: int
    is_sold_now: bool
    routers: list[str]


class Place(msgspec.Struct, frozen=True):
    """A router of the merchant's."""

    id: int
    name: str


_LIST = """
SELECT p.*, m.timezone AS zone, coalesce(s.sold, 0)::bigint AS sold,
       ARRAY(SELECT r.name FROM routers r WHERE r.merchant_id = p.merchant_id AND r.id = ANY(p.router_ids) ORDER BY r.name) AS routers
FROM packages p JOIN merchants m ON m.id = p.merchant_id
LEFT JOIN (SELECT package_id, sum(sold) AS sold FROM sales_hours WHERE merchant_id = $1 AND hour_at >= $2 GROUP BY 1) s
  ON s.package_id = p.id
WHERE p.merchant_id = $1 AND p.period = 'once'"""
_TRIALS = """SELECT package_id, count(*) AS given FROM checkouts
WHERE package_id = ANY($1) AND created_at >= $2 AND price_cents = 0 AND voucher_id IS NOT NULL GROUP BY 1"""


async def on_sale_of(actor: Actor, *, now: datetime) -> list[Listed]:
    """The merchant's packages that are on sale, in the order customers see; no more than `MOST_ON_SALE`."""
    rows = await DB.fetch(
        f"{_LIST} AND p.is_active ORDER BY p.position, p.price_cents, p.id", actor.at_merchant(), now - WEEK
    )
    return await _all(rows, now=now)


async def archived_of(actor: Actor, *, now: datetime, before: int | None = None) -> tuple[list[Listed], int | None]:
    """Those no longer on sale, the newest first, and where older ones begin; None: there are none."""
    rows = await DB.fetch(
        f"{_LIST} AND NOT p.is_active AND p.id < $3 ORDER BY p.id DESC LIMIT $4",
        actor.at_merchant(),
        now - WEEK,
        before or 2**63 - 1,
        PAGE + 1,
    )
    return await _all(rows[:PAGE], now=now), rows[PAGE - 1]["id"] if len(rows) > PAGE else None


async def _all(rows: Sequence[Record], *, now: datetime) -> list[Listed]:
    free = [row["id"] for row in rows if row["price_cents"] == 0]
    trials = {row["package_id"]: row["given"] for row in await DB.fetch(_TRIALS, free, now - WEEK)} if free else {}
    return [_listed(row, sold=row["sold"] + trials.get(row["id"], 0), now=now) for row in rows]


async def page_of(actor: Actor, package_id: int, *, now: datetime) -> Listed:
    """One of them, archived or not; NotFound for another merchant's."""
    row = await DB.row(f"{_LIST} AND p.id = $3", actor.at_merchant(), now - WEEK, package_id)
    if row is None:
        raise NotFound
    return _listed(row, sold=row["sold"], now=now)


async def routers_of(actor: Actor) -> list[Place]:
    """The routers a package may be sold at."""
    rows = await DB.fetch(
        "SELECT id, name FROM routers WHERE merchant_id = $1 AND status <> 'removed' ORDER BY name, id",
        actor.at_merchant(),
    )
    return [Place(row["id"], row["name"]) for row in rows]


def _listed(row: Record, *, sold: int, now: datetime) -> Listed:
    draft = _draft(row)
    is_promo = _is_promo(draft, now)
    is_sold = draft.sell_hours.holds(now, ZoneInfo(row["zone"])) and draft.terms.works_at(now)
    return Listed(
        id=row["id"], draft=draft, is_active=row["is_active"], sold=sold, is_sold_now=is_sold, routers=row["routers"],
        price_cents=draft.promo_cents if is_promo and draft.promo_cents else draft.price_cents, is_promo=is_promo,
    )  # fmt: skip


def _draft(row: Record) -> Draft:
    terms = {name: row[name] for name in Terms.__struct_fields__}
    hours = Hours(days=row["sell_days"], from_min=row["sell_from_min"], until_min=row["sell_until_min"])
    rest = {name: row[name] for name in Draft.__struct_fields__ if name not in ("terms", "sell_hours")}
    return Draft(terms=Terms(**terms), sell_hours=hours, **rest)


def _is_promo(draft: Draft, now: datetime) -> bool:
    if draft.promo_cents is None or draft.promo_until is None or now >= draft.promo_until:
        return False
    return draft.promo_from is None or draft.promo_from <= now


def as_typed(draft: Draft, zone: ZoneInfo) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The form's texts and lists that would make this draft."""
    terms = draft.terms
    typed: dict[str, object] = {
        "name": terms.name, "name_en": terms.name_en, "name_sw": terms.name_sw, "description": draft.description,
        "price": draft.price_cents // 100, "devices": terms.devices, "clock": terms.clock_from,
        "purchase_days": terms.purchase_days, "activation_days": terms.activation_days,
        "burst_time": terms.burst_time_s, "trials_a_day": draft.trials_a_day,
        "where": "some" if draft.router_ids else "all",
        "promo": None if draft.promo_cents is None else draft.promo_cents // 100,
        "sell_from": _clock(draft.sell_hours.from_min), "sell_until": _clock(draft.sell_hours.until_min),
        "use_from": _clock(terms.use_from_min), "use_until": _clock(terms.use_until_min),
    }  # fmt: skip
    for name in ("rate_down", "rate_up", "burst_down", "burst_up", "threshold_down", "threshold_up"):
        kbps: int | None = getattr(terms, f"{name}_kbps")
        typed[name.removeprefix("rate_")] = None if kbps is None else f"{kbps / 1000:.6g}"
    for name, at in (("promo_from", draft.promo_from), ("promo_until", draft.promo_until)):
        typed[name] = at and f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"
    typed |= _in_units("length", terms.duration_s, TIME_UNITS)
    typed |= _in_units("uptime", terms.uptime_s, TIME_UNITS) | _in_units("data", terms.data_bytes, DATA_UNITS)
    lists = {"sell_day": _bits(draft.sell_hours.days), "use_day": _bits(terms.use_days)}
    texts = {name: "" if value is None else str(value) for name, value in typed.items()}
    return texts, lists | {"routers": [str(each) for each in draft.router_ids]}


def _in_units(name: str, value: int | None, units: Mapping[str, int]) -> dict[str, object]:
    """A number and its unit: the largest that needs no fraction, except that weeks are days, as people say "7 days"."""
    if value is None:
        return {name: None, f"{name}_unit": "hour" if "hour" in units else "MB"}
    fitting = [unit for unit, size in units.items() if value % size == 0 and unit != "week"]
    unit = fitting[-1] if fitting else next(iter(units))
    return {name: f"{value / units[unit]:.10g}", f"{name}_unit": unit}


def _clock(minute: int | None) -> str:
    return "" if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"


def _bits(days: int) -> list[str]:
    return [str(day) for day in range(7) if days >> day & 1]
