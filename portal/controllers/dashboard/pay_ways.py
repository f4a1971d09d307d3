"""Ways to be paid: which a shop has, entering keys of its own, showing and hiding them. Keys never come back out. An operator who
looks at no merchant sees to the platform's, which shops without their own sell by."""

from typing import Any

from litestar import Request, Response, get, post

from portal import guards
from portal.clock import Clock
from portal.config import Settings
from portal.controllers.dashboard.frame import frame_of, page
from portal.errors import Invalid, NotFound
from portal.identity import Actor
from portal.msgid import N_
from portal.rails import accounts
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
NAMES = {"mpesa": N_("M-Pesa"), "airtel": N_("Airtel Money"), "paystack": N_("Card, by Paystack")}


@get("/ways")
async def ways_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """The ways as they are."""
    return await _page(request, actor)


@post("/ways/{rail:str}", guards=[guards.fresh], opt={"page": "/ways"})
async def enter(request: AnyRequest, actor: Actor, rail: str, *, clock: Clock, vault: Vault) -> Response[Any]:
    """Keep keys; 422 with the form when something is missing."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        await accounts.enter(
            actor, rail, environment=form.get("environment", ""), key_name=form.get("key_name", ""),
            secret=form.get("secret", ""), signing_key=form.get("signing_key", ""), vault=vault, now=clock.now(),
        )  # fmt: skip
    except Invalid as error:
        return await _page(request, actor, rail=rail, typed=form, wrong=error.fields)
    return see_other(request, "/ways")


@post("/ways/{rail:str}/show")
async def show(request: AnyRequest, actor: Actor, rail: str, clock: Clock) -> Response[Any]:
    """Offer a way to customers again."""
    await accounts.offer(actor, rail, now=clock.now(), is_offered=True)
    return see_other(request, "/ways")


@post("/ways/{rail:str}/hide")
async def hide(request: AnyRequest, actor: Actor, rail: str, clock: Clock) -> Response[Any]:
    """Offer it no more."""
    await accounts.offer(actor, rail, now=clock.now(), is_offered=False)
    return see_other(request, "/ways")


@post("/ways/{rail:str}/remove", guards=[guards.fresh], opt={"page": "/ways"})
async def remove(request: AnyRequest, actor: Actor, rail: str, clock: Clock) -> Response[Any]:
    """Take the keys out."""
    await accounts.take_out(actor, rail, now=clock.now())
    return see_other(request, "/ways")


async def _page(
    request: AnyRequest, actor: Actor, *, rail: str = "", typed: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
) -> Response[str]:  # fmt: skip
    if rail and rail not in accounts.RAILS:
        raise NotFound
    merchant_id = accounts.owner(actor)
    settings: Settings = request.app.state["settings"]
    frame = await frame_of(request, actor, here="operator" if merchant_id is None else "account")
    answer = page(
        request, frame, "dashboard/ways.html", names=NAMES, rails=accounts.RAILS, rail=rail, typed=typed or {},
        wrong=wrong or {}, own={one.rail: one for one in await accounts.own(actor)}, base_url=settings.mpesa_callback_base,
        offered=[way.rail for way in await accounts.ways_to_pay(merchant_id)],
        hosts=await accounts.hosts_to_open(merchant_id),
    )  # fmt: skip
    answer.status_code = 422 if wrong else 200
    return answer


ROUTES = [ways_page, enter, show, hide, remove]
