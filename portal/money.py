"""Money as whole cents. Pure: parsing, the commission split, writing amounts. No accounts: see the ledger.

An amount is an `int` of minor units beside a currency code; binary floats never touch it.
"""

import re
from decimal import Decimal, InvalidOperation

from portal.msgid import N_

DEFAULT_CURRENCY = "KES"
#: Far above any sale and far below bigint, so that sums of stored amounts cannot overflow a column.
MAX_CENTS = 10**15
BASIS_POINTS = 10_000

_PLAIN = re.compile(r"(?:[0-9]{1,16}|[0-9]{1,3}(?:,[0-9]{3}){1,5})(?:\.[0-9]{1,16})?")
_PREFIX = re.compile(r"(?:KES|KSH|KSHS|SH)\.?\s*(?=[0-9])", re.IGNORECASE)


class AmountError(ValueError):
    """Not an amount of money. The text is a catalogue sentence for people."""


def parse_amount(value: object) -> int:
    """Cents from a `str`, `int` or `Decimal`: `"10"`, `10`, `Decimal("10.00")`, `"KES 1,250.50"`.

    Exact: a fraction of a cent, a sign, an exponent bomb, a float or a bool raises AmountError; nothing is rounded.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise AmountError(N_("Write the amount as a number, for example 50."))
    amount = _decimal(value)
    # Looked at before any arithmetic: Decimal("1e999999999") is small until it is turned into an int.
    if not amount.is_finite() or (amount.is_signed() and amount != 0):
        raise AmountError(N_("Write the amount as a number, for example 50."))
    if amount.adjusted() > 13:
        raise AmountError(N_("This amount is too large."))
    if amount != 0 and amount.adjusted() < -2:
        raise AmountError(N_("There is nothing smaller than a cent."))
    return _cents(amount)


def _decimal(value: str | int | Decimal) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_CENTS:
            raise AmountError(N_("This amount is too large."))
        return Decimal(value)
    text = _PREFIX.sub("", value.strip(), count=1)
    if not _PLAIN.fullmatch(text):
        raise AmountError(N_("Write the amount as a number, for example 50."))
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation as error:
        raise AmountError(N_("Write the amount as a number, for example 50.")) from error


def _cents(amount: Decimal) -> int:
    numerator, denominator = amount.as_integer_ratio()
    cents, rest = divmod(numerator * 100, denominator)
    if rest:
        raise AmountError(N_("There is nothing smaller than a cent."))
    if cents > MAX_CENTS:
        raise AmountError(N_("This amount is too large."))
    return cents


def whole_shillings(cents: int) -> int:
    """Shillings, for M-Pesa, which moves whole ones only; AmountError when cents would be lost."""
    shillings, rest = divmod(cents, 100)
    if rest:
        raise AmountError(N_("M-Pesa moves whole shillings only."))
    return shillings


def commission(cents: int, basis_points: int) -> int:
    """Our share of `cents`, exact to the cent: 2000 basis points are 20 %.

    Half a cent is rounded away from zero, so that a reversal (negative `cents`) takes back exactly what was charged.
    """
    if not 0 <= basis_points <= BASIS_POINTS:
        raise ValueError(f"basis points lie between 0 and {BASIS_POINTS}, not {basis_points}")
    share = (abs(cents) * basis_points + BASIS_POINTS // 2) // BASIS_POINTS
    return -share if cents < 0 else share


def split(cents: int, basis_points: int) -> tuple[int, int]:
    """(commission, what stays with the merchant); the two always add up to `cents`."""
    ours = commission(cents, basis_points)
    return ours, cents - ours


def format_amount(cents: int, currency: str = DEFAULT_CURRENCY) -> str:
    """`125000` → "KES 1,250"; cents are shown only where there are any; a minus stands before all: "−KES 8"."""
    shillings, rest = divmod(abs(cents), 100)
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    fraction = f".{rest:02d}" if rest else ""
    return f"{sign}{currency} {shillings:,}{fraction}"
