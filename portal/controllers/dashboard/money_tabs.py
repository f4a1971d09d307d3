"""The pages about money and what leads from one to the other. A new one is a line here."""

from litestar import Response

from portal.controllers.dashboard.frame import AnyRequest, Frame, page
from portal.msgid import N_

#: Key, address, name.
TABS = (
    ("sales", "/sales", N_("Sales")),
    ("suspense", "/suspense", N_("To decide")),
    ("references", "/references", N_("References")),
)


def money_page(
    request: AnyRequest, frame: Frame, template: str, *, tab: str, status: int = 200, **context: object
) -> Response[str]:
    """A page about money, with the others beside it."""
    tabs = TABS if frame.merchant else TABS[1:2]
    answer = page(request, frame, template, tab=tab, tabs=tabs, **context)
    answer.status_code = status
    return answer
