"""Promos as their pages tell them: what they do, and what came of them. Reads only; counts are made of checkouts, never kept."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.promos.redeeming import HELD_FOR, STANDS

PAGE_SIZE = 30
_NEWEST = 2**63 - 1


class PromoLine(msgspec.Struct, frozen=True, kw_only=True):
    """A promo in the list. `state`: running, soon, over, used_up or stopped; `used` counts paid and given uses, `held` payments
    under way."""

    id: int
    code: str
    note: str
    percent: int | None
    amount_cents: int | None
    starts_at: datetime
    ends_at: datetime | None
    most_uses: int | None
    state: str
    used: int
    held: int


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One use that stands. `paid_cents`: what came in, 0 for what was given; `payment_id` None: nothing was to be paid."""

    id: int
    at: datetime
    phone: str
    package: str
    off_cents: int
    price_cents: int
    is_held: bool
    payment_id: int | None
    voucher_id: int | None


class PromoPage(msgspec.Struct, frozen=True, kw_only=True):
    """A promo with what came of it. Money in cents; `by_day`: uses of the last 30 days where the merchant is, oldest first;
    `by_package`: (name, uses), most first."""

    line: PromoLine
    most_per_customer: int | None
    least_price_cents: int
    package_ids: Sequence[int]
    packages: Sequence[str]
    by: str
    created_at: datetime
    given_cents: int
    taken_cents: int
    customers: int
    by_day: Sequence[tuple[date, int]]
    by_package: Sequence[tuple[str, int]]


_COUNTED = f"""SELECT count(*) FILTER (WHERE c.voucher_id IS NOT NULL) AS used, count(*) FILTER (WHERE c.voucher_id IS NULL) AS held
FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id WHERE r.promo_id = m.id AND NOT r.is_final AND {STANDS}"""
_LINES = f"""SELECT m.*, m.final_uses + n.used AS used, n.held FROM promos m CROSS JOIN LATERAL ({_COUNTED}) n
WHERE m.merchant_id = $1 AND m.archived_at IS NULL AND m.id < $3 AND ($4::bigint IS NULL OR m.id = $4)
ORDER BY m.id DESC LIMIT $5"""


async def latest(
    actor: Actor, *, now: datetime, before: int | None = None, most: int = PAGE_SIZE
) -> tuple[list[PromoLine], int | None]:
    """The merchant's promos, newest first, and the id below which the next page begins (None: there is none)."""
    rows = await DB.fetch(_LINES, actor.at_merchant(), now - HELD_FOR, before or _NEWEST, None, most + 1)
    lines = [_line(row, now=now) for row in rows[:most]]
    return lines, lines[-1].id if len(rows) > most else None


def _line(row: Record, *, now: datetime) -> PromoLine:
    names = PromoLine.__struct_fields__
    known: dict[str, Any] = {name: row[name] for name in names if name != "state"}
    return PromoLine(**known, state=_state(row, now=now))


def _state(row: Record, *, now: datetime) -> str:
    if row["ends_at"] is not None and now >= row["ends_at"]:
        return "over"
    if not row["is_active"]:
        return "stopped"
    if row["most_uses"] is not None and row["used"] >= row["most_uses"]:
        return "used_up"
    return "soon" if now < row["starts_at"] else "running"


_TOTALS = """SELECT coalesce(sum(r.off_cents), 0)::bigint AS given, coalesce(sum(r.price_cents - r.off_cents), 0)::bigint AS taken,
       count(DISTINCT coalesce(nullif(r.phone, ''), r.mac)) AS customers
FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id WHERE r.promo_id = $1 AND c.voucher_id IS NOT NULL"""
_BY_DAY = """SELECT (r.created_at AT TIME ZONE $2)::date AS day, count(*) AS uses
FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id
WHERE r.promo_id = $1 AND c.voucher_id IS NOT NULL AND r.created_at >= $3 GROUP BY 1"""
_BY_PACKAGE = """SELECT c.terms ->> 'name' AS name, count(*) AS uses
FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id
WHERE r.promo_id = $1 AND c.voucher_id IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"""


async def page_of(actor: Actor, promo_id: int, *, zone: ZoneInfo, now: datetime, days: int = 30) -> PromoPage:
    """One promo; NotFound for another merchant's."""
    found = await DB.fetch(_LINES, actor.at_merchant(), now - HELD_FOR, _NEWEST, promo_id, 1)
    if not found:
        raise NotFound
    row = found[0]
    total = await DB.row(_TOTALS, promo_id)
    assert total is not None  # an aggregate always has a row
    today = now.astimezone(zone).date()
    counted = await DB.fetch(_BY_DAY, promo_id, zone.key, now - timedelta(days=days + 1))
    uses = {each["day"]: each["uses"] for each in counted}
    listed = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    names = await DB.fetch("SELECT name FROM packages WHERE id = ANY($1) ORDER BY position, id", row["package_ids"])
    by = await DB.value("SELECT name FROM users WHERE id = $1", row["created_by"])
    return PromoPage(
        line=_line(row, now=now), most_per_customer=row["most_per_customer"], least_price_cents=row["least_price_cents"],
        package_ids=row["package_ids"], packages=[each["name"] for each in names], by=by or "",
        created_at=row["created_at"], given_cents=total["given"], taken_cents=total["taken"],
        customers=total["customers"], by_day=[(day, uses.get(day, 0)) for day in listed],
        by_package=[(each["name"], each["uses"]) for each in await DB.fetch(_BY_PACKAGE, promo_id)],
    )  # fmt: skip


_USES = f"""SELECT r.id, r.created_at AS at, r.phone, c.terms ->> 'name' AS package, r.off_cents, r.price_cents,
       c.voucher_id IS NULL AS is_held, c.voucher_id,
       (SELECT max(p.id) FROM payments p WHERE p.checkout_id = c.id) AS payment_id
FROM redemptions r JOIN checkouts c ON c.id = r.checkout_id JOIN promos m ON m.id = r.promo_id
WHERE r.promo_id = $1 AND m.merchant_id = $3 AND r.id < $4 AND {STANDS} ORDER BY r.id DESC LIMIT $5"""


async def uses_of(
    actor: Actor, promo_id: int, *, now: datetime, before: int | None = None, most: int = PAGE_SIZE
) -> tuple[list[Use], int | None]:
    """A promo's uses that stand, newest first, and the id below which the next page begins (None: there is none)."""
    rows = await DB.fetch(_USES, promo_id, now - HELD_FOR, actor.at_merchant(), before or _NEWEST, most + 1)
    uses = [Use(**dict(row)) for row in rows[:most]]
    return uses, uses[-1].id if len(rows) > most else None
