"""What stands on a voucher's card, in the merchant's chosen language. Pure: rows in, words out.

A paid voucher shows its secret code. An unsold one shows the public payment reference and where to pay, never the code: whoever
pays gets it by SMS."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from asyncpg import Record

from portal import codes, i18n
from portal.captive import words
from portal.i18n import Language
from portal.merchants import MerchantView
from portal.msgid import N_
from portal.printing.sheets import Card, Sheet
from portal.terms import decode_terms

HOW_CODE = N_("Join the Wi-Fi. Scan the square, or type the code on the page that opens.")
HOW_REFERENCE = N_("Pay first: the code comes by SMS. Then join the Wi-Fi and scan the square.")
PAY_BILL = N_("M‑PESA Pay Bill %(number)s, account no.")
PAY_AT_SHOP = N_("Pay at the shop and name this number")
HELP = N_("Help: %(phone)s")
USE_BY = N_("Use by %(day)s")
PAY_BY = N_("Pay by %(day)s")


def sheet_of(
    merchant: MerchantView, language: Language, *, layout: str, address: str, paybill: str, logo: bytes = b""
) -> Sheet:
    """The shared part. `paybill` is where references are paid, "" where they cannot be."""
    help_phone = words.phone(merchant.help_phone)
    say = language.gettext
    return Sheet(
        layout=layout, language=language.code, merchant=merchant.name, address=address.upper(),
        help=say(HELP) % {"phone": help_phone} if help_phone else "",
        how_code=say(HOW_CODE), how_reference=say(HOW_REFERENCE),
        pay=say(PAY_BILL) % {"number": paybill} if paybill else say(PAY_AT_SHOP),
        title=say(N_("Vouchers of %(shop)s")) % {"shop": merchant.name}, logo=logo,
    )  # fmt: skip


def card_of(
    row: Mapping[str, Any] | Record, *, code: str, prefix: str, currency: str, zone: ZoneInfo, language: Language
) -> Card:
    """A voucher's card; `code` is "" for one whose code is not to be seen."""
    terms = decode_terms(row["terms"])
    reference = row["payment_reference"]
    return Card(
        id=row["id"],
        title=words.package_title(terms, language),
        price=words.price(row["price_cents"], currency),
        line=words.package_line(terms, language),
        valid=_until(row["expires_at"], zone, language, N_(USE_BY) if code else N_(PAY_BY)),
        number=codes.print_code(code, prefix=prefix) if code else reference,
        secret=code,
        mark=reference if code else "",
        shows_code=bool(code),
    )


def _until(at: datetime | None, zone: ZoneInfo, language: Language, message: str) -> str:
    if at is None:
        return ""
    day = at.astimezone(zone).date()
    return language.gettext(message) % {"day": f"{language.short_day(day)} {day.year}"}


def speaks(code: str) -> Language:
    """The language a print was asked in; the source language for one that is no longer spoken."""
    return i18n.language(code if code in i18n.NAMES else i18n.SOURCE)
