"""Refunds: money that goes back to its payer, once per money received. Asked for, approved (by two people above a limit), sent, and
closed by M-Pesa's word. Sending itself is `portal.transfers`; what policy and suspense want begins in `portal.payments.refunds`."""

from portal.refunds.asking import Road, Scope, Wish, offers, request
from portal.refunds.carrying import approve_decided
from portal.refunds.deciding import approve, drop, given, retry, seen
from portal.refunds.looks import PAGE_SIZE, RefundPage, RefundRow, latest, page_of
from portal.refunds.wallets import Rest, give_back

__all__ = [
    "PAGE_SIZE",
    "RefundPage",
    "RefundRow",
    "Rest",
    "Road",
    "Scope",
    "Wish",
    "approve",
    "approve_decided",
    "drop",
    "give_back",
    "given",
    "latest",
    "offers",
    "page_of",
    "request",
    "retry",
    "seen",
]
