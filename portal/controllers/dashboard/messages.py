"""Messages that went out, wait or failed; sending one again; and the wording of each."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import gsm7, guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import Frame, frame_of, page, part
from portal.controllers.dashboard.message_words import CHANNEL_WORDS, STATUS_WORDS, TOLD_WORDS, WHY_WORDS
from portal.errors import Conflict, Invalid, PortalError
from portal.identity import Actor
from portal.messages import listing, wording
from portal.messages.rules import day_start
from portal.routers import rights
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Trouble = Annotated[bool, Parameter(query="trouble")]
_WORDS: dict[str, Any] = {
    "told_words": TOLD_WORDS,
    "status_words": STATUS_WORDS,
    "why_words": WHY_WORDS,
    "channel_words": CHANNEL_WORDS,
}


@get("/messages", guards=[guards.at_merchant])
async def messages_list(
    request: AnyRequest, actor: Actor, clock: Clock, *, before: Before = None, trouble: Trouble = False
) -> Response[str]:
    """All of them, or those that did not go well."""
    return await _list(request, actor, clock, before=before, only_trouble=trouble)


async def _list(
    request: AnyRequest, actor: Actor, clock: Clock, *, before: int | None = None, only_trouble: bool = False,
    error: PortalError | None = None,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="messages")
    listed = await listing.latest(actor, before=before, only_trouble=only_trouble)
    answer = page(
        request, frame, "dashboard/messages.html", messages=listed, before=before, only_trouble=only_trouble,
        older=listed[-1].id if len(listed) == listing.PAGE_SIZE else None, now=clock.now(),
        today=await listing.today(actor, since=day_start(clock.now(), frame.zone)), may_change=rights.may_change(actor),
        told=frame.language.say(error.message, error.params) if error else "", **_WORDS,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


@post("/messages/{message_id:int}/again", guards=[guards.at_merchant])
async def again(request: AnyRequest, actor: Actor, clock: Clock, message_id: RowId) -> Response[Any]:
    """Send one again; the list with the reason when it cannot be."""
    try:
        await listing.again(actor, message_id, now=clock.now())
    except Conflict as error:
        return await _list(request, actor, clock, error=error)
    return see_other(request, "/messages")


@get("/messages/wording", guards=[guards.at_merchant])
async def wordings(request: AnyRequest, actor: Actor) -> Response[str]:
    """What each message says, in every language."""
    rights.changer(actor)
    frame = await frame_of(request, actor, here="messages")
    return page(request, frame, "dashboard/message_wordings.html", wordings=await wording.wordings(actor), **_WORDS)


@get("/messages/wording/{kind:str}/{code:str}", guards=[guards.at_merchant])
async def wording_page(request: AnyRequest, actor: Actor, kind: str, code: str) -> Response[str]:
    """One of them, to change."""
    rights.changer(actor)
    found = await wording.wording(actor, kind, code)
    return await _wording(request, actor, found, typed=found.body)


@post("/messages/wording/{kind:str}/{code:str}", guards=[guards.at_merchant])
async def reword(request: AnyRequest, actor: Actor, clock: Clock, kind: str, code: str) -> Response[Any]:
    """Keep it, go back to ours, or only look how long it is: by the button pressed."""
    form = await request.form()
    typed, deed = str(form.get("body", ""))[:2000], str(form.get("deed", "keep"))
    found = await wording.wording(actor, kind, code)
    if deed == "look":
        rights.changer(actor)
        return await _wording(request, actor, found, typed=typed)
    try:
        await wording.reword(actor, kind, code, typed=None if deed == "reset" else typed, now=clock.now())
    except Invalid as error:
        return await _wording(request, actor, found, typed=typed, error=error)
    return see_other(request, "/messages/wording")


@post("/messages/wording/{kind:str}/{code:str}/length", guards=[guards.at_merchant])
async def length(request: AnyRequest, actor: Actor, kind: str, code: str) -> Response[str]:
    """How long it would be, while it is typed: the part of the page alone."""
    rights.changer(actor)
    found = await wording.wording(actor, kind, code)
    frame = await frame_of(request, actor, here="messages")
    typed = str((await request.form()).get("body", ""))[:2000]
    return part(request, frame, "dashboard/_message_length.html", **await _seen(frame, actor, found, typed))


async def _wording(
    request: AnyRequest, actor: Actor, found: wording.Wording, *, typed: str, error: Invalid | None = None
) -> Response[str]:
    frame = await frame_of(request, actor, here="messages")
    answer = page(
        request, frame, "dashboard/message_wording.html", wording=found, wrong=error.fields if error else {},
        **await _seen(frame, actor, found, typed), **_WORDS,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


async def _seen(frame: Frame, actor: Actor, found: wording.Wording, typed: str) -> dict[str, Any]:
    """What is typed, as it would arrive with examples filled in, and what that costs."""
    folded = gsm7.fold(typed).strip()
    shop = frame.merchant.name if frame.merchant else "Vocha"
    try:
        shown = gsm7.fold(wording.preview(wording.checked(found.kind, folded), shop=shop))
    except Invalid:
        shown = folded
    measured = gsm7.measure(shown)
    price, currency = await listing.price_of_a_part(actor)
    return {
        "typed": typed, "shown": shown, "length": measured, "was_folded": folded != typed.strip(),
        "cost_cents": price * measured.parts if price is not None else None, "currency": currency,
    }  # fmt: skip


ROUTES = [messages_list, again, wordings, wording_page, reword, length]
