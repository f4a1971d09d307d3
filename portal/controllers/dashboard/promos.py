"""Promo codes: what there are, a new one, one with what came of it, and changing, stopping and restarting it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import charts, guards, packages, promos
from portal.clock import Clock
from portal.controllers.dashboard.frame import Frame, frame_of
from portal.controllers.dashboard.money_tabs import money_page
from portal.controllers.dashboard.promo_words import PROMO_WORDS
from portal.errors import Forbidden, Invalid
from portal.identity import Actor
from portal.promos import PromoPage
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Parameter(query="before", ge=1, le=2**63 - 1)]
_EMPTY = {"kind": "percent", "most_per_customer": "1"}
_MOST_TYPED, _MOST_PACKAGES = 120, 200


@get("/promos", guards=[guards.at_merchant])
async def promos_list(request: AnyRequest, actor: Actor, clock: Clock, before: Before = None) -> Response[str]:
    """The promos, newest first."""
    frame = await frame_of(request, actor, here="sales")
    lines, older = await promos.latest(actor, now=clock.now(), before=before)
    return money_page(
        request, frame, "dashboard/promos.html", tab="promos", promos=lines, older=older, before=before, now=clock.now(),
        may_change=promos.may_change(actor), words=PROMO_WORDS,
    )  # fmt: skip


@get("/promos/new", guards=[guards.at_merchant])
async def new_promo(request: AnyRequest, actor: Actor) -> Response[str]:
    """The form for a new one."""
    return await _form(request, actor, typed=_EMPTY, chosen=[])


@post("/promos", guards=[guards.at_merchant])
async def make(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str] | Response[bytes]:
    """Make it and go to its page; 422 with the form when something is wrong."""
    typed, chosen = await _typed(request)
    frame = await frame_of(request, actor, here="sales")
    try:
        promo_id = await promos.make(actor, typed, chosen, zone=frame.zone, now=clock.now())
    except Invalid as error:
        return await _form(request, actor, typed=typed, chosen=chosen, error=error)
    return see_other(request, f"/promos/{promo_id}")


@get("/promos/{promo_id:int}", guards=[guards.at_merchant])
async def promo_page(
    request: AnyRequest, actor: Actor, clock: Clock, promo_id: RowId, before: Before = None
) -> Response[str]:
    """What it does, and what came of it."""
    frame, now = await frame_of(request, actor, here="sales"), clock.now()
    promo = await promos.page_of(actor, promo_id, zone=frame.zone, now=now)
    uses, older = await promos.uses_of(actor, promo_id, now=now, before=before)
    return money_page(
        request, frame, "dashboard/promo.html", tab="promos", promo=promo, uses=uses, older=older, before=before, now=now,
        may_change=promos.may_change(actor), words=PROMO_WORDS,
        chart=charts.bars([100 * count for _, count in promo.by_day]), last_day=_last_day(promo, frame),
    )  # fmt: skip


@get("/promos/{promo_id:int}/edit", guards=[guards.at_merchant])
async def edit_promo(request: AnyRequest, actor: Actor, clock: Clock, promo_id: RowId) -> Response[str]:
    """The form, filled in."""
    frame = await frame_of(request, actor, here="sales")
    promo = await promos.page_of(actor, promo_id, zone=frame.zone, now=clock.now())
    chosen = [str(each) for each in promo.package_ids]
    return await _form(request, actor, typed=_as_typed(promo, frame), chosen=chosen, promo=promo)


@post("/promos/{promo_id:int}", guards=[guards.at_merchant])
async def rewrite(request: AnyRequest, actor: Actor, clock: Clock, promo_id: RowId) -> Response[str] | Response[bytes]:
    """Change it from now on."""
    typed, chosen = await _typed(request)
    frame = await frame_of(request, actor, here="sales")
    promo = await promos.page_of(actor, promo_id, zone=frame.zone, now=clock.now())
    try:
        await promos.rewrite(actor, promo_id, typed, chosen, zone=frame.zone, now=clock.now())
    except Invalid as error:
        return await _form(request, actor, typed=typed, chosen=chosen, promo=promo, error=error)
    return see_other(request, f"/promos/{promo_id}")


@post("/promos/{promo_id:int}/stop", guards=[guards.at_merchant])
async def stop(request: AnyRequest, actor: Actor, clock: Clock, promo_id: RowId) -> Response[bytes]:
    """Nobody begins a payment with it any more."""
    await promos.stop(actor, promo_id, now=clock.now())
    return see_other(request, f"/promos/{promo_id}")


@post("/promos/{promo_id:int}/restart", guards=[guards.at_merchant])
async def restart(request: AnyRequest, actor: Actor, clock: Clock, promo_id: RowId) -> Response[bytes]:
    """It may be used again."""
    await promos.restart(actor, promo_id, now=clock.now())
    return see_other(request, f"/promos/{promo_id}")


async def _typed(request: AnyRequest) -> tuple[dict[str, str], list[str]]:
    sent = await request.form()
    typed = {"kind": ""} | {name: value[:_MOST_TYPED] for name, value in sent.items() if isinstance(value, str)}
    return typed, [each for each in sent.getall("packages", []) if isinstance(each, str)][:_MOST_PACKAGES]


def _as_typed(promo: PromoPage, frame: Frame) -> dict[str, str]:
    line = promo.line
    last = _last_day(promo, frame)
    typed = {
        "code": line.code, "note": line.note, "kind": "amount" if line.percent is None else "percent",
        "percent": line.percent, "amount": line.amount_cents and line.amount_cents // 100,
        "from": line.starts_at.astimezone(frame.zone).date(), "until": last, "most_uses": line.most_uses,
        "most_per_customer": promo.most_per_customer,
        "least_price": promo.least_price_cents // 100 or None,
    }  # fmt: skip
    return {name: "" if value is None else str(value) for name, value in typed.items()}


def _last_day(promo: PromoPage, frame: Frame) -> Any:
    """The last whole day it is good on; None: it does not end."""
    ends_at = promo.line.ends_at
    return (ends_at.astimezone(frame.zone) - timedelta(minutes=1)).date() if ends_at else None


async def _form(
    request: AnyRequest, actor: Actor, *, typed: Mapping[str, str], chosen: list[str], promo: PromoPage | None = None,
    error: Invalid | None = None,
) -> Response[str]:  # fmt: skip
    if not promos.may_change(actor):
        raise Forbidden(promos.ONLY_MANAGERS)
    frame = await frame_of(request, actor, here="sales")
    return money_page(
        request, frame, "dashboard/promo_form.html", tab="promos", status=error.status_code if error else 200,
        typed=typed, chosen=chosen, promo=promo, wrong=error.fields if error else {},
        packages=await packages.on_sale(actor.at_merchant()),
    )  # fmt: skip


ROUTES = [promos_list, new_promo, make, promo_page, edit_promo, rewrite, stop, restart]
