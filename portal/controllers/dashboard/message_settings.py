"""How messages go out: quiet hours and caps, where the shop's people are told, gateways with their keys, and who wants none."""

from typing import Any

from litestar import Request, Response, get, post

from portal import guards
from portal.clock import Clock
from portal.config import Settings
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.message_words import CHANNEL_WORDS, GATEWAY_WORDS, WHY_WORDS
from portal.controllers.dashboard.messages import RowId
from portal.errors import Forbidden, Invalid, NotFound
from portal.gateways.plain_http import PlainHttpOptions
from portal.identity import Actor, Role
from portal.messages import Channel, accounts, choices
from portal.phones import written
from portal.routers import rights
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
_WORDS: dict[str, Any] = {
    "channel_words": CHANNEL_WORDS,
    "gateway_words": GATEWAY_WORDS,
    "why_words": WHY_WORDS,
}


async def _form(request: AnyRequest) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


@get("/messages/settings", guards=[guards.at_merchant])
async def settings_page(request: AnyRequest, actor: Actor) -> Response[str]:
    """The choices as they are."""
    rights.changer(actor)
    return await _page(request, actor)


async def _as_chosen(actor: Actor) -> dict[str, str]:
    chosen = await choices.choices(actor)
    return {
        "quiet_from": _time(chosen.quiet_from), "quiet_until": _time(chosen.quiet_until), "daily_cap": str(chosen.daily_cap),
        "number_cap": str(chosen.number_cap), "shop_phone": written(chosen.shop_phone) if chosen.shop_phone else "",
        "shop_email": chosen.shop_email, "shop_chat": chosen.shop_chat,
    }  # fmt: skip


def _time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@post("/messages/settings", guards=[guards.at_merchant])
async def save(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Keep them; 422 with the form when something is wrong."""
    typed = await _form(request)
    try:
        await choices.choose(actor, typed, now=clock.now())
    except Invalid as error:
        return await _page(request, actor, typed=typed, wrong=error.fields)
    return see_other(request, "/messages/settings?said=saved")


@post("/messages/settings/test/{channel:str}", guards=[guards.at_merchant])
async def test(request: AnyRequest, actor: Actor, clock: Clock, channel: str) -> Response[Any]:
    """Send a test message to the shop's own people."""
    if channel not in set(Channel):
        raise NotFound
    try:
        await choices.test(actor, channel, now=clock.now())
    except Invalid as error:
        return await _page(request, actor, wrong=error.fields)
    return see_other(request, "/messages")


@post("/messages/stops", guards=[guards.at_merchant])
async def stop(request: AnyRequest, actor: Actor, clock: Clock) -> Response[Any]:
    """Write no more to a number, but for its own money."""
    typed = await _form(request)
    try:
        await choices.stop_number(actor, typed.get("phone", ""), now=clock.now())
    except Invalid as error:
        return await _page(request, actor, wrong=error.fields, stop_typed=typed)
    return see_other(request, "/messages/settings#stops")


@post("/messages/stops/{stop_id:int}/start", guards=[guards.at_merchant])
async def start(request: AnyRequest, actor: Actor, clock: Clock, stop_id: RowId) -> Response[Any]:
    """It asked for messages again."""
    await choices.start_number(actor, stop_id, now=clock.now())
    return see_other(request, "/messages/settings#stops")


@get("/messages/gateways/{kind:str}", guards=[guards.at_merchant, guards.fresh])
async def gateway_page(request: AnyRequest, actor: Actor, kind: str) -> Response[str]:
    """The form for one kind of gateway."""
    return await _gateway(request, actor, kind, typed=None)


@post(
    "/messages/gateways/{kind:str}",
    guards=[guards.at_merchant, guards.fresh],
    opt={"page": "/messages/gateways/{kind}"},
)
async def enter(request: AnyRequest, actor: Actor, kind: str, *, clock: Clock, vault: Vault) -> Response[Any]:
    """Keep keys; 422 with the form when something is missing."""
    typed = await _form(request)
    try:
        await accounts.enter(actor, kind, typed, vault=vault, now=clock.now())
    except Invalid as error:
        return await _gateway(request, actor, kind, typed=typed, wrong=error.fields)
    return see_other(request, "/messages/settings?said=saved")


@post(
    "/messages/gateways/{channel:str}/remove",
    guards=[guards.at_merchant, guards.fresh],
    opt={"page": "/messages/settings"},
)
async def remove(request: AnyRequest, actor: Actor, channel: str, clock: Clock) -> Response[Any]:
    """Take a gateway of one's own out."""
    await accounts.take_out(actor, channel, now=clock.now())
    return see_other(request, "/messages/settings")


async def _page(
    request: AnyRequest, actor: Actor, *, typed: dict[str, str] | None = None, wrong: dict[str, str] | None = None,
    stop_typed: dict[str, str] | None = None,
) -> Response[str]:  # fmt: skip
    rights.changer(actor)
    frame = await frame_of(request, actor, here="messages")
    settings: Settings = request.app.state["settings"]
    answer = page(
        request, frame, "dashboard/message_settings.html", typed=typed or await _as_chosen(actor), wrong=wrong or {},
        stop_typed=stop_typed or {}, is_saved=request.query_params.get("said") == "saved", in_use=await accounts.in_use(actor.merchant_id),
        kinds=accounts.KINDS, stops=await choices.stopped(actor), is_owner=actor.role is Role.OWNER,
        base_url=settings.base_url, **_WORDS,
    )  # fmt: skip
    answer.status_code = 422 if wrong else 200
    return answer


async def _gateway(
    request: AnyRequest, actor: Actor, kind: str, *, typed: dict[str, str] | None, wrong: dict[str, str] | None = None
) -> Response[str]:
    if kind not in accounts.KINDS:
        raise NotFound
    if actor.role is not Role.OWNER:
        raise Forbidden(accounts.ONLY_OWNER)
    current = (await accounts.in_use(actor.merchant_id)).get(accounts.KINDS[kind])
    if typed is None:
        typed = {"template": PlainHttpOptions(url="").template, "header_value": "Bearer {secret}", "port": "587"}
        if current is not None and current.kind == kind and current.merchant_id is not None:
            typed |= {name: str(value) for name, value in current.options.items()}
            typed |= {"user_name": current.user_name, "sender": current.sender}
    frame = await frame_of(request, actor, here="messages")
    settings: Settings = request.app.state["settings"]
    answer = page(
        request, frame, "dashboard/message_gateway.html", kind=kind, typed=typed, wrong=wrong or {}, current=current,
        base_url=settings.base_url, **_WORDS,
    )  # fmt: skip
    answer.status_code = 422 if wrong else 200
    return answer


ROUTES = [settings_page, save, test, stop, start, gateway_page, enter, remove]
