"""Words for messages: what they tell, how they stand, why they do not go, by what they go."""

from collections.abc import Mapping

from portal.gateways.interface import Why
from portal.messages import Told
from portal.msgid import N_
from portal.states import MessageStatus

#: What a message tells. One that is not named here is shown by its key.
TOLD_WORDS: Mapping[str, str] = {
    Told.VOUCHER_CODE: N_("The code, after paying"),
    Told.PART_PAYMENT: N_("Paid too little"),
    Told.TIME_ADDED: N_("Time was added"),
    Told.MONEY_KEPT: N_("Money kept for the customer"),
    Told.CREDIT_USED: N_("Kept money was used"),
    Told.WALLET_PAID: N_("Payment by the month came"),
    Told.WALLET_SHORT: N_("Payment by the month, too little"),
    Told.OWN_PAGE: N_("The customer's own link"),
    Told.RECEIPT: N_("A receipt"),
    Told.INVOICE: N_("An invoice"),
    Told.CREDIT_NOTE: N_("A credit note"),
    Told.VOUCHER_GIFT: N_("A voucher's code, sent by the shop"),
    Told.BILL_SOON: N_("Reminder before the bill"),
    Told.BILL_DUE: N_("Reminder on the day of the bill"),
    Told.BILL_LATE: N_("Reminder after the bill"),
    Told.EXPIRY_WARNING: N_("Time is nearly over"),
    Told.TIME_OVER: N_("Time is over"),
    Told.WIN_BACK: N_("Offer after a long time"),
    Told.NOT_MATCHED: N_("Account number not known"),
    Told.SHOP_PART_PAYMENT: N_("To the shop: a part payment"),
    Told.SHOP_EXTRA: N_("To the shop: paid twice"),
    Told.SHOP_NOT_MATCHED: N_("To the shop: money that fits nothing"),
    Told.SHOP_GATEWAY: N_("To the shop: messages do not go out"),
    Told.SHOP_ROUTER_AWAY: N_("To the shop: a router is away"),
    Told.SHOP_ROUTER_BACK: N_("To the shop: a router is back"),
    Told.SHOP_MORNING: N_("To the shop: each morning, in short"),
    Told.SHOP_MORNING_LONG: N_("To the shop: each morning, by Telegram"),
    Told.SHOP_WEEK: N_("To the shop: the week"),
    Told.SHOP_MONTH: N_("To the shop: the month"),
    Told.TEST: N_("Test message"),
}
#: Status → (tone, word).
STATUS_WORDS: Mapping[str, tuple[str, str]] = {
    MessageStatus.QUEUED: ("wait", N_("Waits")),
    MessageStatus.SENDING: ("wait", N_("Being sent")),
    MessageStatus.SENT: ("info", N_("Sent")),
    MessageStatus.DELIVERED: ("ok", N_("Arrived")),
    MessageStatus.UNKNOWN: ("warn", N_("Not known whether it went")),
    MessageStatus.SPLIT: ("off", N_("Copied")),
    MessageStatus.FAILED: ("bad", N_("Failed")),
    MessageStatus.DROPPED: ("off", N_("Not sent")),
}
#: Why a message waits or failed, and what to do.
WHY_WORDS: Mapping[str, str] = {
    Why.BAD_ADDRESS: N_("This number or address does not exist."),
    Why.NO_ROUTE: N_("The gateway cannot reach this number."),
    Why.UNWANTED: N_("The recipient takes no messages from this sender."),
    Why.NOT_TAKEN: N_("The gateway refuses this message. Look at its wording."),
    Why.UNDELIVERED: N_("It went out and did not arrive: the phone may be off or out of reach."),
    Why.BUSY: N_("The gateway is busy. We try again."),
    Why.AWAY: N_("The gateway does not answer. We try again."),
    Why.NO_CREDIT: N_("The SMS credit is used up. Buy more at the gateway; then it goes out by itself."),
    Why.WRONG_KEYS: N_("The gateway refuses the key or password. Enter it again."),
    Why.WRONG_SENDER: N_("The gateway does not allow this sender name. Register it there, or change it."),
    Why.SET_UP: N_("The gateway is not set up correctly."),
    Why.LOST: N_("The gateway did not answer. It may have gone out, so we do not send it again by ourselves."),
    Why.NOBODY: N_("Nobody is named to be told. Fill in your number or mail address."),
    Why.TOO_LATE: N_("It could not go out in time to be of use."),
    Why.CAP: N_("The most for one day was reached."),
    Why.QUIET: N_("It waits for the end of the quiet hours."),
    Why.STOPPED: N_("This number said STOP."),
    Why.GIVEN_UP: N_("It went wrong too many times."),
    Why.UNREADABLE: N_("Something it names is missing."),
    Why.NO_GATEWAY: N_("There is no way to send it."),
}
CHANNEL_WORDS: Mapping[str, str] = {
    "sms": N_("SMS"), "email": N_("Mail"), "telegram": N_("Telegram"), "webhook": N_("Webhook"), "": N_("To the shop"),
}  # fmt: skip
#: Kind of gateway → (name, what it is).
GATEWAY_WORDS: Mapping[str, tuple[str, str]] = {
    "africastalking": (N_("Africa’s Talking"), N_("SMS in Kenya and its neighbours. You need an account there.")),
    "http": (N_("Another SMS gateway"), N_("Any gateway with an HTTP address, described by you.")),
    "smtp": (N_("Your own mail server"), N_("Reports and alerts by mail in your own name.")),
    "telegram": (N_("A Telegram bot"), N_("Alerts in Telegram. Make a bot with @BotFather.")),
    "webhook": (N_("A webhook"), N_("Alerts to a program of yours, signed.")),
}
