"""Words for closes and comparisons: what M-Pesa's side is known by, why a day differs, what became of a list. No logic."""

from portal.msgid import N_

SOURCE_WORDS = {
    "statement": N_("M‑PESA's statement"),
    "pull": N_("M‑PESA's list of what came in"),
    "balance": N_("M‑PESA's balance"),
    "none": N_("not known"),
}
CAUSE_WORDS = {
    "not_booked": N_("M‑PESA has it, we have not: take it in under M‑PESA lists"),
    "not_listed": N_("We have it, M‑PESA's list has not: look at each with M‑PESA"),
    "differs": N_("Both have it, with different amounts"),
    "booked_another_day": N_("We heard of it on another day"),
    "moved_another_day": N_("It moved on another day, and we heard of it on this one"),
    "no_receipt": N_("Paid by M‑PESA's word, its code has not come yet"),
    "fees": N_("M‑PESA's charges"),
    "withdrawn": N_("Taken out of the M‑PESA account, not by us"),
    "out_not_listed": N_("We sent it, M‑PESA's list has not got it"),
}
#: Badge tone and word.
STATUS_WORDS = {
    "running": ("wait", N_("Being read")),
    "ready": ("warn", N_("To decide")),
    "taking": ("wait", N_("Being taken in")),
    "done": ("ok", N_("Done")),
    "failed": ("bad", N_("Failed")),
    "dropped": ("off", N_("Left as it is")),
}
VERDICT_WORDS = {
    "only_theirs": ("warn", N_("Only M‑PESA has it")),
    "only_ours": ("bad", N_("Only we have it")),
    "differs": ("bad", N_("Different amounts")),
    "not_done": ("off", N_("Was not completed")),
}
TAKEN_WORDS = {
    "sold": N_("sold"),
    "suspense": N_("waits for a person under To decide"),
    "extended": N_("time was added"),
    "credited": N_("kept for the customer"),
    "underpaid": N_("too little: kept for the rest"),
    "receipt_added": N_("its code was added"),
    "refunding": N_("goes back to the payer"),
    "known": N_("we had it meanwhile"),
    "error": N_("could not be taken in"),
}
