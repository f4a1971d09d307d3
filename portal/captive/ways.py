"""Other ways out of a page that waits for money: one line each, offered where they help. Pure; another way is another line."""

from collections.abc import Sequence
from typing import NamedTuple

from portal.checkouts import CheckoutState
from portal.hand_payments import ByHand
from portal.msgid import N_


class Way(NamedTuple):
    """A way on: the page's part of the address, and its words."""

    part: str
    words: str


BY_HAND = Way("hand", N_("Pay by hand"))
PAID = Way("paid", N_("I already paid"))
_OPEN = frozenset({CheckoutState.WAITING, CheckoutState.SLOW, CheckoutState.FAILED, CheckoutState.MISMATCH})


def ways(state: CheckoutState, hand: ByHand | None) -> Sequence[Way]:
    """The ways that make sense in this state, the likeliest first."""
    if state not in _OPEN or hand is None:
        return ()
    return (PAID, BY_HAND) if state in (CheckoutState.SLOW, CheckoutState.MISMATCH) else (BY_HAND, PAID)
