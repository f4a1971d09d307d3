"""Monthly packages: what subscribers pay for each period. They are packages whose period is a month, never on the captive page:
speed, devices and price mean the same, and what was sold keeps its terms; only what is bought is a period, not a length."""

from datetime import datetime

import msgspec
from asyncpg import Record

from portal import money
from portal.db import DB, atomic
from portal.errors import Invalid, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.states import note
from portal.subscribers import rights, typed
from portal.subscribers.course import Offer
from portal.terms import Terms

#: A month's nominal length, for what shows a length; periods go by the calendar.
MONTH_S = 31 * 86_400
WRITE_NAME = N_("Write a name for the package, for example Home 10 Mbit/s.")
WRITE_PRICE = N_("Write the price of a month in whole shillings, for example 1500.")
WRITE_SPEED = N_("Write a speed in Mbit/s, for example 10, or leave it empty.")
WRITE_DEVICES = N_("Write how many devices may be online at once, from 1 to 100.")


class Monthly(msgspec.Struct, frozen=True, kw_only=True):
    """A monthly package with the terms its subscribers get; `subscribers` have it now."""

    id: int
    name: str
    price_cents: int
    terms: Terms
    is_active: bool
    subscribers: int

    @property
    def offer(self) -> Offer:
        """As the course of a subscription knows it."""
        return Offer(id=self.id, name=self.name, price_cents=self.price_cents)


_SELECT = """
SELECT p.id, p.name, p.price_cents, p.duration_s, p.rate_down_kbps, p.rate_up_kbps, p.devices, p.is_active,
       (SELECT count(*) FROM subscribers s WHERE s.package_id = p.id AND s.status <> 'closed') AS subscribers
FROM packages p WHERE p.merchant_id = $1 AND p.period = 'month'"""


async def of(actor: Actor) -> list[Monthly]:
    """The merchant's monthly packages, those no longer offered too."""
    rows = await DB.fetch(f"{_SELECT} ORDER BY p.is_active DESC, p.price_cents, p.id", actor.at_merchant())
    return [_monthly(row) for row in rows]


async def one(merchant_id: int, package_id: int) -> Monthly:
    """One that is offered now; NotFound for any other."""
    row = await DB.row(f"{_SELECT} AND p.id = $2 AND p.is_active", merchant_id, package_id)
    if row is None:
        raise NotFound
    return _monthly(row)


def _monthly(row: Record) -> Monthly:
    terms = Terms(
        name=row["name"], duration_s=row["duration_s"], rate_down_kbps=row["rate_down_kbps"],
        rate_up_kbps=row["rate_up_kbps"], devices=row["devices"],
    )  # fmt: skip
    return Monthly(
        id=row["id"], name=row["name"], price_cents=row["price_cents"], terms=terms, is_active=row["is_active"],
        subscribers=row["subscribers"],
    )  # fmt: skip


async def make(actor: Actor, *, name: str, price: str, down: str, up: str, devices: str, now: datetime) -> int:
    """Make a monthly package; its id. `down` and `up` in Mbit/s, empty: no limit. Invalid: the fields that are wrong."""
    merchant_id = rights.deciding(actor)
    wrong: dict[str, str] = {}
    try:
        cents = money.parse_amount(price.strip())
    except money.AmountError:
        cents = 0
    if cents < 100 or cents % 100:
        wrong["price"] = WRITE_PRICE
    if not name.strip():
        wrong["name"] = WRITE_NAME
    speeds = {"down": typed.number(down, 0), "up": typed.number(up, 0)}
    wrong |= {field: WRITE_SPEED for field, speed in speeds.items() if not 0 <= speed <= 10_000}
    count = typed.number(devices, 1)
    if not 1 <= count <= 100:
        wrong["devices"] = WRITE_DEVICES
    if wrong:
        raise Invalid(wrong)
    async with atomic() as tx:
        package_id = await tx.value(
            """INSERT INTO packages (merchant_id, name, price_cents, duration_s, rate_down_kbps, rate_up_kbps, devices,
                                     clock_from, period, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, 'purchase', 'month', $8) RETURNING id""",
            merchant_id,
            name.strip()[:60],
            cents,
            MONTH_S,
            speeds["down"] * 1000 or None,
            speeds["up"] * 1000 or None,
            count,
            now,
        )
        await note(
            tx, "packages", package_id, "made", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data={"price_cents": cents, "period": "month"},
        )  # fmt: skip
    return package_id


async def retire(actor: Actor, package_id: int, *, now: datetime) -> None:
    """Offer it to nobody new. Who has it keeps it. NotFound: it is not the merchant's."""
    merchant_id = rights.deciding(actor)
    async with atomic() as tx:
        found = await tx.value(
            "UPDATE packages SET is_active = false WHERE id = $1 AND merchant_id = $2 AND period = 'month' RETURNING id",
            package_id,
            merchant_id,
        )
        if found is None:
            raise NotFound
        await note(
            tx, "packages", package_id, "retired", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}"
        )
