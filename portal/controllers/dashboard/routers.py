"""The list of the merchant's routers. Adding and changing one has no page yet."""

from typing import Any

from litestar import Request, Response, get

from portal import guards, reports
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.words import ROUTER_WORDS
from portal.identity import Actor


@get("/routers", guards=[guards.at_merchant])
async def routers_list(request: Request[Any, Any, Any], actor: Actor, clock: Clock) -> Response[str]:
    """All routers, the ones in trouble first."""
    frame = await frame_of(request, actor, here="routers")
    context = {"routers": await reports.routers(actor), "router_words": ROUTER_WORDS, "now": clock.now()}
    return page(request, frame, "dashboard/routers.html", **context)


ROUTES = [routers_list]
