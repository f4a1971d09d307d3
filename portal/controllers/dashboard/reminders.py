"""Which reminders customers get: a page of boxes to tick. For owners and managers only."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards, reminders
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import Forbidden, Invalid
from portal.identity import Actor
from portal.msgid import N_
from portal.routers.rights import may_change
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
Saved = Annotated[bool, Parameter(query="saved")]
#: Name of the box → what it sends, and when.
BOXES = {
    "hour_before": (N_("One hour before the time ends"), N_("For packages of two hours and longer.")),
    "minutes_before": (N_("Ten minutes before the time ends"), N_("For packages of 20 minutes and longer.")),
    "when_over": (N_("When the time is over"), N_("Not to those who have bought again.")),
    "win_back": (
        N_("After 90 days without a purchase"),
        N_("On the first of the month, only to customers who ticked “Tell me of offers” when they paid."),
    ),
}


@get("/settings/reminders", guards=[guards.at_merchant])
async def reminders_page(request: AnyRequest, actor: Actor, saved: Saved = False) -> Response[str]:
    """The boxes as they are."""
    chosen = await reminders.choices(actor)
    typed = {name: "yes" for name in BOXES if getattr(chosen, name)}
    least = str(chosen.least_price_cents // 100) if chosen.least_price_cents else ""
    return await _page(request, actor, typed=typed | {"least_price": least}, is_saved=saved)


@post("/settings/reminders", guards=[guards.at_merchant])
async def save(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep them; 422 with the form when something is wrong."""
    typed = {name: value[:40] for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        await reminders.choose(actor, typed, now=clock.now())
    except Invalid as error:
        return await _page(request, actor, typed=typed, error=error)
    return see_other(request, "/settings/reminders?saved=true")


async def _page(
    request: AnyRequest, actor: Actor, *, typed: dict[str, str], error: Invalid | None = None, is_saved: bool = False
) -> Response[str]:
    if not may_change(actor):
        raise Forbidden(reminders.ONLY_MANAGERS)
    frame = await frame_of(request, actor, here="settings")
    answer = page(
        request, frame, "dashboard/reminders.html", typed=typed, wrong=error.fields if error else {}, is_saved=is_saved,
        boxes=BOXES,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


ROUTES = [reminders_page, save]
