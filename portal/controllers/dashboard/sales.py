"""The list of all sales, newest first, page by page."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import Parameter

from portal import guards, sales
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.words import SALE_WORDS
from portal.identity import Actor

Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]


@get("/sales", guards=[guards.at_merchant])
async def sales_list(
    request: Request[Any, Any, Any], actor: Actor, clock: Clock, before: Before = None
) -> Response[str]:
    """One page of sales, those below the id `before`."""
    frame = await frame_of(request, actor, here="sales")
    now = clock.now()
    found = await sales.latest(actor, now=now, before=before)
    context = {"sales": found.sales, "older": found.older, "before": before, "sale_words": SALE_WORDS, "now": now}
    return page(request, frame, "dashboard/sales.html", **context)


ROUTES = [sales_list]
