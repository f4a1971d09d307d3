"""The operator's first page: what is broken, every merchant, its day so far, and how its routers are."""

from typing import Any

from litestar import Request, Response, get

from portal import alerts, guards, invariants, reports
from portal.clock import Clock
from portal.controllers.dashboard.alert_words import grouped
from portal.controllers.dashboard.frame import frame_of, page
from portal.identity import Actor


@get("/operator", guards=[guards.operator_only])
async def merchants_list(request: Request[Any, Any, Any], actor: Actor, clock: Clock) -> Response[str]:
    """All merchants, the busiest first."""
    frame = await frame_of(request, actor, here="operator")
    now = clock.now()
    merchants, broken = await reports.merchants_today(now=now), await invariants.broken_now()
    return page(
        request, frame, "dashboard/operator.html", merchants=merchants, broken=broken, now=now,
        alert_groups=grouped(await alerts.open_of(actor)),
    )  # fmt: skip


ROUTES = [merchants_list]
