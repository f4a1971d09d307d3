"""Cashiers' drawers: open with change, sell for cash, hand in and see what is missing."""

from typing import Any

from litestar import Request, Response, get, post

from portal import batches, codes, floats, guards, packages
from portal.clock import Clock
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import Invalid
from portal.identity import Actor
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
_LARGEST_ID = 2**63 - 1


@get("/drawers", guards=[guards.at_merchant])
async def drawers_page(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """One's own drawer, and those one may see."""
    return await _page(request, actor, clock)


@post("/drawers", guards=[guards.at_merchant])
async def open_drawer(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Open one's own."""
    form = await request.form()
    try:
        await floats.open_drawer(actor, str(form.get("float", "")), now=clock.now())
    except Invalid as error:
        return await _page(request, actor, clock, wrong=error.fields)
    return see_other(request, "/drawers")


@post("/drawers/sell", guards=[guards.at_merchant])
async def sell(request: AnyRequest, actor: Actor, *, clock: Clock, vault: Vault) -> Response[Any]:
    """Sell a voucher for cash and show its code, this once."""
    form = await request.form()
    wanted, form_key = str(form.get("package", "")), str(form.get("form_key", ""))
    package_id = int(wanted) if wanted.isascii() and wanted.isdecimal() and int(wanted) <= _LARGEST_ID else 0
    sold = await floats.sell(actor, package_id, form_key=form_key, vault=vault, now=clock.now())
    code = await batches.reveal_code(actor, sold.voucher_id, vault=vault, now=clock.now())
    return await _page(request, actor, clock, code=codes.print_code(code))


@post("/drawers/{drawer_id:int}/hand-in", guards=[guards.at_merchant])
async def hand_in(request: AnyRequest, actor: Actor, drawer_id: int, clock: Clock) -> Response[Any]:
    """Count and close one."""
    form = await request.form()
    counted, word = str(form.get("counted", "")), str(form.get("note", ""))
    try:
        await floats.hand_in(actor, min(drawer_id, _LARGEST_ID), counted, note_text=word, now=clock.now())
    except Invalid as error:
        return await _page(request, actor, clock, wrong=error.fields, counted=counted)
    return see_other(request, "/drawers")


async def _page(
    request: AnyRequest,
    actor: Actor,
    clock: Clock,
    *,
    wrong: dict[str, str] | None = None,
    code: str = "",
    counted: str = "",
) -> Response[str]:
    frame = await frame_of(request, actor, here="sales")
    answer = page(
        request, frame, "dashboard/drawers.html", wrong=wrong or {}, code=code, counted=counted,
        mine=await floats.mine(actor), drawers=await floats.latest(actor), may_sell=floats.may_sell(actor),
        packages=await packages.on_sale(actor.at_merchant(), now=clock.now()), form_key=codes.hex_token(16), now=clock.now(),
    )  # fmt: skip
    answer.status_code = 422 if wrong else 200
    return answer


ROUTES = [drawers_page, open_drawer, sell, hand_in]
