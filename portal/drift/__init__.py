"""Drift and leaks: how a router differs from what was sold, what each difference is worth, and who asked for what about it.

`compare` is the arithmetic, `sights` turns a read into findings, `looks` is what is asked and what came of it, `known` what
people vouch for, `reports` what pages tell."""

from portal.drift.compare import (
    FOREIGN,
    Finding,
    Kind,
    Online,
    Price,
    Sight,
    Sold,
    UserSeen,
    compare,
    cost_of,
    prices_at,
    sold_on,
)
from portal.drift.known import doubt, vouch
from portal.drift.looks import (
    INCOMPLETE,
    Look,
    Standing,
    Target,
    Wish,
    ask,
    due,
    finish,
    remove,
    repair,
    target_seen,
    under_way,
)
from portal.drift.reports import Bought, Group, Report, Result, report, report_of, reports, vouchers_of
from portal.drift.sights import findings, heard

__all__ = [
    "FOREIGN",
    "INCOMPLETE",
    "Bought",
    "Finding",
    "Group",
    "Kind",
    "Look",
    "Online",
    "Price",
    "Report",
    "Result",
    "Sight",
    "Sold",
    "Standing",
    "Target",
    "UserSeen",
    "Wish",
    "ask",
    "compare",
    "cost_of",
    "doubt",
    "due",
    "findings",
    "finish",
    "heard",
    "prices_at",
    "remove",
    "repair",
    "report",
    "report_of",
    "reports",
    "sold_on",
    "target_seen",
    "under_way",
    "vouch",
    "vouchers_of",
]
