"""What may be bought: by people of the merchant at any hour, by customers where and when it is offered to them.

Hours are the merchant's, by the merchant's clock. Customers who began to buy before they ended may still finish: for `GRACE`.
"""

import hashlib
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.errors import Conflict, NotFound
from portal.hours import Hours
from portal.msgid import N_
from portal.terms import Terms

#: From seeing a package to paying for it. Hours of use must last as long still, for they end without regard for anybody.
GRACE = timedelta(minutes=10)
CHANGED = N_("This package has changed since you saw it. Look at it again, then pay.")
NOT_NOW = N_("This package is not sold at this hour.")

_SELECT = """SELECT p.id, p.name, p.price_cents, p.duration_s, p.uptime_s, p.data_bytes, p.rate_down_kbps, p.rate_up_kbps, p.devices,
                    p.clock_from, p.activation_days, p.purchase_days, p.burst_down_kbps, p.burst_up_kbps, p.threshold_down_kbps,
                    p.threshold_up_kbps, p.burst_time_s, p.use_days, p.use_from_min, p.use_until_min, p.name_en, p.name_sw,
                    p.description, p.sell_days, p.sell_from_min, p.sell_until_min, p.promo_cents, p.promo_from, p.promo_until,
                    p.trials_a_day, m.timezone AS zone
             FROM packages p JOIN merchants m ON m.id = p.merchant_id
             WHERE p.merchant_id = $1 AND p.is_active AND p.period = 'once'"""
_AT_ROUTER = "(p.router_ids = '{}' OR $2 = ANY(p.router_ids))"
#: Customers buy nothing where the operator has paused the shop.
_SELLS = "m.is_active"
_ORDER = "ORDER BY p.position, p.price_cents, p.id"
#: What a package holds beside its terms; the rest of the row are those.
_TERMS = tuple(Terms.__struct_fields__)


class NotNow(Conflict):
    """A customer asks for a package outside of its hours."""

    default = NOT_NOW

    def __init__(self, package: "PackageView | None" = None) -> None:
        super().__init__()
        self.package = package


class Changed(Conflict):
    """Price or terms are not what the customer saw; nothing was asked for."""

    default = CHANGED


class PackageView(msgspec.Struct, frozen=True, kw_only=True):
    """A package as customers see it, with the terms a sale freezes. `price_cents` is to be paid now, `full_cents` without a promo
    price, which holds until `promo_until`. 0: a free trial, of which a router gives out `trials_a_day`."""

    id: int
    name: str
    price_cents: int
    terms: Terms
    full_cents: int
    description: str = ""
    sell_hours: Hours = Hours()
    promo_until: datetime | None = None
    trials_a_day: int = 0
    zone: str = "Africa/Nairobi"

    @property
    def mark(self) -> str:
        """What a form carries so that nobody pays for another price or other terms than were shown."""
        return mark_of(self.price_cents, self.terms)

    def is_sold_at(self, now: datetime) -> bool:
        """Whether customers see it now."""
        return self.sell_hours.holds(now, ZoneInfo(self.zone)) and self._is_usable(now)

    def may_be_finished_at(self, now: datetime) -> bool:
        """Whether customers who saw it may still buy it."""
        zone = ZoneInfo(self.zone)
        sold = self.sell_hours.holds(now, zone) or self.sell_hours.holds(now - GRACE, zone)
        return sold and self._is_usable(now)

    def _is_usable(self, now: datetime) -> bool:
        return self.terms.works_at(now) and self.terms.works_at(now + GRACE)


def mark_of(price_cents: int, terms: Terms) -> str:
    """12 hex digits of a price and terms."""
    return hashlib.sha256(f"{price_cents} {terms.encode()}".encode()).hexdigest()[:12]


async def on_sale(merchant_id: int, *, now: datetime | None = None) -> list[PackageView]:
    """What the merchant's people sell, in the merchant's order, at any hour and router; free trials are not sold. `now` None: at
    the full price, as for vouchers that are printed today and sold another day."""
    rows = await DB.fetch(f"{_SELECT} AND p.price_cents > 0 {_ORDER}", merchant_id)
    return [_view(row, now) for row in rows]


async def one_on_sale(merchant_id: int, package_id: int, *, now: datetime | None = None) -> PackageView:
    """One of these; NotFound for any other."""
    row = await DB.row(f"{_SELECT} AND p.price_cents > 0 AND p.id = $2", merchant_id, package_id)
    if row is None:
        raise NotFound
    return _view(row, now)


async def offered(router_id: int, merchant_id: int, *, now: datetime) -> list[PackageView]:
    """What customers may buy at a router now, and its free trials, in the merchant's order."""
    rows = await DB.fetch(f"{_SELECT} AND {_AT_ROUTER} {_ORDER}", merchant_id, router_id)
    return [view for row in rows if (view := _view(row, now)).is_sold_at(now)]


async def to_sell(router_id: int, merchant_id: int, package_id: int, *, now: datetime, seen: str = "") -> PackageView:
    """One package to sell to a customer at a router now. `seen`: the `mark` of what the customer was shown; "" for nothing yet.

    NotFound: not offered there, or free; NotNow: not at this hour; Changed: another price or other terms than shown."""
    package = await to_give(router_id, merchant_id, package_id, now=now, seen=seen)
    if package.price_cents == 0:
        raise NotFound
    return package


async def to_give(router_id: int, merchant_id: int, package_id: int, *, now: datetime, seen: str = "") -> PackageView:
    """The same, of free trials too."""
    row = await DB.row(f"{_SELECT} AND {_AT_ROUTER} AND p.id = $3 AND {_SELLS}", merchant_id, router_id, package_id)
    if row is None:
        raise NotFound
    package = _view(row, now)
    if not package.may_be_finished_at(now):
        raise NotNow(package)
    if seen and seen != package.mark:
        raise Changed
    return package


def _view(row: Record, now: datetime | None) -> PackageView:
    values = {name: row[name] for name in _TERMS}
    if row["use_from_min"] == row["use_until_min"] and row["use_days"] == Hours().days:
        values["zone"] = ""
    promo_cents = row["promo_cents"] if now is not None and _is_promo(row, now) else None
    return PackageView(
        id=row["id"], name=row["name"], price_cents=row["price_cents"] if promo_cents is None else promo_cents,
        terms=Terms(**values), full_cents=row["price_cents"], description=row["description"],
        sell_hours=Hours(days=row["sell_days"], from_min=row["sell_from_min"], until_min=row["sell_until_min"]),
        promo_until=row["promo_until"] if promo_cents is not None else None, trials_a_day=row["trials_a_day"],
        zone=row["zone"],
    )  # fmt: skip


def _is_promo(row: Record, now: datetime) -> bool:
    if row["promo_cents"] is None:
        return False
    return (row["promo_from"] is None or row["promo_from"] <= now) and now < row["promo_until"]
