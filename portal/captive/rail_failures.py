"""What a customer is told when a payment by another rail than M-Pesa came to nothing: by the core's own `Why`. Pure."""

from portal.captive.failures import Failure, Next
from portal.msgid import N_
from portal.rails.interface import Why

_NO_ANSWER = N_("Your phone did not answer")
_SETUP = Failure(
    N_("This way to pay is not set up here"), N_("Choose another way, or tell the owner of this WiFi."), True, Next.CALL
)
FAILURES = {
    Why.CANCELLED: Failure(N_("You cancelled the payment"), N_("Try again whenever you like."), True, Next.AGAIN),
    Why.NO_MONEY: Failure(
        N_("Not enough money"), N_("Top up and try again, or choose a smaller package."), True, Next.AGAIN
    ),
    Why.WRONG_PIN: Failure(N_("The PIN was not right"), N_("Try again with your PIN."), True, Next.AGAIN),
    Why.NO_ANSWER: Failure(_NO_ANSWER, N_("Check that it is on, unlocked and has network."), False, Next.AGAIN),
    Why.LIMIT: Failure(
        N_("Your limit is reached"), N_("Choose a smaller package or use another number."), False, Next.NUMBER
    ),
    Why.AMOUNT: Failure(N_("This amount cannot be paid this way"), N_("Choose another package."), True, Next.PACKAGES),
    Why.NUMBER: Failure(N_("This number cannot pay this way"), N_("Pay with another number."), True, Next.NUMBER),
    Why.DECLINED: Failure(
        N_("Your bank refused the card"), N_("Try another card, or pay another way."), True, Next.AGAIN
    ),
    Why.PROMPT_OPEN: Failure(
        N_("Your phone shows a request already"),
        N_("Answer that one first, or try again in a minute."),
        False,
        Next.LATER,
    ),
    Why.SETUP: _SETUP,
    Why.NOT_STARTED: Failure(
        N_("The payment could not be started"), N_("Nothing was asked for. Try again in a moment."), True, Next.AGAIN
    ),
}
OTHERWISE = Failure(
    N_("The payment did not go through"),
    N_("If you were told that you have paid, do not pay again: ask for help first."),
    False,
    Next.AGAIN,
)


def failure(result_code: str | None) -> Failure:
    """What to say about why; a careful general answer for what nobody knows."""
    return next((said for why, said in FAILURES.items() if why == (result_code or "")), OTHERWISE)
