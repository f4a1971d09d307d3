"""What a promo makes of a price. Pure: whole shillings, in the customer's favour, and never below what M-Pesa moves."""

import re

#: M-Pesa moves no less than one shilling. Only a promo of 100 % takes the price to nothing.
LEAST_CENTS = 100
_CODE = re.compile(r"[A-Z0-9]{3,20}")
_MAX_TYPED = 64


def price_after(price_cents: int, *, percent: int | None, amount_cents: int | None) -> int:
    """What is still to be paid, in cents: 100 percent gives 0, all else whole shillings and at least one of them.

    A fraction of a shilling is the customer's. A promo never makes a package dearer, however cheap it is."""
    if percent is not None:
        if percent == 100:
            return 0
        rest = price_cents * (100 - percent) // 100
    else:
        rest = price_cents - (amount_cents or 0)
    return min(price_cents, max(LEAST_CENTS, rest // 100 * 100))


def fold(typed: str) -> str | None:
    """A promo code as stored, from what somebody typed: case, spaces and dashes do not matter. None: it can be no code."""
    plain = re.sub(r"[\s\-\u2010-\u2015_.]", "", typed[:_MAX_TYPED]).upper()
    return plain if _CODE.fullmatch(plain) else None
