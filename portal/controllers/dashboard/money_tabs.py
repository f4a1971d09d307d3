"""The pages about money and what leads from one to the other. A new one is a line here."""

from litestar import Response

from portal.controllers.dashboard.frame import AnyRequest, Frame, page
from portal.identity import Role
from portal.msgid import N_

#: Key, address, name.
TABS = (
    ("sales", "/sales", N_("Sales")),
    ("suspense", "/suspense", N_("To decide")),
    ("references", "/references", N_("References")),
    ("promos", "/promos", N_("Promo codes")),
    ("refunds", "/refunds", N_("Refunds")),
    ("invoices", "/invoices", N_("Receipts and invoices")),
    ("payouts", "/payouts", N_("Payouts")),
    ("reports", "/reports", N_("Reports")),
    ("closes", "/closes", N_("Daily close")),
    ("lists", "/lists", N_("M‑PESA lists")),
)
#: What an operator who looks at no merchant sees; what only those who decide about money see.
_OPERATORS, _DECIDERS = ("suspense", "refunds", "closes", "lists"), ("payouts",)


def money_page(
    request: AnyRequest, frame: Frame, template: str, *, tab: str, status: int = 200, **context: object
) -> Response[str]:
    """A page about money, with the others beside it."""
    tabs = TABS if frame.merchant else tuple(each for each in TABS if each[0] in _OPERATORS)
    if frame.actor.role not in (Role.OWNER, Role.MANAGER):
        tabs = tuple(each for each in tabs if each[0] not in _DECIDERS)
    answer = page(request, frame, template, tab=tab, tabs=tabs, **context)
    answer.status_code = status
    return answer
