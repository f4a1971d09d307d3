"""The operator's pages about the platform as a whole: how it is, and who is owed what."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Dependency, Parameter

from portal import alerts, guards
from portal.clock import Clock
from portal.config import Settings
from portal.controllers.dashboard.alert_words import grouped
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.operator_words import ROUTER_STATES, SCHEDULES
from portal.identity import Actor
from portal.platform import health

AnyRequest = Request[Any, Any, Any]
After = Annotated[int | None, Parameter(query="after", ge=1, le=2**63 - 1)]
TheSettings = Annotated[Settings, Dependency(skip_validation=True)]
_PAGE_SIZE = 50


@get("/operator/health", guards=[guards.operator_only])
async def health_page(request: AnyRequest, actor: Actor, clock: Clock, settings: TheSettings) -> Response[str]:
    """How the platform is."""
    frame, now = await frame_of(request, actor, here="operator"), clock.now()
    found = await health.look(actor, settings=settings, now=now)
    opened = grouped(await alerts.open_of(actor))
    return page(
        request, frame, "operator/health.html", health=found, alert_groups=opened, router_words=ROUTER_STATES, now=now
    )


@get("/operator/payouts", guards=[guards.operator_only])
async def owed_page(request: AnyRequest, actor: Actor, clock: Clock, after: After = None) -> Response[str]:
    """Who is owed what, what is on its way, and what is stuck."""
    frame, listed = await frame_of(request, actor, here="operator"), await health.owed(actor, after=after)
    more = listed[-1].id if len(listed) == _PAGE_SIZE else None
    return page(
        request,
        frame,
        "operator/payouts.html",
        lines=listed,
        more=more,
        after=after,
        schedules=SCHEDULES,
        now=clock.now(),
    )


ROUTES = [health_page, owed_page]
