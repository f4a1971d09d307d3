"""Words for a merchant's choices: the question, each answer, and an example of what it means for a customer."""

from collections.abc import Mapping

from portal.msgid import N_

#: Choice → the question.
QUESTIONS: Mapping[str, str] = {
    "outage_credit": N_("A router was away. Do customers get the lost time back?"),
    "early_end": N_("Somebody ends a customer's session at the router. Does the voucher end?"),
}
#: (Choice, answer) → (word, example).
CHOICE_WORDS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("outage_credit", "auto"): (
        N_("Yes, by itself"),
        N_("Example: the power is gone from 14:00 to 14:40. A package that would end at 18:00 now ends at 18:40."),
    ),
    ("outage_credit", "ask"): (
        N_("Ask me each time"),
        N_("Example: after the same power cut you see it under Outages, and one click gives the 40 minutes to everybody. "
           "Those whose package ended in the dark go on where they were."),
    ),
    ("outage_credit", "never"): (
        N_("No"),
        N_("Example: the package ends at 18:00 as if nothing had happened. Expect customers to complain."),
    ),
    ("early_end", "keep"): (
        N_("No, the customer may come back"),
        N_("Example: you remove a phone in WinBox at 15:00. Its package lasts until 18:00; the customer signs in again and "
           "goes on."),
    ),
    ("early_end", "end"): (
        N_("Yes, it ends too"),
        N_("Example: you remove a phone in WinBox at 15:00. The package is over then, and the rest of it is lost to the "
           "customer."),
    ),
}  # fmt: skip
