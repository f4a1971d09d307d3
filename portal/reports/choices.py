"""What a merchant's people want to be told by themselves: each morning, the week, the month. All of it unless chosen otherwise."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal.db import DB, atomic
from portal.errors import Forbidden, Invalid
from portal.identity import Actor
from portal.msgid import N_
from portal.routers.rights import may_change, named
from portal.states import note

ONLY_MANAGERS = N_("Only the owner or a manager can change what is told.")
_NOT_TIME = N_("Write a time of day, for example 08:00.")
_TOO_LATE = N_("A time in the morning, before 12:00.")
_NOON = 12 * 60


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What is told; `morning_at`: the minute of the merchant's day."""

    morning: bool = True
    morning_at: int = 8 * 60
    weekly: bool = True
    monthly: bool = True


async def choices(actor: Actor) -> Choices:
    """What the actor's merchant chose."""
    row = await DB.row(
        "SELECT morning, morning_at, weekly, monthly FROM report_choices WHERE merchant_id = $1", actor.at_merchant()
    )
    return Choices(**dict(row)) if row else Choices()


def read(form: Mapping[str, str]) -> Choices:
    """A form's fields; a box is ticked when its name is there. Invalid: the time."""
    try:
        at = datetime.strptime(form.get("morning_at", "").strip()[:5], "%H:%M")  # noqa: DTZ007  (a time of day, in no zone)
    except ValueError as error:
        raise Invalid({"morning_at": _NOT_TIME}) from error
    minute = at.hour * 60 + at.minute
    if minute >= _NOON:
        raise Invalid({"morning_at": _TOO_LATE})
    return Choices(
        morning="morning" in form, morning_at=minute, weekly="weekly" in form, monthly="monthly" in form
    )  # fmt: skip


async def choose(actor: Actor, form: Mapping[str, str], *, now: datetime) -> None:
    """Keep what was chosen. Invalid by field; Forbidden for cashiers and viewers."""
    merchant_id = actor.at_merchant()
    if not may_change(actor):
        raise Forbidden(ONLY_MANAGERS)
    chosen = read(form)
    async with atomic() as tx:
        await tx.execute(
            """INSERT INTO report_choices (merchant_id, morning, morning_at, weekly, monthly, changed_at)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (merchant_id) DO UPDATE SET morning = excluded.morning,
                 morning_at = excluded.morning_at, weekly = excluded.weekly, monthly = excluded.monthly,
                 changed_at = excluded.changed_at""",
            merchant_id,
            *msgspec.structs.astuple(chosen),
            now,
        )
        await note(
            tx, "merchants", merchant_id, "reports_chosen", merchant_id=merchant_id, at=now, actor=named(actor),
            data=msgspec.structs.asdict(chosen),
        )  # fmt: skip
