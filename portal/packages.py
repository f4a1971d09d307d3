"""Packages: what is on sale."""

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.errors import NotFound
from portal.terms import Terms

_SELECT = """SELECT id, name, price_cents, duration_s, uptime_s, data_bytes, rate_down_kbps, rate_up_kbps, devices, clock_from,
                    activation_days, purchase_days
             FROM packages WHERE merchant_id = $1 AND is_active AND period = 'once'"""


class PackageView(msgspec.Struct, frozen=True, kw_only=True):
    """A package as customers see it, with the terms a sale freezes."""

    id: int
    name: str
    price_cents: int
    terms: Terms


async def on_sale(merchant_id: int) -> list[PackageView]:
    """What the merchant sells now, in the merchant's order."""
    return [_view(row) for row in await DB.fetch(f"{_SELECT} ORDER BY position, price_cents, id", merchant_id)]


async def one_on_sale(merchant_id: int, package_id: int) -> PackageView:
    """One package of this merchant that is on sale; NotFound for any other."""
    row = await DB.row(f"{_SELECT} AND id = $2", merchant_id, package_id)
    if row is None:
        raise NotFound
    return _view(row)


def _view(row: Record) -> PackageView:
    terms = msgspec.convert({name: row[name] for name in Terms.__struct_fields__}, type=Terms)
    return PackageView(id=row["id"], name=row["name"], price_cents=row["price_cents"], terms=terms)
