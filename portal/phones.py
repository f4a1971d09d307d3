"""Phone numbers as people write them, and as we keep, send and show them. Pure; a number is data, not an account.

Kept and sent as E.164 digits without the plus ("254712345678"). Only Kenyan mobile numbers are accepted: the region is
the site's, never guessed from the digits, because 0712345678 is a good number in Tanzania too.
"""

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from portal.msgid import N_

REGION = "KE"
_MAX_TYPED = 64
# What contact lists put around a number: separators, and the invisible direction marks messengers add when copying.
_SEPARATORS = re.compile(r"[\s().\-/\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
_DIGITS = re.compile(r"\+?[0-9]{5,20}")
_MASK = "•••"

# First three digits after 254, from phonenumbers' carrier metadata 9.0. Not asked at run time: loading that metadata
# (every country of the world) costs 45 MiB of memory, and numbers move between carriers anyway.
# fmt: off
_SAFARICOM = frozenset([
    *range(110, 120), *range(140, 147), *range(180, 190), *range(700, 730), *range(740, 744), 745, 746, 748, 749,
    *range(757, 760), 768, 769, *range(790, 800),
])
# fmt: on
_AIRTEL = frozenset(
    [*range(100, 109), *range(135, 140), *range(730, 740), *range(750, 757), 760, *range(762, 768), *range(780, 790)]
)
_TELKOM = frozenset([120, 761, *range(770, 780)])


class PhoneError(ValueError):
    """Not a number we can use. The text is a catalogue sentence for the person who typed it."""


def parse_phone(text: str) -> str:
    """E.164 digits of a Kenyan mobile number in any usual spelling; PhoneError, in words, for everything else.

    Understood: 07…, 01…, 7…, 254…, +254…, 00254…, with spaces, dashes, dots, brackets, or digits of another script.
    """
    compact = _compact(text)
    try:
        number = phonenumbers.parse(compact, REGION)
    except NumberParseException as error:
        raise PhoneError(N_("This is not a phone number. Write it like 0712 345 678.")) from error
    if number.country_code != 254:
        raise PhoneError(N_("Only Kenyan numbers can pay here. Write it like 0712 345 678."))
    if not phonenumbers.is_valid_number_for_region(number, REGION):
        raise PhoneError(_why_invalid(compact))
    if phonenumbers.number_type(number) != PhoneNumberType.MOBILE:
        raise PhoneError(N_("This is not a mobile number. Write it like 0712 345 678."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def _compact(text: str) -> str:
    if len(text) > _MAX_TYPED:
        raise PhoneError(N_("This is too long for a phone number."))
    plain = "".join(_ascii_digit(char) for char in _SEPARATORS.sub("", text))
    if not plain:
        raise PhoneError(N_("Write your phone number, like 0712 345 678."))
    if not _DIGITS.fullmatch(plain):
        raise PhoneError(N_("This is not a phone number. Write it like 0712 345 678."))
    # Kenya dials 000 for abroad, so the library does not take the common 00 for a plus.
    return f"+{plain[2:]}" if plain.startswith("00") else plain


def _ascii_digit(char: str) -> str:
    if char == "＋":
        return "+"
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def _why_invalid(compact: str) -> str:
    digits = compact.removeprefix("+").removeprefix("254").removeprefix("0")
    if len(digits) < 9:
        return N_("A digit is missing. Write it like 0712 345 678.")
    if len(digits) > 9:
        return N_("There are too many digits. Write it like 0712 345 678.")
    return N_("This is not a Kenyan mobile number. Write it like 0712 345 678.")


def written(phone: str) -> str:
    """As people write it: `"254712345678"` → "0712 345 678"; a number of another country as "+…", nothing for nothing."""
    if is_stored_form(phone):
        return f"0{phone[3:6]} {phone[6:9]} {phone[9:]}"
    return f"+{phone}" if phone else ""


def mask(phone: str) -> str:
    """For screens: `"254712345678"` → "0712 ••• 678". Takes E.164 digits; anything else is hidden wholly."""
    if not is_stored_form(phone):
        return _MASK
    return f"0{phone[3:6]} {_MASK} {phone[-3:]}"


def mask_name(name: str) -> str:
    """A customer's user name with only its first two characters, for logs and history: it is often a person's own."""
    return f"{name[:2]}•••" if len(name) > 3 else "•••"


def mask_for_log(phone: str) -> str:
    """For logs: `"254712345678"` → "2547•••678"."""
    if not is_stored_form(phone):
        return _MASK
    return f"{phone[:4]}{_MASK}{phone[-3:]}"


def is_stored_form(phone: str) -> bool:
    """Whether this is already the form we keep: 12 ASCII digits, a Kenyan mobile prefix."""
    return re.fullmatch(r"254[17][0-9]{8}", phone) is not None


def carrier_hint(phone: str) -> str | None:
    """Safaricom, Airtel, Telkom or None, by prefix. A hint only: people take their number along to another carrier."""
    if not is_stored_form(phone):
        return None
    prefix = int(phone[3:6])
    for name, prefixes in (("Safaricom", _SAFARICOM), ("Airtel", _AIRTEL), ("Telkom", _TELKOM)):
        if prefix in prefixes:
            return name
    return None
