"""The number a merchant is paid at. A new one needs the owner's password, and money goes there only after two days, in which anybody
who may see payouts can take it back: whoever got hold of an account cannot empty it at once."""

from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal import phones
from portal.confirming import is_confirmed
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Invalid
from portal.identity import Actor
from portal.msgid import N_
from portal.payouts import rights
from portal.states import note

COOLS_FOR = timedelta(hours=48)
PASSWORD = N_("Confirm with your password.")
SAME = N_("This is the number already.")
NOTHING_TO_KEEP = N_("There is no new number that could be taken back.")


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A number, E.164 digits; nothing is sent there before `usable_at`."""

    id: int
    phone: str
    usable_at: datetime
    by: str


async def number_of(merchant_id: int) -> Number | None:
    """The number that counts; None when none was ever entered."""
    row = await DB.row(
        """SELECT n.id, n.phone, n.usable_at, coalesce(u.name, '') AS by FROM payout_numbers n
           LEFT JOIN users u ON 'user:' || u.id = n.named_by WHERE n.merchant_id = $1 AND n.ended_at IS NULL""",
        merchant_id,
    )
    return None if row is None else Number(**dict(row))


async def live(tx: Tx, merchant_id: int) -> Record | None:
    """The number that counts, locked."""
    return await tx.row(
        "SELECT * FROM payout_numbers WHERE merchant_id = $1 AND ended_at IS NULL FOR UPDATE", merchant_id
    )


async def set_number(actor: Actor, typed: str, *, password: str, now: datetime) -> None:
    """Pay to another number from two days on, or to the first one at once. Forbidden, Invalid, TooMany."""
    merchant_id = rights.owner(actor)
    try:
        phone = phones.parse_phone(typed)
    except phones.PhoneError as error:
        raise Invalid({"phone": str(error)}) from error
    if not await is_confirmed(actor, password, now=now):
        raise Invalid({"password": PASSWORD})
    by = f"user:{actor.user_id}"
    async with atomic() as tx:
        await tx.execute("SELECT FROM merchants WHERE id = $1 FOR UPDATE", merchant_id)
        old = await live(tx, merchant_id)
        if old is not None and old["phone"] == phone:
            raise Invalid({"phone": SAME})
        await tx.execute(
            "UPDATE payout_numbers SET ended_at = $2 WHERE merchant_id = $1 AND ended_at IS NULL", merchant_id, now
        )
        await tx.execute(
            """INSERT INTO payout_numbers (merchant_id, phone, named_by, is_first, created_at, usable_at)
               VALUES ($1, $2, $3, $4, $5, $6)""",
            merchant_id,
            phone,
            by,
            old is None,
            now,
            now if old is None else now + COOLS_FOR,
        )
        data = {"was": phones.mask(old["phone"]) if old else "", "now": phones.mask(phone)}
        await note(
            tx, "merchants", merchant_id, "payout_number_changed", merchant_id=merchant_id, at=now, actor=by, data=data
        )


async def keep_old_number(actor: Actor, *, now: datetime) -> None:
    """Take a new number back while nothing is sent there yet: the one before counts again. Conflict: there is none such."""
    merchant_id = rights.reader(actor)
    async with atomic() as tx:
        await tx.execute("SELECT FROM merchants WHERE id = $1 FOR UPDATE", merchant_id)
        new = await live(tx, merchant_id)
        if new is None or new["is_first"] or new["usable_at"] <= now:
            raise Conflict(NOTHING_TO_KEEP)
        await tx.execute("UPDATE payout_numbers SET ended_at = $2 WHERE id = $1", new["id"], now)
        # The one before counts again, as old as it was: the newest that was ever used, or whose two days began before.
        await tx.execute(
            """UPDATE payout_numbers SET ended_at = NULL WHERE id = (
                 SELECT id FROM payout_numbers WHERE merchant_id = $1 AND id < $2 AND usable_at <= ended_at
                 ORDER BY id DESC LIMIT 1)""",
            merchant_id,
            new["id"],
        )
        await note(
            tx, "merchants", merchant_id, "payout_number_kept", merchant_id=merchant_id, at=now,
            actor=f"user:{actor.user_id}", data={"refused": phones.mask(new["phone"])},
        )  # fmt: skip
