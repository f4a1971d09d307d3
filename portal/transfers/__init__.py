"""Transfers: requests to send money, a row each, made before it is sent; M-Pesa's are sent here, other rails' by
`portal.rails.returning`. Never twice: M-Pesa pays an id of ours once and
takes a receipt back once, and the database has one request per refund or payout that may have moved money.

What a transfer is for (a refund, a payout) is its owner's business: `on_outcome` tells them."""

from portal.transfers.hearing import take_result
from portal.transfers.make import Order, make, take_back
from portal.transfers.outcomes import Became, News, done, failed, locked, on_outcome
from portal.transfers.sending import due, send
from portal.transfers.watching import find_silent, find_stranded, to_clear_up, watch

__all__ = [
    "Became",
    "News",
    "Order",
    "done",
    "due",
    "failed",
    "find_silent",
    "find_stranded",
    "locked",
    "make",
    "on_outcome",
    "send",
    "take_back",
    "take_result",
    "to_clear_up",
    "watch",
]
