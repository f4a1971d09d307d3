"""Payments: one attempt to collect money each. Pushed by `push`, asked about by `enquire`. Evidence about one is settled by
`settle`, money that came by itself is taken in by `take`, and people take it over the counter: one core for every road."""

from portal.payments.counter import Sold, mark_paid_by_hand, sell_cash
from portal.payments.enquire import enquire, to_enquire
from portal.payments.inbound import take
from portal.payments.outcomes import Settled, Taken
from portal.payments.push import find_stranded, push, to_push
from portal.payments.settle import settle, settle_in

__all__ = [
    "Settled",
    "Sold",
    "Taken",
    "enquire",
    "find_stranded",
    "mark_paid_by_hand",
    "push",
    "sell_cash",
    "settle",
    "settle_in",
    "take",
    "to_enquire",
    "to_push",
]
