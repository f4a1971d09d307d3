"""Words and colours for subscribers, their bills and their wallets."""

from portal.msgid import N_

STATUS_WORDS = {
    "active": ("ok", N_("Paid")),
    "grace": ("warn", N_("Due")),
    "suspended": ("bad", N_("Suspended")),
    "closed": ("off", N_("Closed")),
}
SHOW_WORDS = {
    "": N_("All"),
    "active": N_("Paid"),
    "grace": N_("Due"),
    "suspended": N_("Suspended"),
    "closed": N_("Closed"),
}
BILL_WORDS = {"due": ("warn", N_("Due")), "paid": ("ok", N_("Paid")), "dropped": ("off", N_("Dropped"))}
KIND_WORDS = {"hotspot": N_("Hotspot"), "pppoe": N_("PPPoE")}
MOVED_WORDS = {
    "wallet": N_("Paid in"),
    "bill": N_("Bill"),
    "bill_return": N_("Given back"),
    "refund": N_("Paid back"),
    "reversal": N_("Taken back"),
    "resolution": N_("Paid in"),
}
#: What became of a request to a phone, as far as its customer needs to know.
ASKED_WORDS = {
    "created": ("warn", N_("We are asking M‑PESA. Look at your phone.")),
    "submitting": ("warn", N_("We are asking M‑PESA. Look at your phone.")),
    "pending": ("warn", N_("Look at your phone and enter your M‑PESA PIN.")),
    "unknown": ("warn", N_("M‑PESA has not answered yet. If you paid, it arrives here by itself.")),
    "failed": ("bad", N_("This payment did not go through. Nothing was taken. Try again.")),
    "paid": ("ok", N_("Your payment has arrived. Thank you.")),
}
WAITING = frozenset({"created", "submitting", "pending"})
