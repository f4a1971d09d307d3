"""Words where another rail than M-Pesa did it: they stand in for those of `timeline_words` and `refund_words`."""

from collections.abc import Mapping

from portal.controllers.dashboard.refund_words import STEP_WORDS
from portal.controllers.dashboard.timeline_words import FACT_WORDS
from portal.msgid import N_

_FACTS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("payments", "submit"): ("wait", N_("The request is being sent")),
    ("payments", "retry"): ("warn", N_("The payment service was busy; it is sent again")),
    ("payments", "accept"): ("wait", N_("The payment service took the request; the customer pays now")),
    ("payments", "receipt_added"): ("ok", N_("The payment service told the receipt")),
    ("payments", "push_stranded"): ("warn", N_("The request was cut off; the payment service is asked")),
    ("payments", "found_in_list"): ("ok", N_("Found in the payment service's list: nobody had told us")),
    ("exchanges", "push"): ("info", N_("We asked the payment service for the money")),
    ("exchanges", "query"): ("info", N_("We asked what became of it")),
    ("exchanges", "refund"): ("info", N_("We asked to give it back")),
    ("exchanges", "refund query"): ("info", N_("We asked what became of the refund")),
    ("callbacks", "airtel"): ("info", N_("Airtel Money told the outcome")),
    ("callbacks", "paystack"): ("info", N_("Paystack told the outcome")),
}
_STEPS: Mapping[tuple[str, str], str] = {
    ("refunds", "lose"): N_("Not told yet what became of it"),
    ("transfers", "submit"): N_("Request sent"),
    ("transfers", "retry"): N_("The payment service was busy, sent again later"),
    ("transfers", "accept"): N_("The payment service took the request"),
    ("transfers", "lose"): N_("No clear answer: it is asked"),
    ("transfers", "fail"): N_("The payment service refused"),
    ("transfers", "arrive"): N_("The money was given back"),
    ("transfers", "transfer_stuck"): N_("No clear answer. Look into the payment service's portal."),
    ("transfers", "success_after_failure"): N_("It was given back after all. Look into the payment service's portal."),
}
_OTHERS = frozenset({"airtel", "paystack"})


def facts_of(method: str) -> Mapping[tuple[str, str], tuple[str, str]]:
    """The sentences of a payment's timeline, by how it was paid."""
    return {**FACT_WORDS, **_FACTS} if method in _OTHERS else FACT_WORDS


def steps_of(rail: str) -> Mapping[tuple[str, str], str]:
    """The sentences of a refund's steps, by the rail its money came by."""
    return {**STEP_WORDS, **_STEPS} if rail in _OTHERS else STEP_WORDS
