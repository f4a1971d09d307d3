"""What a customer is told when a payment came to nothing: by Daraja's result code, never by Daraja's words. Pure.

"Nothing was taken" is said only where M-Pesa is sure of it (1, 1032, 2001); after silence money may still move.
Codes and meanings: Daraja documentation, M-Pesa Express, result codes.
"""

from enum import StrEnum
from typing import NamedTuple

from portal.msgid import N_

#: M-Pesa refuses the same amount from the same phone again within this many seconds (code 17).
SAME_AGAIN_AFTER_S = 120


class Next(StrEnum):
    """What the page offers first."""

    AGAIN = "again"  # the same package, the same phone, one tap
    LATER = "later"  # the same, once two minutes have passed
    NUMBER = "number"  # the form, for another number
    PACKAGES = "packages"  # the list, for another price
    CALL = "call"  # nothing the customer can do here: ask the merchant


class Failure(NamedTuple):
    """A heading and what to do, both catalogue messages; whether M-Pesa is sure that no money moved; the next step."""

    heading: str
    advice: str
    nothing_taken: bool
    next: Next


_ASKS_TO_WAIT = N_("M‑PESA asks us to wait")
_NO_ANSWER = N_("Your phone did not answer")
_AMOUNT = N_("M‑PESA does not take this amount")
_NOT_SENT = Failure(
    N_("M‑PESA could not send the request"), N_("Unlock your phone and try again in a moment."), False, Next.AGAIN
)
_BUSY = Failure(_ASKS_TO_WAIT, N_("Very many people are paying at this moment."), False, Next.LATER)
_NOT_SET_UP = Failure(
    N_("M‑PESA is not set up here"), N_("This is not your fault. Please tell the owner of this WiFi."), False, Next.CALL
)

FAILURES = {
    "1": Failure(
        N_("Not enough money in M‑PESA"), N_("Top up and try again, or choose a smaller package."), True, Next.AGAIN
    ),
    "2": Failure(_AMOUNT, N_("It is too small. Choose another package."), False, Next.PACKAGES),
    "3": Failure(_AMOUNT, N_("It is too large. Choose another package."), False, Next.PACKAGES),
    "4": Failure(
        N_("Your M‑PESA limit is reached"),
        N_("M‑PESA lets each phone pay only so much a day. Choose a smaller package or use another number."),
        False,
        Next.NUMBER,
    ),
    "8": Failure(
        N_("We cannot receive money right now"),
        N_("Our M‑PESA account is full. Please tell the owner of this WiFi."),
        False,
        Next.CALL,
    ),
    "17": Failure(
        _ASKS_TO_WAIT, N_("It does not take the same amount from one phone twice within 2 minutes."), False, Next.LATER
    ),
    "26": _BUSY,
    "1001": Failure(
        _ASKS_TO_WAIT, N_("Another payment is still open on your phone. Finish or cancel that one."), False, Next.LATER
    ),
    "1019": Failure(_NO_ANSWER, N_("The time to enter the PIN ran out."), False, Next.AGAIN),
    "1025": _NOT_SENT,
    "9999": _NOT_SENT,
    "1032": Failure(N_("You cancelled the payment"), N_("Try again whenever you like."), True, Next.AGAIN),
    "1037": Failure(_NO_ANSWER, N_("Check that it is on, unlocked and has network."), False, Next.AGAIN),
    "2001": Failure(N_("The PIN was not right"), N_("Try again with your M‑PESA PIN."), True, Next.AGAIN),
    "2028": _NOT_SET_UP,
    "SFC_IC0003": _NOT_SET_UP,
    "8006": Failure(
        N_("Your M‑PESA PIN is locked"),
        N_("Call M‑PESA on 234 to unlock it, or pay with another number."),
        False,
        Next.NUMBER,
    ),
    # Not Daraja's result codes but why a push was not taken (`payments.push`): a person must mend our set-up.
    **dict.fromkeys(
        (
            "500.001.1001",
            "401.003.01",
            "404.001.03",
            "401.002.01",
            "400.003.01",
            "404.001.01",
            "401.001",
            "404.001.04",
            "404.002.01",
            "404.003.01",
            "400.008.01",
            "400.008.02",
            "HTTP 400",
            "HTTP 401",
            "HTTP 403",
            "environment",
        ),
        _NOT_SET_UP,
    ),
    **dict.fromkeys(("400.002.02", "400.002.05", "400.003.02", "405.001", "not sent"), _NOT_SENT),
    **dict.fromkeys(("500.002.1001", "00.002.1001", "500.003.02", "500.003.03", "HTTP 429"), _BUSY),
    "prompt_open": Failure(
        N_("Your phone shows a request already"),
        N_("Answer the M‑PESA request on your phone. If you see none, try again in a minute."),
        False,
        Next.LATER,
    ),
    "E3008": Failure(N_("M‑PESA refused this number"), N_("Pay with another number."), False, Next.NUMBER),
}
OTHERWISE = Failure(
    N_("The payment did not go through"),
    N_("If an M‑PESA SMS says that you have paid, do not pay again: ask for help first."),
    False,
    Next.AGAIN,
)


def failure(result_code: str | None) -> Failure:
    """What to say about a final result code; a careful general answer for one we do not know."""
    return FAILURES.get(result_code or "", OTHERWISE)
