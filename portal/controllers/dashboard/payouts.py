"""Payouts: what is owed and the list, one of them, asking for one, the number, the plan, and a month's statement."""

from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import codes, guards, payouts
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.controllers.dashboard.payout_words import HELD_WORDS, LINE_WORDS, PAYOUT_WORDS, SCHEDULE_WORDS, WEEKDAYS
from portal.controllers.dashboard.refund_words import STEP_WORDS
from portal.errors import Conflict, Invalid, NotFound, PortalError
from portal.identity import Actor
from portal.money import AmountError, parse_amount
from portal.payouts import Plan
from portal.payouts.paying import AMOUNT
from portal.payouts.plans import SHILLINGS
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
Month = Annotated[str, Parameter(query="month", max_length=7)]
_WORDS: dict[str, Any] = {
    "payout_words": PAYOUT_WORDS, "held_words": HELD_WORDS, "schedule_words": SCHEDULE_WORDS, "weekdays": WEEKDAYS,
    "line_words": LINE_WORDS, "step_words": STEP_WORDS,
}  # fmt: skip
_FIELDS = ("amount", "form_key", "phone", "password", "schedule", "weekday", "minimum", "threshold")


@get("/payouts", guards=[guards.at_merchant])
async def payouts_page(request: AnyRequest, actor: Actor, clock: Clock, before: Before = None) -> Response[str]:
    """What is owed, and what was paid out."""
    return await _page(request, actor, clock, before=before)


async def _page(
    request: AnyRequest, actor: Actor, clock: Clock, *, before: int | None = None,
    typed: dict[str, str] | None = None, error: PortalError | None = None,
) -> Response[str]:  # fmt: skip
    standing = await payouts.overview(actor)
    listed = await payouts.latest(actor, before=before)
    frame = await frame_of(request, actor, here="payouts")
    wrong = error.fields if isinstance(error, Invalid) else {}
    answer = money_page(
        request, frame, "dashboard/payouts.html", tab="payouts",
        standing=standing, payouts=listed, before=before, wrong=wrong,
        older=listed[-1].id if len(listed) == payouts.PAGE_SIZE else None, now=clock.now(),
        told=frame.language.say(error.message, error.params) if error and not wrong else "",
        typed=_plan_typed(standing.plan) | (typed or {}), form_key=codes.hex_token(16), **_WORDS,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


def _plan_typed(plan: Plan) -> dict[str, str]:
    return {
        "schedule": plan.schedule, "weekday": str(plan.weekday), "minimum": str(plan.minimum_cents // 100),
        "threshold": str(plan.threshold_cents // 100),
    }  # fmt: skip


async def _typed(request: AnyRequest) -> dict[str, str]:
    sent = await request.form()
    return {name: str(sent.get(name, ""))[:200] for name in _FIELDS if name in sent}


@post("/payouts", guards=[guards.at_merchant])
async def ask(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Pay out now; 422 with the page when there is not so much."""
    typed = await _typed(request)
    try:
        cents = _cents(typed.get("amount", ""), "amount", AMOUNT) if typed.get("amount", "").strip() else None
        made = await payouts.ask(actor, amount_cents=cents, form_key=typed.get("form_key", ""), now=clock.now())
    except Invalid as error:
        return await _page(request, actor, clock, typed=typed, error=error)
    return see_other(request, f"/payouts/{made[0]}")


def _cents(text: str, field: str, sentence: str) -> int:
    try:
        return parse_amount(text)
    except AmountError as error:
        raise Invalid({field: sentence}) from error


@post("/payouts/number", guards=[guards.at_merchant, guards.fresh], opt={"page": "/payouts"})
async def set_number(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Pay to another number from now on."""
    typed = await _typed(request)
    try:
        await payouts.set_number(actor, typed.get("phone", ""), password=typed.get("password", ""), now=clock.now())
    except Invalid as error:
        return await _page(request, actor, clock, typed=typed, error=error)
    return see_other(request, "/payouts")


@post("/payouts/number/keep", guards=[guards.at_merchant])
async def keep_number(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Take the new number back."""
    try:
        await payouts.keep_old_number(actor, now=clock.now())
    except Conflict as error:
        return await _page(request, actor, clock, error=error)
    return see_other(request, "/payouts")


@post("/payouts/plan", guards=[guards.at_merchant, guards.fresh], opt={"page": "/payouts"})
async def set_plan(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """When to pay out."""
    typed = await _typed(request)
    try:
        weekday = typed.get("weekday", "")
        plan = Plan(
            schedule=typed.get("schedule", ""), weekday=int(weekday) if weekday in {str(day) for day in WEEKDAYS} else 0,
            minimum_cents=_cents(typed.get("minimum", ""), "minimum", SHILLINGS),
            threshold_cents=_cents(typed.get("threshold", ""), "threshold", SHILLINGS),
        )  # fmt: skip
        await payouts.set_plan(actor, plan, now=clock.now())
    except Invalid as error:
        return await _page(request, actor, clock, typed=typed, error=error)
    return see_other(request, "/payouts")


@get("/payouts/statement", guards=[guards.at_merchant])
async def statement(request: AnyRequest, actor: Actor, clock: Clock, month: Month = "") -> Response[str]:
    """A month's statement, to read and to print."""
    months = await payouts.months_of(actor, now=clock.now())
    try:
        shown = await payouts.statement(actor, month or f"{months[0]:%Y-%m}")
    except Invalid as error:
        raise NotFound from error
    frame = await frame_of(request, actor, here="payouts")
    return money_page(
        request, frame, "dashboard/statement.html", tab="payouts", statement=shown, months=months, month_name=_month_name,
        now=clock.now(), **_WORDS,
    )  # fmt: skip


def _month_name(month: date) -> str:
    """ "11/2026": the same in every language."""
    return f"{month:%m/%Y}"


@get("/payouts/{payout_id:int}", guards=[guards.at_merchant])
async def payout_page(request: AnyRequest, actor: Actor, clock: Clock, payout_id: RowId) -> Response[str]:
    """One of them."""
    return await _one(request, actor, clock, payout_id)


async def _one(
    request: AnyRequest, actor: Actor, clock: Clock, payout_id: int, *, error: PortalError | None = None
) -> Response[str]:
    payout = await payouts.page_of(actor, payout_id)
    frame = await frame_of(request, actor, here="payouts")
    told = frame.language.say(error.message, error.params) if error else ""
    answer = money_page(
        request, frame, "dashboard/payout.html", tab="payouts", payout=payout, told=told, now=clock.now(), **_WORDS
    )
    answer.status_code = error.status_code if error else 200
    return answer


@post("/payouts/{payout_id:int}/retry", guards=[guards.at_merchant])
async def retry(request: AnyRequest, actor: Actor, clock: Clock, payout_id: RowId) -> Response[Any]:
    """Send a failed one again."""
    try:
        await payouts.retry(actor, payout_id, now=clock.now())
    except Conflict as error:
        return await _one(request, actor, clock, payout_id, error=error)
    return see_other(request, f"/payouts/{payout_id}")


@post("/payouts/{payout_id:int}/drop", guards=[guards.at_merchant])
async def drop(request: AnyRequest, actor: Actor, clock: Clock, payout_id: RowId) -> Response[Any]:
    """Do not send it: it is owed again."""
    try:
        await payouts.drop(actor, payout_id, now=clock.now())
    except Conflict as error:
        return await _one(request, actor, clock, payout_id, error=error)
    return see_other(request, f"/payouts/{payout_id}")


ROUTES = [
    payouts_page, ask, set_number, keep_number, set_plan, statement, payout_page, retry, drop,
]  # fmt: skip
