"""Payments: one attempt to collect money each. Pushed by `push`, asked about by `enquire`, and settled by one verb, `settle`,
whatever road the evidence came by."""

from portal.payments.enquire import enquire, to_enquire
from portal.payments.inbound import take
from portal.payments.outcomes import Settled, Taken
from portal.payments.push import find_stranded, push, to_push
from portal.payments.settle import settle, settle_in

__all__ = [
    "Settled",
    "Taken",
    "enquire",
    "find_stranded",
    "push",
    "settle",
    "settle_in",
    "take",
    "to_enquire",
    "to_push",
]
