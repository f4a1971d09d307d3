"""Announcements: the operator's page, and putting one away."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.operator_words import KINDS
from portal.errors import Invalid
from portal.identity import Actor
from portal.platform import announcements
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
_FIELDS = ("text_en", "text_sw", "kind", "from_at", "until_at")


@get("/operator/announcements", guards=[guards.operator_only])
async def announcements_page(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """What was told, and the form."""
    return await _page(request, actor, clock, typed={})


async def _page(
    request: AnyRequest, actor: Actor, clock: Clock, *, typed: dict[str, str], error: Invalid | None = None
) -> Response[str]:
    frame, listed = await frame_of(request, actor, here="operator"), await announcements.listed(actor)
    answer = page(
        request, frame, "operator/announcements.html", told=listed, typed=typed, kinds=KINDS, now=clock.now(),
        wrong=error.fields if error else {},
    )  # fmt: skip
    answer.status_code = 422 if error else 200
    return answer


@post("/operator/announcements", guards=[guards.operator_only])
async def write(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Tell something."""
    sent = await request.form()
    typed = {name: str(sent.get(name, ""))[:600] for name in _FIELDS if name in sent}
    frame = await frame_of(request, actor, here="operator")
    try:
        await announcements.write(actor, typed, zone=frame.zone, now=clock.now())
    except Invalid as error:
        return await _page(request, actor, clock, typed=typed, error=error)
    return see_other(request, "/operator/announcements")


@post("/operator/announcements/{announcement_id:int}/end", guards=[guards.operator_only])
async def end(request: AnyRequest, actor: Actor, clock: Clock, announcement_id: RowId) -> Response[Any]:
    """Show it no longer."""
    await announcements.end(actor, announcement_id, now=clock.now())
    return see_other(request, "/operator/announcements")


@post("/announcements/{announcement_id:int}/read", guards=[guards.at_merchant])
async def put_away(request: AnyRequest, actor: Actor, clock: Clock, announcement_id: RowId) -> Response[Any]:
    """Put it away for oneself."""
    await announcements.put_away(actor, announcement_id, now=clock.now())
    return see_other(request, "/")


ROUTES = [announcements_page, write, end, put_away]
