"""The operator's first page: every merchant, its day so far, and how its routers are."""

from typing import Any

from litestar import Request, Response, get

from portal import guards, reports
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.identity import Actor


@get("/operator", guards=[guards.operator_only])
async def merchants_list(request: Request[Any, Any, Any], actor: Actor, clock: Clock) -> Response[str]:
    """All merchants, the busiest first."""
    frame = await frame_of(request, actor, here="operator")
    now = clock.now()
    return page(request, frame, "dashboard/operator.html", merchants=await reports.merchants_today(now=now), now=now)


ROUTES = [merchants_list]
