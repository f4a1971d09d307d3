"""Status in words, with the tone that gives a badge its shape and colour. The states: portal.sales, portal.states."""

from collections.abc import Mapping

from portal.msgid import N_
from portal.sales import SaleState
from portal.states import RouterStatus

#: state → (tone, words). Tones: ok, wait, warn, bad, info, off.
SALE_WORDS: Mapping[str, tuple[str, str]] = {
    SaleState.SENDING: ("wait", N_("Sending request")),
    SaleState.WAITING: ("wait", N_("Waiting for PIN")),
    SaleState.NO_ANSWER: ("warn", N_("No answer yet")),
    SaleState.CANCELLED: ("bad", N_("Cancelled")),
    SaleState.NO_MONEY: ("bad", N_("Not enough money")),
    SaleState.WRONG_PIN: ("bad", N_("Wrong PIN")),
    SaleState.NOT_REACHED: ("bad", N_("Phone did not answer")),
    SaleState.FAILED: ("bad", N_("Not paid")),
    SaleState.MISMATCH: ("warn", N_("Wrong amount, held")),
    SaleState.EXTRA: ("warn", N_("Paid twice, held")),
    SaleState.WALLET: ("ok", N_("In the wallet")),
    SaleState.SOLD: ("info", N_("Sold, not used yet")),
    SaleState.CONNECTING: ("wait", N_("Connecting")),
    SaleState.NOT_ONLINE: ("warn", N_("Paid, not online")),
    SaleState.ROUTER_OFFLINE: ("warn", N_("Paid, router offline")),
    SaleState.CONNECTED: ("ok", N_("Connected")),
    SaleState.AWAY: ("off", N_("Not connected now")),
    SaleState.OVER: ("off", N_("Time is over")),
    SaleState.REVOKED: ("off", N_("Taken back")),
    SaleState.REFUNDING: ("info", N_("Being refunded")),
    SaleState.REFUNDED: ("off", N_("Refunded")),
}

ROUTER_WORDS: Mapping[str, tuple[str, str]] = {
    RouterStatus.NEW: ("info", N_("New")),
    RouterStatus.ONLINE: ("ok", N_("Online")),
    RouterStatus.LATE: ("warn", N_("Late")),
    RouterStatus.OFFLINE: ("bad", N_("Offline")),
    RouterStatus.PAUSED: ("off", N_("Paused")),
}
