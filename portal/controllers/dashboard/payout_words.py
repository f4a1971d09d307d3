"""Words for payouts: how they stand, what holds them, when they happen, and the lines of a statement."""

from collections.abc import Mapping

from portal.msgid import N_
from portal.states import PayoutStatus

#: Status → (tone, word).
PAYOUT_WORDS: Mapping[str, tuple[str, str]] = {
    PayoutStatus.WANTED: ("wait", N_("Waits")),
    PayoutStatus.SENDING: ("wait", N_("Being sent")),
    PayoutStatus.UNKNOWN: ("warn", N_("Asking M‑PESA")),
    PayoutStatus.DONE: ("ok", N_("Paid out")),
    PayoutStatus.FAILED: ("bad", N_("Failed")),
    PayoutStatus.DROPPED: ("off", N_("Dropped")),
}
HELD_WORDS: Mapping[str, str] = {
    "number": N_("No M‑PESA number is entered yet. The owner enters one under Payouts."),
    "cooling": N_("The number is new. For your safety nothing is sent there for two days."),
    "invariant": N_("We check the books first, because something in them does not fit. Your money is safe."),
    "account": N_("The platform cannot send money right now. Its operator has to enter the API user of M‑PESA."),
}
#: Schedule → (word, what it means).
SCHEDULE_WORDS: Mapping[str, tuple[str, str]] = {
    "off": (N_("Only when I ask"), ""),
    "daily": (N_("Every day"), N_("From six in the morning on.")),
    "weekly": (N_("Every week"), N_("On the day you choose.")),
    "threshold": (
        N_("When enough has come together"),
        N_("As soon as we owe you the amount below, once a day at most."),
    ),
}
WEEKDAYS: Mapping[int, str] = {
    1: N_("Monday"), 2: N_("Tuesday"), 3: N_("Wednesday"), 4: N_("Thursday"), 5: N_("Friday"), 6: N_("Saturday"),
    7: N_("Sunday"),
}  # fmt: skip
#: Kind of posting → what a statement calls it.
LINE_WORDS: Mapping[str, str] = {
    "sale": N_("Sales, less commission"),
    "sale_back": N_("Sales taken back"),
    "resolution": N_("Money that was found to be yours"),
    "refund": N_("Refunds"),
    "refund_back": N_("Refunds dropped"),
    "refund_done": N_("Refunds you gave in cash"),
    "payout": N_("Payouts"),
    "payout_back": N_("Payouts dropped"),
    "credit_use": N_("Bought with credit"),
    "extra_payment": N_("Money kept for customers"),
    "part_payment": N_("Parts of a price"),
    "bill": N_("Bills of subscribers"),
    "bill_return": N_("Days given back to subscribers"),
    "wallet": N_("Money into subscribers' wallets"),
    "suspense": N_("Money to decide about"),
    "cash_up": N_("Cash counted"),
    "sms": N_("SMS"),
    "agent_money": N_("Brought by agents to the paybill"),
}
