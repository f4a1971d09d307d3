"""The key figures: how the shop and the house around it have done in thirty days, each with what it means."""

from typing import Any

from litestar import Request, Response, get

from portal import guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of
from portal.controllers.dashboard.key_words import told
from portal.controllers.dashboard.money_tabs import money_page
from portal.identity import Actor
from portal.reports import keys

AnyRequest = Request[Any, Any, Any]


@get("/figures", guards=[guards.at_merchant])
async def figures_page(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """All of them."""
    frame = await frame_of(request, actor, here="reports")
    assert frame.merchant is not None
    found = await keys.keys(actor, now=clock.now())
    groups = told(found, frame.language, frame.merchant.currency)
    return money_page(
        request, frame, "dashboard/key_figures.html", tab="reports", groups=groups, found=found, days=keys.WINDOW.days
    )


ROUTES = [figures_page]
