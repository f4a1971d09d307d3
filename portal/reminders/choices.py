"""Which reminders a merchant wants sent. None by default: each is a message the merchant pays for. Every change is an event."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal.db import DB, Tx, atomic
from portal.errors import Forbidden, Invalid
from portal.identity import Actor, Role
from portal.money import AmountError, parse_amount
from portal.msgid import N_
from portal.routers.rights import named
from portal.states import note

ONLY_MANAGERS = N_("Only the owner or a manager can change reminders.")
_MOST_CENTS = 100_000_000


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: an hour and ten minutes before the end, at the end, after 90 days; `least_price_cents`: only for packages of
    at least this price."""

    hour_before: bool = False
    minutes_before: bool = False
    when_over: bool = False
    win_back: bool = False
    least_price_cents: int = 0


Form = Mapping[str, str]
_READ = """SELECT hour_before, minutes_before, when_over, win_back, least_price_cents FROM reminder_choices
WHERE merchant_id = $1"""


async def choices(actor: Actor) -> Choices:
    """What the actor's merchant chose."""
    row = await DB.row(_READ, actor.at_merchant())
    return Choices(**dict(row)) if row else Choices()


async def choose(actor: Actor, form: Form, *, now: datetime) -> bool:
    """Keep what was chosen: a box is ticked when its name is there. Invalid: the price; Forbidden. False: all was so already."""
    merchant_id = actor.at_merchant()
    if actor.role not in (Role.OWNER, Role.MANAGER):
        raise Forbidden(ONLY_MANAGERS)
    chosen = _read(form)
    async with atomic() as tx:
        await tx.execute("SELECT FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant_id)
        row = await tx.row(_READ, merchant_id)
        was = Choices(**dict(row)) if row else Choices()
        if was == chosen:
            return False
        await _keep(tx, merchant_id, chosen, now=now)
        before, after = msgspec.structs.asdict(was), msgspec.structs.asdict(chosen)
        changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
        await note(
            tx, "merchants", merchant_id, "reminders", merchant_id=merchant_id, at=now, actor=named(actor), data=changed
        )
    return True


def _read(form: Form) -> Choices:
    typed = form.get("least_price", "").strip()
    try:
        least = parse_amount(typed) if typed else 0
    except AmountError as error:
        raise Invalid({"least_price": str(error)}) from error
    if least > _MOST_CENTS:
        raise Invalid({"least_price": N_("This amount is too large.")})
    return Choices(
        hour_before="hour_before" in form, minutes_before="minutes_before" in form, when_over="when_over" in form,
        win_back="win_back" in form, least_price_cents=least,
    )  # fmt: skip


async def _keep(tx: Tx, merchant_id: int, chosen: Choices, *, now: datetime) -> None:
    await tx.execute(
        """INSERT INTO reminder_choices (merchant_id, hour_before, minutes_before, when_over, win_back, least_price_cents, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (merchant_id) DO UPDATE SET hour_before = excluded.hour_before,
             minutes_before = excluded.minutes_before, when_over = excluded.when_over, win_back = excluded.win_back,
             least_price_cents = excluded.least_price_cents, updated_at = excluded.updated_at""",
        merchant_id,
        chosen.hour_before,
        chosen.minutes_before,
        chosen.when_over,
        chosen.win_back,
        chosen.least_price_cents,
        now,
    )


async def asks_for_offers(merchant_id: int) -> bool:
    """Whether customers are asked if they want to hear of offers: only where such messages are sent at all."""
    return await DB.value(
        "SELECT EXISTS (SELECT FROM reminder_choices WHERE merchant_id = $1 AND win_back)", merchant_id
    )


async def wants_offers(token: str) -> None:
    """Who buys in this checkout wants to hear of offers. It holds once the number has paid: that is when it is the buyer's own."""
    await DB.fetch("UPDATE checkouts SET wants_offers = true WHERE token = $1", token)
