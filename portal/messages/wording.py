"""What a message says: the merchant's own wording or ours, filled in. Codes are taken out of the vault here, at the last moment.

Own wordings write placeholders in braces ({code}); the catalogue's sentences are turned into the same form. Filled once, from left to
right, so that nothing a customer is called can be taken for a placeholder."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from portal import codes, gsm7
from portal.db import DB, atomic
from portal.errors import Forbidden, Invalid, NotFound
from portal.gateways.interface import Outgoing
from portal.i18n import NAMES, Language, language
from portal.identity import Actor, links
from portal.messages.kinds import ABOUT_ACCOUNTS, SENTENCES, SERVICE, SUBJECTS, Channel, Told
from portal.msgid import N_
from portal.routers.rights import may_change, named
from portal.states import note
from portal.terms import decode_terms
from portal.vault import Vault

#: A wording may not be longer: four parts of an SMS.
LONGEST = 600
ONLY_MANAGERS = N_("Only the owner or a manager can change messages.")
EMPTY = N_("Write something, or go back to our wording.")
TOO_LONG = N_("This is too long for a message. Keep it below 600 characters.")
UNKNOWN_PLACE = N_("It names something in braces that this message does not have. Use only the names listed.")
NO_CODE = N_("The code must be in it: write {code} where it is to stand.")
STOP_HINT = N_("Reply STOP to end this.")
#: What merchants may put in their own words.
_CHANGEABLE = tuple(told for told in Told if told not in ABOUT_ACCOUNTS)
_SERVICE = frozenset(told.value for told in SERVICE)
_PERCENT = re.compile(r"%\((\w+)\)s")
_PLACE = re.compile(r"\{(\w+)\}")
#: What previews put in.
SAMPLES: Mapping[str, str] = {
    "amount": "KES 50", "code": "K7Q-2MP", "package": "1 hour", "rest": "KES 20", "reference": "WQ4K7M2P", "receipt": "TKL4H7T2QX",
    "channel": "SMS", "name": "Wanjiku", "router": "Main shop", "day": "20 Nov", "time": "14:30", "link": "vocha.co.ke/w/k7q2",
    "number": "R-2026-00017",
}  # fmt: skip


class Unreadable(Exception):  # noqa: N818  (reads as a sentence)
    """A message cannot be filled in: something it names is not there."""


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """A message's wording in one language: what is sent now, ours, and whether they differ."""

    kind: str
    language: str
    body: str
    ours: str
    is_own: bool
    places: tuple[str, ...]


def ours(told: str, code: str) -> str:
    """Our sentence in a language, with places in braces."""
    return _PERCENT.sub(r"{\1}", language(code).gettext(SENTENCES[Told(told)])).replace("%%", "%")


def places_of(told: str) -> tuple[str, ...]:
    """What a wording of this message may name."""
    return tuple(dict.fromkeys(["shop", *_PERCENT.findall(SENTENCES[Told(told)])]))


def fill(body: str, values: Mapping[str, object]) -> str:
    """The text with its places filled in; Unreadable when one is not known."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise Unreadable(found[1])
        return str(values[found[1]])

    return _PLACE.sub(value, body)


async def compose(row: Record, *, vault: Vault) -> Outgoing:
    """A message ready to go. Unreadable, VaultError."""
    values = await _values(row, vault=vault)
    if row["subject"] is not None:
        text, subject = row["body"], row["subject"]
    else:
        text, subject = fill(await _body(row), values), _subject(row) or str(values["shop"])
    if row["channel"] == Channel.SMS:
        text = await _with_way_out(row, gsm7.fold(text))
    return Outgoing(
        key=f"vocha-{row['id']}", to=row["recipient"], text=text, kind=row["kind"],
        subject=subject if row["channel"] == Channel.EMAIL else "", html=row["html"] or "",
    )  # fmt: skip


def _subject(row: Record) -> str:
    """Of a mail that has one of its own; "" for none."""
    return _spoken(row).gettext(SUBJECTS[row["kind"]]) if row["kind"] in SUBJECTS else ""


async def _body(row: Record) -> str:
    own = await DB.value(
        "SELECT body FROM message_templates WHERE merchant_id = $1 AND kind = $2 AND language = $3",
        row["merchant_id"],
        row["kind"],
        row["language"],
    )
    sentence: str = row["body"]
    return own or _PERCENT.sub(r"{\1}", _spoken(row).gettext(sentence)).replace("%%", "%")


def _spoken(row: Record) -> Language:
    return language(row["language"] if row["language"] in NAMES else "en")


async def _with_way_out(row: Record, text: str) -> str:
    """Add how to end such messages, where an answer is heard, and where it makes nothing dearer."""
    if row["kind"] in _SERVICE or row["parent_id"] is not None:
        return text
    if not await DB.value("SELECT has_inbox FROM message_gateways WHERE id = $1", row["gateway_id"]):
        return text
    longer = f"{text} {_spoken(row).gettext(STOP_HINT)}"
    return longer if gsm7.measure(longer).parts == gsm7.measure(text).parts else text


async def _values(row: Record, *, vault: Vault) -> dict[str, object]:
    params: dict[str, Any] = msgspec.json.decode(row["params"])
    shop = await DB.value("SELECT name FROM merchants WHERE id = $1", row["merchant_id"])
    values: dict[str, object] = {"shop": shop or "Vocha"} | params
    if (link_id := params.get("link_id")) is not None:
        token = await links.reveal(link_id, vault=vault)
        if token is None:
            raise Unreadable("link_id")
        values["link"] = f"{params['page']}?t={token}"
    if (voucher_id := params.get("voucher_id")) is not None:
        voucher = await DB.row(
            "SELECT id, code_sealed, terms FROM vouchers WHERE id = $1 AND merchant_id = $2",
            voucher_id,
            row["merchant_id"],
        )
        if voucher is None:
            raise Unreadable("voucher_id")
        code = vault.open("vouchers", "code_sealed", row_id=voucher["id"], sealed=voucher["code_sealed"])
        values |= {"code": codes.print_code(code), "package": decode_terms(voucher["terms"]).name}
    return values


# -- what the merchant changes -----------------------------------------------------------------------------------


async def wordings(actor: Actor) -> list[Wording]:
    """Every message in every language, as it is sent now."""
    rows = await DB.fetch(
        "SELECT kind, language, body FROM message_templates WHERE merchant_id = $1", actor.at_merchant()
    )
    own = {(row["kind"], row["language"]): row["body"] for row in rows}
    return [_wording(told.value, code, own.get((told.value, code))) for told in _CHANGEABLE for code in NAMES]


async def wording(actor: Actor, told: str, code: str) -> Wording:
    """One of them. NotFound: no such message or language."""
    if told not in _CHANGEABLE or code not in NAMES:
        raise NotFound
    own = await DB.value(
        "SELECT body FROM message_templates WHERE merchant_id = $1 AND kind = $2 AND language = $3",
        actor.at_merchant(),
        told,
        code,
    )
    return _wording(told, code, own)


def _wording(told: str, code: str, own: str | None) -> Wording:
    plain = ours(told, code)
    return Wording(
        kind=told, language=code, body=own or plain, ours=plain, is_own=own is not None, places=places_of(told)
    )


def checked(told: str, typed: str) -> str:
    """A wording as it is kept: look-alikes folded, ends trimmed. Invalid with a sentence at `body`."""
    body = gsm7.fold(typed).strip()
    if not body:
        raise Invalid({"body": EMPTY})
    if len(body) > LONGEST:
        raise Invalid({"body": TOO_LONG})
    named_places = set(_PLACE.findall(body))
    if named_places - set(places_of(told)):
        raise Invalid({"body": UNKNOWN_PLACE})
    if told == Told.VOUCHER_CODE and "code" not in named_places:
        raise Invalid({"body": NO_CODE})
    return body


def preview(body: str, *, shop: str) -> str:
    """A wording with examples filled in."""
    return fill(body, {name: SAMPLES.get(name, name) for name in _PLACE.findall(body)} | {"shop": shop})


async def reword(actor: Actor, told: str, code: str, *, typed: str | None, now: datetime) -> None:
    """Keep an own wording; None goes back to ours. Invalid, Forbidden, NotFound."""
    current = await wording(actor, told, code)
    if not may_change(actor):
        raise Forbidden(ONLY_MANAGERS)
    body = None if typed is None else checked(told, typed)
    merchant_id = actor.at_merchant()
    async with atomic() as tx:
        if body is None or body == current.ours:
            await tx.execute(
                "DELETE FROM message_templates WHERE merchant_id = $1 AND kind = $2 AND language = $3",
                merchant_id,
                told,
                code,
            )
        else:
            await tx.execute(
                """INSERT INTO message_templates (merchant_id, kind, language, body, changed_at) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (merchant_id, kind, language)
                   DO UPDATE SET body = excluded.body, changed_at = excluded.changed_at""",
                merchant_id,
                told,
                code,
                body,
                now,
            )
        data = {"kind": told, "language": code, "body": body}
        await note(
            tx, "merchants", merchant_id, "message_worded", merchant_id=merchant_id, at=now, actor=named(actor), data=data
        )  # fmt: skip
