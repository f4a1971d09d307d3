"""What a merchant chose about messages: quiet hours, caps, where its own people are told, and who wants none. Changes are events."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal.db import DB, atomic
from portal.errors import Forbidden, Invalid
from portal.gateways.smtp import is_address
from portal.identity import Actor
from portal.messages.kinds import Channel, Told
from portal.messages.outbox import write
from portal.messages.reports import start, stop
from portal.messages.wording import ONLY_MANAGERS
from portal.msgid import N_
from portal.phones import PhoneError, parse_phone
from portal.routers.rights import may_change, named
from portal.states import note

_NOT_TIME = N_("Write a time of day, for example 21:00.")
_NOT_NUMBER = N_("Write a whole number, 0 or more.")
_NOT_MAIL = N_("Write a mail address, for example shop@example.co.ke")
_NOT_CHAT = N_("Write the number of the chat, for example 123456789 or -1001234567890.")
NOBODY = N_("Fill in where you want to be told, and save, before you test it.")
_MOST_CAP, _MOST_NUMBER_CAP = 1_000_000, 1000


class MessageChoices(msgspec.Struct, frozen=True, kw_only=True):
    """The choices, times as minutes of the merchant's day."""

    quiet_from: int = 21 * 60
    quiet_until: int = 7 * 60
    daily_cap: int = 500
    number_cap: int = 5
    shop_phone: str = ""
    shop_email: str = ""
    shop_chat: str = ""


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """A number that wants no messages."""

    id: int
    phone: str
    how: str
    stopped_at: datetime


_FIELDS = tuple(MessageChoices.__struct_fields__)


def _changer(actor: Actor) -> int:
    merchant_id = actor.at_merchant()
    if not may_change(actor):
        raise Forbidden(ONLY_MANAGERS)
    return merchant_id


async def choices(actor: Actor) -> MessageChoices:
    """What the actor's merchant chose, or the defaults."""
    row = await DB.row(
        f"SELECT {', '.join(_FIELDS)} FROM message_settings WHERE merchant_id = $1",
        actor.at_merchant(),
    )
    return MessageChoices(**dict(row)) if row else MessageChoices()


def read_choices(form: Mapping[str, str]) -> MessageChoices:
    """A form's fields; Invalid by field."""
    wrong: dict[str, str] = {}
    found: dict[str, int | str] = {}
    for name in ("quiet_from", "quiet_until"):
        try:
            at = datetime.strptime(form.get(name, "").strip()[:5], "%H:%M")  # noqa: DTZ007  (a time of day, in no zone)
            found[name] = at.hour * 60 + at.minute
        except ValueError:
            wrong[name] = _NOT_TIME
    for name, most in (("daily_cap", _MOST_CAP), ("number_cap", _MOST_NUMBER_CAP)):
        typed = form.get(name, "").strip()
        if typed.isascii() and typed.isdecimal() and int(typed[:9]) <= most:
            found[name] = int(typed[:9])
        else:
            wrong[name] = _NOT_NUMBER
    phone, email, chat = (form.get(name, "").strip() for name in ("shop_phone", "shop_email", "shop_chat"))
    try:
        found["shop_phone"] = parse_phone(phone) if phone else ""
    except PhoneError as error:
        wrong["shop_phone"] = str(error)
    if email and not is_address(email):
        wrong["shop_email"] = _NOT_MAIL
    if chat and not (chat.isascii() and chat.removeprefix("-").isdecimal() and len(chat) <= 20):
        wrong["shop_chat"] = _NOT_CHAT
    if wrong:
        raise Invalid(wrong)
    return msgspec.convert(found | {"shop_email": email, "shop_chat": chat}, MessageChoices)


async def choose(actor: Actor, form: Mapping[str, str], *, now: datetime) -> None:
    """Keep what was chosen. Invalid by field; Forbidden for cashiers and viewers."""
    merchant_id, chosen = _changer(actor), read_choices(form)
    before = await choices(actor)
    sets = ", ".join(f"{name} = excluded.{name}" for name in _FIELDS)
    marks = ", ".join(f"${number}" for number in range(3, 3 + len(_FIELDS)))
    async with atomic() as tx:
        await tx.execute(
            f"""INSERT INTO message_settings (merchant_id, changed_at, {", ".join(_FIELDS)}) VALUES ($1, $2, {marks})
                ON CONFLICT (merchant_id) DO UPDATE SET changed_at = excluded.changed_at, {sets}""",
            merchant_id,
            now,
            *msgspec.structs.astuple(chosen),
        )
        # Where people are reached is no event's business; that it was changed, and by whom, is.
        changed = [name for name in _FIELDS if getattr(before, name) != getattr(chosen, name)]
        await note(
            tx, "merchants", merchant_id, "message_settings", merchant_id=merchant_id, at=now, actor=named(actor),
            data={"changed": changed},
        )  # fmt: skip


async def test(actor: Actor, channel: str, *, now: datetime) -> None:
    """Write a test message to the merchant's own people. Invalid: nobody is named there yet."""
    merchant_id, chosen = _changer(actor), await choices(actor)
    to = {"sms": chosen.shop_phone, "email": chosen.shop_email, "telegram": chosen.shop_chat}.get(channel, "")
    if not to and channel != Channel.WEBHOOK:
        raise Invalid({"test": NOBODY})
    shop = await DB.value("SELECT name FROM merchants WHERE id = $1", merchant_id)
    async with atomic() as tx:
        await write(
            tx, Told.TEST, f"{merchant_id}:{channel}:{now.timestamp():.3f}", merchant_id=merchant_id, phone=None,
            params={"shop": shop}, now=now, channel=Channel(channel), to=to or "webhook",
        )  # fmt: skip


async def stopped(actor: Actor, *, before: int | None = None, limit: int = 50) -> list[Stopped]:
    """Numbers that want no messages from this merchant, the newest first; those that told the platform are not its to see."""
    rows = await DB.fetch(
        """SELECT id, phone, how, stopped_at FROM message_stops
           WHERE merchant_id = $1 AND ended_at IS NULL AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3""",
        actor.at_merchant(),
        before,
        limit,
    )
    return [Stopped(**dict(row)) for row in rows]


async def stop_number(actor: Actor, typed: str, *, now: datetime) -> None:
    """Put a number on the list by hand. Invalid: no number."""
    merchant_id = _changer(actor)
    try:
        phone = parse_phone(typed)
    except PhoneError as error:
        raise Invalid({"phone": str(error)}) from error
    async with atomic() as tx:
        await stop(tx, phone, merchant_id=merchant_id, how="person", now=now)


async def start_number(actor: Actor, stop_id: int, *, now: datetime) -> None:
    """Take a number off the list, because it asked for that."""
    merchant_id = _changer(actor)
    async with atomic() as tx:
        phone = await tx.value(
            "SELECT phone FROM message_stops WHERE id = $1 AND merchant_id = $2", stop_id, merchant_id
        )
        if phone is not None:
            await start(tx, phone, merchant_id=merchant_id, now=now)
