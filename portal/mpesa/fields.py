"""Single fields of Daraja's messages: what a receipt, an amount, a moment or an id may look like. Pure.

Readers give None for what makes no sense; `require` is for what we are about to send.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from portal import money
from portal.errors import MpesaRefused
from portal.mpesa.loose_json import text
from portal.mpesa.sentences import with_words

#: Nairobi has no summer time.
EAT = timezone(timedelta(hours=3), "EAT")
LEAST_SHILLINGS, MOST_SHILLINGS = 1, 250_000
_LONGEST_ID = 64
#: How Daraja's APIs write a moment: most of them, B2C, and Pull.
_MOMENTS = ("%Y%m%d%H%M%S", "%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


def require(holds: object, field: str) -> None:
    """MpesaRefused, before anything is sent, for what Daraja would refuse or silently drop."""
    if not holds:
        raise with_words(MpesaRefused("not sent", f"Invalid {field}"), "")


def shillings_of(amount_cents: int) -> int:
    """Whole shillings within what M-Pesa moves at once; MpesaRefused otherwise."""
    shillings, rest = divmod(amount_cents, 100)
    require(rest == 0 and LEAST_SHILLINGS <= shillings <= MOST_SHILLINGS, "Amount")
    return shillings


def timestamp(at: datetime) -> str:
    """YYYYMMDDHHmmss in Nairobi, the zone in which Daraja stamps its own ids."""
    return at.astimezone(EAT).strftime("%Y%m%d%H%M%S")


def plain(words: str, longest: int, *, otherwise: str) -> str:
    """Letters, digits, space, dot and dash only, never empty: Daraja is reported to break on @ # &."""
    kept = re.sub(r"[^A-Za-z0-9 .-]+", " ", words)
    return re.sub(r" +", " ", kept).strip()[:longest].strip() or otherwise


def opaque_id(value: object) -> str | None:
    """An id that only has to come back as it was: 1 to 64 characters."""
    found = text(value, _LONGEST_ID + 1)
    return found if 0 < len(found) <= _LONGEST_ID else None


def receipt(value: object) -> str | None:
    """A receipt in upper case. Its first letters tell the day, but nothing is refused for that."""
    found = text(value, 40).upper()
    return found if re.fullmatch(r"[A-Z0-9]{4,20}", found) else None


def amount(value: object) -> Decimal | None:
    """What stood there, exact: a number or a text of digits with a fraction."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", value.strip()):
        return Decimal(value.strip())
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        return Decimal(value)
    return value if isinstance(value, Decimal) and value.is_finite() and -12 <= value.adjusted() < 15 else None


def cents_of(exact: Decimal | None) -> int | None:
    """Whole cents; None when there is no amount, or one that is not a whole number of them."""
    try:
        return money.parse_amount(exact)
    except money.AmountError:
        return None


def moment(value: object) -> datetime | None:
    """A moment in UTC. Without a zone it is Nairobi's; a final Z is taken at its word."""
    found = text(value, 40)
    zone = UTC if found.endswith("Z") else EAT
    bare = re.sub(r"\.[0-9]{1,9}$", "", found.removesuffix("Z"))
    for spelling in _MOMENTS:
        try:
            return datetime.strptime(bare, spelling).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
