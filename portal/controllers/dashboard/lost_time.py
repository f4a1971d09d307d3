"""What the merchant chooses about lost time, ended sessions and early warnings. For owners and managers only."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards, merchant_settings
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.setting_words import CHOICE_WORDS, QUESTIONS
from portal.errors import Invalid
from portal.identity import Actor
from portal.routers import rights
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
Saved = Annotated[bool, Parameter(query="saved")]


@get("/settings/time", guards=[guards.at_merchant])
async def choices_page(request: AnyRequest, actor: Actor, clock: Clock, saved: Saved = False) -> Response[str]:
    """The choices as they are."""
    rights.changer(actor)
    chosen = await merchant_settings.choices(actor)
    typed = msgspec.structs.asdict(chosen)
    return await _page(request, actor, clock, typed=typed, is_saved=saved)


@post("/settings/time", guards=[guards.at_merchant])
async def save(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep them; 422 with the form when something is no choice."""
    rights.changer(actor)
    typed = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        await merchant_settings.choose(actor, typed, now=clock.now())
    except Invalid as error:
        return await _page(request, actor, clock, typed=typed, error=error)
    return see_other(request, "/settings/time?saved=true")


async def _page(
    request: AnyRequest, actor: Actor, clock: Clock, *, typed: dict[str, str], error: Invalid | None = None,
    is_saved: bool = False,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="settings")
    answer = page(
        request, frame, "dashboard/lost_time.html", typed=typed, wrong=error.fields if error else {}, is_saved=is_saved,
        questions=QUESTIONS, choice_words=CHOICE_WORDS, changes=await merchant_settings.latest_changes(actor),
        now=clock.now(),
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


ROUTES = [choices_page, save]
