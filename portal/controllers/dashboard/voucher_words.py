"""Words for vouchers: how they stand, why they ended, what happened to them."""

from collections.abc import Mapping

from portal.msgid import N_
from portal.states import VoucherStatus

#: Status → (tone, word).
VOUCHER_WORDS: Mapping[str, tuple[str, str]] = {
    VoucherStatus.UNSOLD: ("info", N_("Not sold yet")),
    VoucherStatus.PAID: ("wait", N_("Paid, not started")),
    VoucherStatus.IN_USE: ("ok", N_("In use")),
    VoucherStatus.EXPIRED: ("off", N_("Time is over")),
    VoucherStatus.REVOKED: ("bad", N_("Taken back")),
}
#: Part of the list → its name.
SHOW_WORDS: Mapping[str, str] = {
    "": N_("All"),
    "unsold": N_("Not sold yet"),
    "paid": N_("Not started"),
    "in_use": N_("In use"),
    "ended": N_("Over"),
    "revoked": N_("Taken back"),
}
#: Status of a request to a phone → (tone, word).
ASKED_WORDS: Mapping[str, tuple[str, str]] = {
    "created": ("wait", N_("Being sent")),
    "submitting": ("wait", N_("Being sent")),
    "pending": ("wait", N_("Waiting for the PIN")),
    "unknown": ("warn", N_("No answer yet")),
    "failed": ("bad", N_("Not paid")),
    "paid": ("ok", N_("Paid")),
    "refund_pending": ("warn", N_("Being given back")),
    "refunded": ("off", N_("Given back")),
}
#: Why it ended → sentence.
WHY_ENDED: Mapping[str, str] = {
    "activation": N_("It was not used in time."),
    "purchase": N_("The time since the purchase is over."),
    "usage": N_("The time since the first use is over."),
    "uptime": N_("All its connected time is used up."),
    "data": N_("All its data is used up."),
    "router_sync": N_("Its session was ended at the router."),
    "revoked": N_("Somebody took it back."),
}
#: (Table, event) → what happened.
MOVE_WORDS: Mapping[tuple[str, str], str] = {
    ("vouchers", "sell"): N_("Sold"),
    ("vouchers", "given_free"): N_("Given for a promo code, without payment"),
    ("vouchers", "given_as_trial"): N_("Free trial"),
    ("vouchers", "start"): N_("First login, its time runs"),
    ("vouchers", "expire"): N_("Ended"),
    ("vouchers", "revoke"): N_("Taken back"),
    ("vouchers", "time_given_back"): N_("Time given back for an outage"),
    ("vouchers", "revive"): N_("Runs again: it had ended while the router was away"),
    ("vouchers", "revive_unused"): N_("Usable again: it had ended while the router was away"),
    ("vouchers", "code_shown"): N_("The code was shown at the shop"),
    ("vouchers", "codes_printed"): N_("Its card was printed"),
    ("vouchers", "given_instead"): N_("Given instead of a refund"),
    ("vouchers", "extended"): N_("Time added to the voucher"),
    ("vouchers", "moved"): N_("Moved to another phone"),
    ("vouchers", "asked"): N_("A phone was asked to pay for it"),
    ("vouchers", "code_sent"): N_("The code was sent by SMS"),
    ("batches", "made"): N_("Made in a batch"),
    ("vouchers", "released"): N_("Opened by phone number and M-Pesa code"),
    ("vouchers", "session_ended"): N_("Session ended at the router"),
    ("access_grants", "appear"): N_("Ready on the router"),
    ("access_grants", "revive"): N_("Access wanted again"),
    ("access_grants", "end"): N_("Access is being ended"),
    ("access_grants", "leave"): N_("Off the router"),
}
#: How a device showed that the voucher is its own → words.
PROOF_WORDS: Mapping[str, str] = {
    "bought": N_("It was bought on this device."),
    "code": N_("Its code was typed on this device."),
    "link": N_("Its own page was opened on this device."),
}
