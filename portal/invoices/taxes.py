"""What a seller says of itself on papers: its legal name, its PIN, the VAT in its prices, address, prefixes of numbers, last words.

A merchant's own; the platform's has no merchant. Papers that were given keep what was said then."""

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from portal.db import DB, Tx, atomic
from portal.errors import Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.invoices import vat
from portal.msgid import N_
from portal.routers.rights import named
from portal.states import note

ONLY_OWNER = N_("Only the owner can change what papers say.")
NOT_PIN = N_("A KRA PIN is a letter, nine digits and a letter, for example P051234567X.")
NOT_RATE = N_("Write a rate from 0 to 30 percent, for example 16.")
NOT_PREFIX = N_("Write one to six letters or digits.")
SAME_PREFIX = N_("Receipts, invoices and credit notes need different letters.")
TOO_LONG = N_("This is too long.")
NAME_FOR_PIN = N_("With a PIN or VAT, write the name it is registered for.")

_PIN = re.compile(r"[A-Z][0-9]{9}[A-Z]")
_PREFIX = re.compile(r"[A-Z0-9]{1,6}")
_RATE = re.compile(r"([0-9]{1,2})(?:[.,]([0-9]{1,2}))?")
_PREFIXES = ("receipt_prefix", "invoice_prefix", "credit_prefix")
MOST_LETTERS = {"legal_name": 120, "address": 200, "footer": 160}


class Taxes(msgspec.Struct, frozen=True, kw_only=True):
    """`vat_bp` is VAT inside the prices in basis points, 0 for none; `pin` "" for none; `legal_name` "" is the shop's."""

    legal_name: str = ""
    pin: str = ""
    vat_bp: int = 0
    address: str = ""
    receipt_prefix: str = "R"
    invoice_prefix: str = "INV"
    credit_prefix: str = "CN"
    footer: str = ""


_COLUMNS = ", ".join(Taxes.__struct_fields__)
_READ = f"SELECT {_COLUMNS} FROM tax_settings WHERE coalesce(merchant_id, 0) = coalesce($1::bigint, 0)"


async def of(merchant_id: int | None) -> Taxes:
    """A merchant's, or the platform's; without a row what stands above."""
    row = await DB.row(_READ, merchant_id)
    return Taxes(**dict(row)) if row else Taxes()


async def in_force(tx: Tx, merchant_id: int) -> Taxes:
    """The same, for whoever is making a paper."""
    row = await tx.row(_READ, merchant_id)
    return Taxes(**dict(row)) if row else Taxes()


def owner(actor: Actor) -> int | None:
    """Whose words the actor may change: its merchant's, or the platform's (None). Forbidden, NotFound."""
    if actor.merchant_id is None:
        return platform(actor)
    if actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    return actor.at_merchant()


def platform(actor: Actor) -> None:
    """NotFound for everybody but the operator."""
    if not actor.is_operator:
        raise NotFound


async def change(actor: Actor, form: Mapping[str, str], *, now: datetime, is_platforms: bool = False) -> bool:
    """Keep what was typed; Invalid names each wrong field. False: all was so already."""
    merchant_id = platform(actor) if is_platforms else owner(actor)
    told = checked(form)
    values = msgspec.structs.asdict(told)
    async with atomic() as tx:
        row_id = await tx.value(
            f"""INSERT INTO tax_settings (merchant_id, changed_at, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                ON CONFLICT (coalesce(merchant_id, 0)) DO UPDATE SET changed_at = $2, legal_name = $3, pin = $4, vat_bp = $5,
                  address = $6, receipt_prefix = $7, invoice_prefix = $8, credit_prefix = $9, footer = $10
                WHERE ROW(tax_settings.legal_name, tax_settings.pin, tax_settings.vat_bp, tax_settings.address,
                  tax_settings.receipt_prefix, tax_settings.invoice_prefix, tax_settings.credit_prefix, tax_settings.footer)
                  IS DISTINCT FROM ROW($3::varchar, $4::varchar, $5::bigint, $6::varchar, $7::varchar, $8::varchar, $9::varchar,
                  $10::varchar) RETURNING id""",
            merchant_id,
            now,
            *values.values(),
        )
        if row_id is not None:
            await note(
                tx, "tax_settings", row_id, "taxes", merchant_id=merchant_id, at=now, actor=named(actor), data=values
            )
    return row_id is not None


def checked(form: Mapping[str, str]) -> Taxes:
    """What was typed, or Invalid."""
    texts = {name: _plain(form.get(name, "")) for name in MOST_LETTERS}
    wrong = {name: TOO_LONG for name, most in MOST_LETTERS.items() if len(texts[name]) > most}
    pin = "".join(form.get("pin", "").split()).upper()
    if pin and not _PIN.fullmatch(pin):
        wrong["pin"] = NOT_PIN
    rate = _rate(form.get("vat", "")) if form.get("has_vat") == "yes" else 0
    if rate is None:
        wrong["vat"] = NOT_RATE
    if (pin or rate) and not texts["legal_name"]:
        wrong.setdefault("legal_name", NAME_FOR_PIN)
    prefixes = {name: form.get(name, "").strip().upper() for name in _PREFIXES}
    for name, prefix in prefixes.items():
        if not _PREFIX.fullmatch(prefix):
            wrong[name] = NOT_PREFIX
        elif list(prefixes.values()).count(prefix) > 1:
            wrong[name] = SAME_PREFIX
    if wrong:
        raise Invalid(wrong)
    return Taxes(pin=pin, vat_bp=rate or 0, **texts, **prefixes)


def _plain(typed: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in typed).split())


def _rate(typed: str) -> int | None:
    """Basis points of "16" or "16.5"; None: not a rate. Nothing is not 0: whoever has VAT says how much."""
    found = _RATE.fullmatch(typed.strip().removesuffix("%").strip())
    if found is None:
        return None
    points = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    return points if 0 < points <= vat.MOST_BP else None
