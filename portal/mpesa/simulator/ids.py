"""Identifiers in the shapes Daraja hands out: request ids, receipts, tokens, stamps. Pure; randomness is passed in.

Shapes are taken from samples (Daraja 3.0 pages "M-Pesa Express Simulate" and "Authorization"): treat them as opaque.
"""

from datetime import datetime, timedelta, timezone
from random import Random
from string import ascii_letters, ascii_uppercase, digits

EAT = timezone(timedelta(hours=3), "EAT")
"""East Africa Time: fixed, without summer time. Daraja stamps everything in it."""

_RECEIPT_DAYS = "123456789ABCDEFGHIJKLMNOPQRSTUV"
_BASE36 = digits + ascii_uppercase
_RECEIPT_SPACE = 36**7
# Odd and not divisible by 3, so prime to 36**7: multiplying by it permutes the serials without a collision.
_RECEIPT_STRIDE = 29_996_224_277


def eat_stamp(moment: datetime) -> str:
    """`YYYYMMDDHHmmss` in Nairobi time, as in callbacks and passwords."""
    return moment.astimezone(EAT).strftime("%Y%m%d%H%M%S")


def checkout_request_id(moment: datetime, msisdn: str) -> str:
    """`ws_CO_` + DDMMYYYYHHmmss (EAT) + milliseconds without padding + the last nine digits of the phone."""
    local = moment.astimezone(EAT)
    return f"ws_CO_{local:%d%m%Y%H%M%S}{local.microsecond // 1000}{msisdn[-9:]}"


def request_id(random: Random, serial: int) -> str:
    """Like `2654-4b64-97ff-b827b542881d3130`: the tail of a UUID and a growing number; unique by its serial."""
    tail = f"{random.getrandbits(96):024x}"
    return f"{tail[:4]}-{tail[4:8]}-{tail[8:12]}-{tail[12:]}{serial}"


def conversation_id(moment: datetime, random: Random) -> str:
    """Like `AG_20210706_20106e9209f64bebd05b`: the Nairobi day and twenty hexadecimal digits."""
    return f"AG_{moment.astimezone(EAT):%Y%m%d}_{random.getrandbits(80):020x}"


def no_receipt(moment: datetime) -> str:
    """What stands for a receipt where no money moved, like `SKE0000000` of the Reversal page."""
    return _prefix(moment) + "0000000"


def access_token(random: Random) -> str:
    """28 letters and digits, like the sample of the Authorization page."""
    return "".join(random.choices(ascii_letters + digits, k=28))


def receipt(moment: datetime, serial: int) -> str:
    """Ten characters `[A-Z0-9]`, the first three telling the Nairobi day (year U = 2026, month A-L, day 1-9 A-V).

    The prefix is inferred from dated samples. Unique for 36**7 serials of one day.
    """
    number = serial * _RECEIPT_STRIDE % _RECEIPT_SPACE
    tail = ""
    for _ in range(7):
        number, index = divmod(number, 36)
        tail = _BASE36[index] + tail
    return _prefix(moment) + tail


def _prefix(moment: datetime) -> str:
    local = moment.astimezone(EAT)
    year = ascii_uppercase[(local.year - 2006) % 26]
    return year + ascii_uppercase[local.month - 1] + _RECEIPT_DAYS[local.day - 1]
