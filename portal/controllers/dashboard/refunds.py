"""Refunds: the list, one of them with its buttons, and the form that asks for one. An operator who looks at no merchant sees the
platform's own."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import guards, refunds
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.controllers.dashboard.rail_words import steps_of
from portal.controllers.dashboard.refund_words import REFUND_WORDS, ROAD_WORDS, SCOPE_WORDS, STEP_WORDS
from portal.errors import Conflict, Invalid, PortalError
from portal.identity import Actor
from portal.money import AmountError, parse_amount
from portal.phones import PhoneError, parse_phone
from portal.refunds import Road, Scope, Wish
from portal.refunds.asking import AMOUNT, HOW, WHAT
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Open = Annotated[bool, Parameter(query="open")]
_WORDS: dict[str, Any] = {
    "refund_words": REFUND_WORDS,
    "road_words": ROAD_WORDS,
    "scope_words": SCOPE_WORDS,
    "step_words": STEP_WORDS,
}
_FIELDS = ("scope", "road", "amount", "phone", "why", "ends_use", "password", "note", "is_back")


@get("/refunds")
async def refunds_list(
    request: AnyRequest, actor: Actor, clock: Clock, *, before: Before = None, only_open: Open = False
) -> Response[str]:
    """All refunds, or those that wait for somebody."""
    listed = await refunds.latest(actor, before=before, only_open=only_open)
    frame = await frame_of(request, actor, here="sales")
    older = listed[-1].id if len(listed) == refunds.PAGE_SIZE else None
    return money_page(
        request, frame, "dashboard/refunds.html", tab="refunds",
        refunds=listed, older=older, before=before, only_open=only_open,
        now=clock.now(), **_WORDS,
    )  # fmt: skip


@get("/refunds/{refund_id:int}")
async def refund_page(request: AnyRequest, actor: Actor, clock: Clock, refund_id: RowId) -> Response[str]:
    """One of them."""
    return await _page(request, actor, clock, refund_id)


async def _page(
    request: AnyRequest, actor: Actor, clock: Clock, refund_id: int, *, error: PortalError | None = None
) -> Response[str]:
    refund = await refunds.page_of(actor, refund_id)
    frame = await frame_of(request, actor, here="sales")
    wrong = error.fields if isinstance(error, Invalid) else {}
    told = frame.language.say(error.message, error.params) if error and not wrong else ""
    answer = money_page(
        request, frame, "dashboard/refund.html", tab="refunds",
        refund=refund, wrong=wrong, told=told, typed={}, now=clock.now(), step_words_of_rail=steps_of(refund.row.rail), **_WORDS,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


async def _typed(request: AnyRequest) -> dict[str, str]:
    sent = await request.form()
    return {name: str(sent.get(name, ""))[:200] for name in _FIELDS}


@post("/refunds/{refund_id:int}/approve")
async def approve(request: AnyRequest, actor: Actor, clock: Clock, refund_id: RowId) -> Response[Any]:
    """Let it go; the page again when the password is missing or it was decided."""
    typed = await _typed(request)
    try:
        await refunds.approve(actor, refund_id, now=clock.now(), password=typed["password"])
    except (Invalid, Conflict) as error:
        return await _page(request, actor, clock, refund_id, error=error)
    return see_other(request, f"/refunds/{refund_id}")


@post("/refunds/{refund_id:int}/drop")
async def drop(request: AnyRequest, actor: Actor, clock: Clock, refund_id: RowId) -> Response[Any]:
    """Give nothing back after all."""
    try:
        await refunds.drop(actor, refund_id, now=clock.now())
    except Conflict as error:
        return await _page(request, actor, clock, refund_id, error=error)
    return see_other(request, f"/refunds/{refund_id}")


@post("/refunds/{refund_id:int}/retry")
async def retry(request: AnyRequest, actor: Actor, clock: Clock, refund_id: RowId) -> Response[Any]:
    """Try again, by the same road or another."""
    typed = await _typed(request)
    try:
        await refunds.retry(actor, refund_id, now=clock.now(), road=typed["road"], phone=_phone(typed["phone"]))
    except (Invalid, Conflict) as error:
        return await _page(request, actor, clock, refund_id, error=error)
    return see_other(request, f"/refunds/{refund_id}")


def _phone(text: str) -> str:
    try:
        return parse_phone(text) if text.strip() else ""
    except PhoneError as error:
        raise Invalid({"phone": str(error)}) from error


@post("/refunds/{refund_id:int}/given")
async def given(request: AnyRequest, actor: Actor, clock: Clock, refund_id: RowId) -> Response[Any]:
    """The cash was given."""
    typed = await _typed(request)
    try:
        await refunds.given(actor, refund_id, note_text=typed["note"], now=clock.now())
    except (Invalid, Conflict) as error:
        return await _page(request, actor, clock, refund_id, error=error)
    return see_other(request, f"/refunds/{refund_id}")


@post("/refunds/{refund_id:int}/seen")
async def seen(request: AnyRequest, actor: Actor, clock: Clock, refund_id: RowId) -> Response[Any]:
    """Somebody looked at the payment service's portal: the money is back, or it is not."""
    typed = await _typed(request)
    try:
        is_back = {"yes": True, "no": False}.get(typed["is_back"])
        await refunds.seen(actor, refund_id, is_back=is_back, note_text=typed["note"], now=clock.now())
    except (Invalid, Conflict) as error:
        return await _page(request, actor, clock, refund_id, error=error)
    return see_other(request, f"/refunds/{refund_id}")


@get("/payments/{payment_id:int}/refund", guards=[guards.at_merchant])
async def form(request: AnyRequest, actor: Actor, payment_id: RowId) -> Response[str]:
    """What can be given back of a payment, and how."""
    return await _form(request, actor, payment_id, typed={})


@post("/payments/{payment_id:int}/refund", guards=[guards.at_merchant])
async def ask(request: AnyRequest, actor: Actor, clock: Clock, payment_id: RowId) -> Response[Any]:
    """Ask for it; 422 with the form when something is missing."""
    typed = await _typed(request)
    try:
        refund_id = await refunds.request(actor, payment_id, _wish(typed), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _form(request, actor, payment_id, typed=typed, error=error)
    return see_other(request, f"/refunds/{refund_id}")


async def _form(
    request: AnyRequest, actor: Actor, payment_id: int, *, typed: dict[str, str], error: PortalError | None = None
) -> Response[str]:
    offer = await refunds.offers(actor, payment_id)
    frame = await frame_of(request, actor, here="sales")
    wrong = error.fields if isinstance(error, Invalid) else {}
    told = frame.language.say(error.message, error.params) if error and not wrong else ""
    answer = money_page(
        request,
        frame,
        "dashboard/refund_new.html",
        tab="refunds",
        offer=offer,
        typed=typed,
        wrong=wrong,
        told=told,
        **_WORDS,
    )
    answer.status_code = error.status_code if error else 200
    return answer


def _wish(typed: dict[str, str]) -> Wish:
    wrong: dict[str, str] = {}
    if typed["scope"] not in set(Scope):
        wrong["scope"] = WHAT
    if typed["road"] not in set(Road):
        wrong["road"] = HOW
    cents = 0
    if typed["scope"] == Scope.PART:
        try:
            cents = parse_amount(typed["amount"])
        except AmountError:
            wrong["amount"] = AMOUNT
    if wrong:
        raise Invalid(wrong)
    return Wish(
        scope=Scope(typed["scope"]), road=Road(typed["road"]), why=typed["why"], amount_cents=cents,
        phone=typed["phone"], ends_use=typed["ends_use"] == "yes",
    )  # fmt: skip


ROUTES = [refunds_list, refund_page, approve, drop, retry, given, seen, form, ask]
