"""What a merchant's shop is called and where it is: its name, its number for help, its language and its zone."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

import msgspec

from portal import phones
from portal.db import DB, atomic
from portal.errors import Invalid, NotFound
from portal.i18n import NAMES
from portal.identity import Actor
from portal.msgid import N_
from portal.routers.rights import changer, named
from portal.states import note

MOST_LETTERS = 80
NO_NAME = N_("Write the name customers know.")
TOO_LONG = N_("Write at most 80 letters.")
CHOOSE_ONE = N_("Choose one of these.")
_COLUMNS = "name, help_phone, language, timezone"


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """As a form has it; `help_phone` is digits with the country code, "" for none."""

    name: str
    help_phone: str
    language: str
    timezone: str


@cache
def zones() -> tuple[str, ...]:
    """Where shops may be: Africa and its islands."""
    return tuple(sorted(name for name in available_timezones() if name.startswith(("Africa/", "Indian/"))))


async def of(actor: Actor) -> Shop:
    """The actor's merchant, for owners and managers."""
    row = await DB.row(f"SELECT {_COLUMNS} FROM merchants WHERE id = $1", changer(actor))
    if row is None:
        raise NotFound
    return Shop(**dict(row))


async def change(actor: Actor, form: Mapping[str, str], *, now: datetime) -> bool:
    """Keep what was typed; Invalid names each wrong field. False: all was so already."""
    merchant_id = changer(actor)
    async with atomic() as tx:
        row = await tx.row(f"SELECT {_COLUMNS} FROM merchants WHERE id = $1 FOR UPDATE", merchant_id)
        if row is None:
            raise NotFound
        was = dict(row)
        told = _checked(form, zone_now=was["timezone"])
        changed = {name: [was[name], value] for name, value in told.items() if was[name] != value}
        if changed:
            await tx.execute(
                "UPDATE merchants SET name = $2, help_phone = $3, language = $4, timezone = $5 WHERE id = $1",
                merchant_id,
                *(told[name] for name in ("name", "help_phone", "language", "timezone")),
            )
            await note(
                tx, "merchants", merchant_id, "shop", merchant_id=merchant_id, at=now, actor=named(actor), data=changed
            )
    return bool(changed)


def _checked(form: Mapping[str, str], *, zone_now: str) -> dict[str, str]:
    wrong: dict[str, str] = {}
    name = " ".join("".join(char if char.isprintable() else " " for char in form.get("name", "")).split())
    if not name or len(name) > MOST_LETTERS:
        wrong["name"] = TOO_LONG if name else NO_NAME
    help_phone = form.get("help_phone", "").strip()
    if help_phone:
        try:
            help_phone = phones.parse_phone(help_phone)
        except phones.PhoneError as error:
            wrong["help_phone"] = str(error)
    language, timezone = form.get("language", ""), form.get("timezone", "")
    if language not in NAMES:
        wrong["language"] = CHOOSE_ONE
    if timezone not in (*zones(), zone_now):
        wrong["timezone"] = CHOOSE_ONE
    if wrong:
        raise Invalid(wrong)
    return {"name": name, "help_phone": help_phone, "language": language, "timezone": timezone}
