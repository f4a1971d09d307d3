"""Outages: when a router was away, and the time its customers get back for it, by the merchant's choice.

`giving` measures and gives, `reviving` brings back who expired meanwhile; `reports` is what pages tell."""

from portal.outages.giving import AHEAD, SHORTEST, began, credit, due, foretell, give_back, measure
from portal.outages.reports import (
    Credit,
    Downtime,
    Outage,
    credits_of,
    downtimes,
    of_merchant,
    of_router,
    one,
    waiting,
)
from portal.outages.times import lost_s

__all__ = [
    "AHEAD",
    "SHORTEST",
    "Credit",
    "Downtime",
    "Outage",
    "began",
    "credit",
    "credits_of",
    "downtimes",
    "due",
    "foretell",
    "give_back",
    "lost_s",
    "measure",
    "of_merchant",
    "of_router",
    "one",
    "waiting",
]
