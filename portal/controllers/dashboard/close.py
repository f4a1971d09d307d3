"""Daily closes: the list, one to print, and closing a day again with what is known now."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal.clock import Clock
from portal.controllers.dashboard.close_words import CAUSE_WORDS, SOURCE_WORDS
from portal.controllers.dashboard.frame import frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.identity import Actor
from portal.reconciliation import access, closes, views
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
PAGE = 31
_WORDS: dict[str, Any] = {"cause_words": CAUSE_WORDS, "source_words": SOURCE_WORDS}


@get("/closes")
async def closes_page(request: AnyRequest, actor: Actor, clock: Clock, before: Before = None) -> Response[str]:
    """Every day that was closed, the newest first."""
    listed = await views.closes(actor, before=before, most=PAGE)
    frame = await frame_of(request, actor, here="sales")
    older = listed[-1].id if len(listed) == PAGE else None
    return money_page(
        request, frame, "dashboard/closes.html", tab="closes", closes=listed, before=before, older=older, now=clock.now(),
        **_WORDS,
    )  # fmt: skip


@get("/closes/{close_id:int}")
async def close_page(request: AnyRequest, actor: Actor, clock: Clock, close_id: RowId) -> Response[str]:
    """One day: both sides, and why they differ."""
    shown = await views.close(actor, close_id)
    frame = await frame_of(request, actor, here="sales")
    return money_page(
        request, frame, "dashboard/close.html", tab="closes", close=shown, now=clock.now(),
        may_decide=access.may_decide(actor), **_WORDS,
    )  # fmt: skip


@post("/closes/{close_id:int}/again")
async def close_again(request: AnyRequest, actor: Actor, clock: Clock, close_id: RowId) -> Response[bytes]:
    """Close the same day once more; the row before stays as it is."""
    shown = await views.close(actor, close_id)
    access.decider(actor)
    day = await closes.day_of(shown.account_id, shown.day)
    if day.merchant_id == access.scope(actor):
        made = await closes.close(day, by=access.named(actor), now=clock.now())
        return see_other(request, f"/closes/{made[0]}")
    return see_other(request, f"/closes/{close_id}")


ROUTES = [closes_page, close_page, close_again]
