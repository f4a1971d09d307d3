"""Words for a merchant's choices: the question, each answer, and an example of what it means for a customer."""

from collections.abc import Mapping

from portal.msgid import N_

#: Choice → the question.
QUESTIONS: Mapping[str, str] = {
    "outage_credit": N_("A router was away. Do customers get the lost time back?"),
    "early_end": N_("Somebody ends a customer's session at the router. Does the voucher end?"),
    "away_alert_min": N_("A router does not answer. When do we tell you?"),
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
    ("away_alert_min", "10"): (
        N_("After 10 minutes"),
        N_("Example: the power goes at 14:00 and you get a message at 14:10. You get another when the router is back and stays."),
    ),
    ("away_alert_min", "30"): (
        N_("After half an hour"),
        N_("Example: power cuts of a quarter of an hour are usual with you, and you want to hear of the long ones only."),
    ),
    ("away_alert_min", "60"): (
        N_("After an hour"),
        N_("Example: you are in the shop and see short cuts yourself."),
    ),
    ("away_alert_min", "0"): (
        N_("Never"),
        N_("Example: you look at this page every day and want no messages."),
    ),
}  # fmt: skip
