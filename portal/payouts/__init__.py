"""Payouts: what we owe a merchant, sent to its M-Pesa number by plan or on request, one payment of at most KES 250,000 each. Sending
itself is `portal.transfers`; what is owed is the ledger's."""

from portal.payouts.looks import PAGE_SIZE, Overview, PayoutPage, PayoutRow, latest, overview, page_of
from portal.payouts.numbers import keep_old_number, set_number
from portal.payouts.paying import ask, by_plan, drop, retry, set_out_due
from portal.payouts.plans import Plan, due_by_plan, plan_of, set_plan
from portal.payouts.statements import Statement, months_of, statement

__all__ = [
    "PAGE_SIZE",
    "Overview",
    "PayoutPage",
    "PayoutRow",
    "Plan",
    "Statement",
    "ask",
    "by_plan",
    "drop",
    "due_by_plan",
    "keep_old_number",
    "latest",
    "months_of",
    "overview",
    "page_of",
    "plan_of",
    "retry",
    "set_number",
    "set_out_due",
    "set_plan",
    "statement",
]
