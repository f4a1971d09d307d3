"""A router's settings as the doctor saw them: the list, and two of them compared."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter

from portal import guards
from portal.clock import Clock
from portal.controllers.dashboard import snapshot_words
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import NotFound
from portal.identity import Actor
from portal.routers import looks, snapshots

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Cursor = Annotated[int | None, Parameter(ge=1, le=2**63 - 1)]
PAGE = 20


@get("/routers/{router_id:int}/settings", guards=[guards.at_merchant])
async def snapshots_page(
    request: AnyRequest, actor: Actor, clock: Clock, router_id: RowId, before: Cursor = None
) -> Response[str]:
    """All that are kept, the newest first, with a form that compares any two."""
    frame = await frame_of(request, actor, here="routers")
    router, listed = (
        await looks.page_of(actor, router_id),
        await snapshots.listed(actor, router_id, before=before, most=PAGE),
    )
    context = {
        "router": router, "snapshots": listed, "older": listed[-1].id if len(listed) == PAGE else None,
        "before": before, "setting_words": snapshot_words, "now": clock.now(),
    }  # fmt: skip
    return page(request, frame, "dashboard/router_settings.html", **context)


@get("/routers/{router_id:int}/settings/compare", guards=[guards.at_merchant])
async def compare_page(
    request: AnyRequest, actor: Actor, clock: Clock, router_id: RowId, *, one: Cursor = None, other: Cursor = None
) -> Response[str]:
    """What came, went and changed between two of them. The same one twice is compared with nothing."""
    frame = await frame_of(request, actor, here="routers")
    router = await looks.page_of(actor, router_id)
    if one is None or other is None:
        raise NotFound
    found = await snapshots.between(actor, router_id, one, other) if one != other else None
    context = {"router": router, "found": found, "setting_words": snapshot_words, "now": clock.now()}
    return page(request, frame, "dashboard/router_compare.html", **context)


ROUTES = [snapshots_page, compare_page]
