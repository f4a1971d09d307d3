"""The sell screen: a package, perhaps a number, cash or M-Pesa; then the code, and on to the next customer."""

from typing import Annotated, Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.params import Parameter

from portal import batches, codes, floats, guards, packages, selling, voucher_deeds, voucher_sales
from portal.agents import counter
from portal.captive import words
from portal.clock import Clock
from portal.controllers.dashboard.frame import Frame, frame_of, page, part
from portal.controllers.dashboard.sell_words import ASKED_SAYS, MESSAGE, REFUSED_SAYS
from portal.controllers.dashboard.voucher_frame import typed_in
from portal.errors import Conflict, Forbidden, Invalid, NotFound, PortalError, TooMany, Unavailable
from portal.identity import Actor
from portal.reports import day_start
from portal.selling import Sale
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
RowId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]
Again = Annotated[bool, Parameter(query="again")]
FOR_AGENTS = {"for_agents": True}


@get("/sell", guards=[guards.at_merchant], opt=FOR_AGENTS)
async def sell_page(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """Packages to tap, or an agent's own stock."""
    return await _screen(request, actor, clock)


@post("/sell", guards=[guards.at_merchant], opt=FOR_AGENTS)
async def sell(request: AnyRequest, actor: Actor, *, clock: Clock, vault: Vault) -> Response[Any]:
    """Sell for cash, or ask the customer's phone."""
    form = await typed_in(request)
    chosen, phone, key = (form.get(name, "") for name in ("package", "phone", "form_key"))
    try:
        if form.get("how") == "mpesa":
            voucher_id, is_again = (
                await selling.ask(actor, chosen, phone=phone, form_key=key, vault=vault, now=clock.now()),
                False,
            )
        else:
            voucher_id, is_again = await selling.for_cash(
                actor, chosen, phone=phone, form_key=key, vault=vault, now=clock.now()
            )
    except (Invalid, Conflict, NotFound, TooMany, Unavailable) as error:
        return await _screen(request, actor, clock, error=error, typed=form)
    return see_other(request, f"/sell/{voucher_id}{'?again=true' if is_again else ''}")


@post("/sell/drawer", guards=[guards.at_merchant])
async def open_drawer(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Open one's drawer without leaving."""
    form = await typed_in(request)
    try:
        await floats.open_drawer(actor, form.get("float", ""), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _screen(request, actor, clock, error=error, typed=form)
    return see_other(request, "/sell")


@get("/sell/{voucher_id:int}", guards=[guards.at_merchant], opt=FOR_AGENTS)
async def sale_page(
    request: AnyRequest, actor: Actor, *, clock: Clock, vault: Vault, voucher_id: RowId, again: Again = False
) -> Response[str]:
    """How it stands; to its seller the code, for a while after the sale."""
    sale = await selling.standing(actor, voucher_id, now=clock.now())
    return await _sale(
        request, actor, sale, clock=clock, vault=vault, shows=sale.is_sold and sale.is_fresh, again=again
    )


@get("/sell/{voucher_id:int}/state", guards=[guards.at_merchant], opt=FOR_AGENTS)
async def sale_state(request: AnyRequest, actor: Actor, clock: Clock, voucher_id: RowId) -> Response[str]:
    """The part that waits for the phone; when the answer is there, the page is loaded anew."""
    sale = await selling.standing(actor, voucher_id, now=clock.now())
    frame = await frame_of(request, actor, here="sell")
    answer = part(
        request, frame, "dashboard/_sell_state.html", sale=sale, asked_says=ASKED_SAYS, refused_says=REFUSED_SAYS
    )
    if not sale.is_open:
        answer.headers["hx-refresh"] = "true"
    return answer


@post("/sell/{voucher_id:int}/{what:str}", guards=[guards.at_merchant], opt=FOR_AGENTS, status_code=200)
async def act(
    request: AnyRequest, actor: Actor, voucher_id: RowId, what: str, *, clock: Clock, vault: Vault
) -> Response[Any]:
    """Ask again, take cash instead, send the code, show it."""
    form, now = await typed_in(request), clock.now()
    sale = await selling.standing(actor, voucher_id, now=now)
    try:
        await _deed(actor, sale, what, form, vault=vault, clock=clock)
    except (Invalid, Conflict, TooMany, Unavailable) as error:
        return await _sale(request, actor, sale, clock=clock, vault=vault, error=error, typed=form)
    if what in ("show", "send"):
        sale = await selling.standing(actor, voucher_id, now=now)
        return await _sale(request, actor, sale, clock=clock, vault=vault, shows=True, sent=what == "send")
    return see_other(request, f"/sell/{voucher_id}")


async def _deed(actor: Actor, sale: Sale, what: str, form: dict[str, str], *, vault: Vault, clock: Clock) -> None:
    key, now = form.get("form_key", ""), clock.now()
    if what == "ask":
        await selling.ask_again(actor, sale.voucher_id, form_key=key, now=now)
    elif what == "cash":
        await voucher_sales.sell_for_cash(actor, sale.voucher_id, form_key=key, vault=vault, now=now)
    elif what == "send":
        await voucher_deeds.send_code(actor, sale.voucher_id, phone=form.get("phone", ""), form_key=key, now=now)
    elif what != "show":
        raise NotFound


async def _screen(
    request: AnyRequest, actor: Actor, clock: Clock, *, error: PortalError | None = None, typed: dict[str, str] | None = None
) -> Response[str]:  # fmt: skip
    if not floats.may_sell(actor):
        raise Forbidden(floats.NOT_SELLING)
    frame, now = await frame_of(request, actor, here="sell"), clock.now()
    tiles = await _tiles(actor, frame, clock)
    wrong = error.fields if isinstance(error, Invalid) else {}
    told = frame.language.say(error.message, error.params) if error is not None and not wrong else ""
    answer = page(
        request, frame, "dashboard/sell.html", tiles=tiles, wrong=wrong, told=told, typed=typed or {},
        form_key=codes.hex_token(16), is_agent=actor.agent_id is not None, now=now,
        drawer=await floats.mine(actor) if actor.agent_id is None else None,
        today=await selling.today(actor, since=day_start(now.astimezone(frame.zone).date(), frame.zone)),
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


async def _tiles(actor: Actor, frame: Frame, clock: Clock) -> list[dict[str, Any]]:
    """Value, name, line, price and, for agents, how many are left."""
    if actor.agent_id is not None:
        return [
            {
                "value": str(each.package_id), "name": words.package_name(each.terms, frame.language),
                "line": words.package_line(each.terms, frame.language), "cents": each.price_cents, "left": each.left,
            }
            for each in await counter.stock_of(actor)
        ]  # fmt: skip
    return [
        {
            "value": f"{each.id}.{each.mark}", "name": words.package_name(each.terms, frame.language),
            "line": words.package_line(each.terms, frame.language), "cents": each.price_cents, "left": None,
        }
        for each in await packages.on_sale(actor.at_merchant(), now=clock.now())
    ]  # fmt: skip


async def _sale(
    request: AnyRequest, actor: Actor, sale: Sale, *, clock: Clock, vault: Vault, shows: bool = False, again: bool = False,
    sent: bool = False, error: PortalError | None = None, typed: dict[str, str] | None = None,
) -> Response[str]:  # fmt: skip
    frame = await frame_of(request, actor, here="sell")
    code = ""
    if shows and sale.is_sold:
        code = codes.print_code(await batches.reveal_code(actor, sale.voucher_id, vault=vault, now=clock.now()))
    wrong = error.fields if isinstance(error, Invalid) else {}
    told = frame.language.say(error.message, error.params) if error is not None and not wrong else ""
    answer = page(
        request, frame, "dashboard/sell_sale.html", sale=sale, code=code, again=again, sent=sent, wrong=wrong, told=told,
        typed=typed or {}, form_key=codes.hex_token(16), now=clock.now(), share=_share(frame, sale, code) if code else "",
        name=words.package_name(sale.terms, frame.language), asked_says=ASKED_SAYS, refused_says=REFUSED_SAYS,
        is_agent=actor.agent_id is not None, drawer=await floats.mine(actor) if actor.agent_id is None else None,
    )  # fmt: skip
    answer.status_code = error.status_code if error else 200
    return answer


def _share(frame: Frame, sale: Sale, code: str) -> str:
    """A WhatsApp link with the message written out; nothing is sent before somebody taps it and sends it there."""
    shop = frame.merchant.name if frame.merchant else ""
    said = frame.language.gettext(MESSAGE) % {
        "shop": shop, "code": code, "package": words.package_name(sale.terms, frame.language)
    }  # fmt: skip
    return f"https://wa.me/{sale.phone or sale.sent_to}?text={quote(said, safe='')}"


ROUTES = [sell_page, sell, open_drawer, sale_page, sale_state, act]
