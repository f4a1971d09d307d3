"""Words for refunds: how they stand, how and how much goes back, what happened."""

from collections.abc import Mapping

from portal.msgid import N_
from portal.states import RefundStatus

#: Status → (tone, word).
REFUND_WORDS: Mapping[str, tuple[str, str]] = {
    RefundStatus.WANTED: ("wait", N_("Waits for approval")),
    RefundStatus.APPROVED: ("info", N_("Approved")),
    RefundStatus.SENDING: ("wait", N_("Being sent")),
    RefundStatus.UNKNOWN: ("warn", N_("Asking what became of it")),
    RefundStatus.DONE: ("ok", N_("Given back")),
    RefundStatus.FAILED: ("bad", N_("Failed")),
    RefundStatus.DROPPED: ("off", N_("Dropped")),
}
#: Road → (word, what it means).
ROAD_WORDS: Mapping[str, tuple[str, str]] = {
    "reversal": (N_("It goes back the way it was paid"), N_("The whole amount, to whoever paid.")),
    "b2c": (N_("M‑PESA sends it to a phone"), N_("M‑PESA may charge your account for it.")),
    "credit": (N_("Keep it for the customer"), N_("To use the next time here.")),
    "cash": (N_("Cash over the counter"), N_("You give it by hand, and write who got it.")),
    "voucher": (N_("A voucher instead"), N_("The customer has got another voucher for it.")),
    "": (N_("Not chosen yet"), ""),
}
SCOPE_WORDS: Mapping[str, tuple[str, str]] = {
    "whole": (N_("Everything"), N_("The voucher is taken back.")),
    "part": (N_("A part of the price"), N_("The voucher stays.")),
    "extra": (N_("What was paid too much"), N_("The voucher stays.")),
    "wallet": (N_("What is in the wallet"), N_("Bills that were paid stay paid.")),
}
#: (Table, event) → what happened.
STEP_WORDS: Mapping[tuple[str, str], str] = {
    ("refunds", "wanted"): N_("Asked for"),
    ("refunds", "approve"): N_("Approved"),
    ("refunds", "approved_below_limit"): N_("Approved by itself, below the limit"),
    ("refunds", "drop"): N_("Dropped"),
    ("refunds", "reopen"): N_("Asked for again"),
    ("refunds", "submit"): N_("Set out"),
    ("refunds", "lose"): N_("M‑PESA has not told what became of it"),
    ("refunds", "fail"): N_("Failed"),
    ("refunds", "refund_done"): N_("Given back"),
    ("refunds", "given_instead"): N_("Another voucher was given"),
    ("payouts", "wanted"): N_("Asked for"),
    ("payouts", "held"): N_("Held"),
    ("payouts", "submit"): N_("Set out"),
    ("payouts", "lose"): N_("M‑PESA has not told what became of it"),
    ("payouts", "fail"): N_("Failed"),
    ("payouts", "drop"): N_("Dropped"),
    ("payouts", "arrive"): N_("Arrived"),
    ("transfers", "submit"): N_("Request sent to M‑PESA"),
    ("transfers", "retry"): N_("M‑PESA was busy, sent again later"),
    ("transfers", "accept"): N_("M‑PESA took the request"),
    ("transfers", "lose"): N_("No clear answer: M‑PESA is asked"),
    ("transfers", "fail"): N_("M‑PESA refused"),
    ("transfers", "arrive"): N_("M‑PESA has sent the money"),
    ("transfers", "transfer_stuck"): N_("M‑PESA gives no clear answer. Look into the M‑PESA portal."),
    ("transfers", "result_does_not_fit"): N_("A message that does not fit was not believed"),
    ("transfers", "success_after_failure"): N_("M‑PESA says it was sent after all. Look into the M‑PESA portal."),
}
