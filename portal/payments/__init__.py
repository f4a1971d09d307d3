"""Payments: one attempt to collect money each. Pushed by `push`, asked about by `enquire`, and settled by one verb, `settle`,
whatever road the evidence came by."""

from portal.payments.enquire import enquire, to_enquire
from portal.payments.push import find_stranded, push, to_push
from portal.payments.settle import Settled, settle, settle_in

__all__ = [
    "Settled",
    "enquire",
    "find_stranded",
    "push",
    "settle",
    "settle_in",
    "to_enquire",
    "to_push",
]
