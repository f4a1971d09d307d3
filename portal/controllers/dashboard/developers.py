"""Tokens and webhooks: what a shop's own programs come in with, and what they are told. For owners and managers only.

A token is shown in the answer to the form that made it and never again; a webhook's secret when somebody asks for it."""

from datetime import timedelta
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import Dependency

from portal import api_tokens, codes, guards
from portal.clock import Clock
from portal.config import Settings
from portal.controllers.dashboard.developer_words import LIFE_WORDS, SCOPE_WORDS, STANDING_WORDS, WHY_WORDS
from portal.controllers.dashboard.frame import frame_of, page
from portal.controllers.dashboard.messages import RowId
from portal.errors import Conflict, Invalid, NotFound, TooMany
from portal.identity import Actor
from portal.vault import Vault
from portal.web import see_other
from portal.webhooks import endpoints, kinds, looks

AnyRequest = Request[Any, Any, Any]
TheSettings = Annotated[Settings, Dependency(skip_validation=True)]
_TOKENS, _NEW_TOKEN, _WEBHOOKS = "/settings/tokens", "/settings/tokens/new", "/settings/webhooks"
#: Whoever looks at a secret has proved lately who they are, and comes back here.
_PAGE = {"page": _WEBHOOKS + "/{webhook_id}"}
_HERE = "settings"
#: How far back everything may be sent again, in hours; 0: only what never arrived, however long ago.
_SINCE = (1, 24, 168)
_LISTS = ("scopes", "kinds")


async def _form(request: AnyRequest) -> tuple[dict[str, str], dict[str, list[str]]]:
    form = await request.form()
    texts = {name: value[:600] for name, value in form.items() if isinstance(value, str) and name not in _LISTS}
    return texts, {name: [str(one) for one in form.getall(name, [])] for name in _LISTS}


@get(_TOKENS, guards=[guards.at_merchant])
async def tokens_page(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """Which there are."""
    return await _tokens(request, actor, clock)


@get(_NEW_TOKEN, guards=[guards.at_merchant, guards.fresh])
async def token_form(request: AnyRequest, actor: Actor) -> Response[str]:
    """The form for another."""
    return await _token_form(request, actor, typed={"days": "90"}, chosen=[], wrong={})


@post(_TOKENS, guards=[guards.at_merchant, guards.fresh], opt={"page": _NEW_TOKEN})
async def make_token(request: AnyRequest, actor: Actor, *, clock: Clock, vault: Vault) -> Response[str]:
    """Make one; the answer shows it, once."""
    typed, lists = await _form(request)
    days, form_key = typed.get("days", ""), typed.get("form_key", "") or codes.hex_token(16)
    try:
        made = await api_tokens.make(
            actor, typed.get("name", ""), scopes=lists["scopes"], days=int(days) if days.isdecimal() else -1,
            form_key=form_key, vault=vault, now=clock.now(),
        )  # fmt: skip
    except Invalid as error:
        return await _token_form(request, actor, typed=typed, chosen=lists["scopes"], wrong=error.fields)
    except Conflict as error:
        return await _tokens(request, actor, clock, told=error.message, status=409)
    return await _tokens(request, actor, clock, made=made, status=201)


async def _tokens(
    request: AnyRequest, actor: Actor, clock: Clock, *, told: str = "", made: api_tokens.Made | None = None,
    status: int = 200,
) -> Response[str]:  # fmt: skip
    listed = await api_tokens.tokens(actor, now=clock.now())
    frame = await frame_of(request, actor, here=_HERE)
    answer = page(
        request, frame, "dashboard/developer_tokens.html", tokens=listed, made=made, told=told, scope_words=SCOPE_WORDS,
        now=clock.now(),
    )  # fmt: skip
    answer.status_code = status
    return answer


async def _token_form(
    request: AnyRequest, actor: Actor, *, typed: dict[str, str], chosen: list[str], wrong: dict[str, str]
) -> Response[str]:
    api_tokens.manager(actor)
    frame = await frame_of(request, actor, here=_HERE)
    answer = page(
        request, frame, "dashboard/developer_token_new.html", typed=typed, chosen=chosen, wrong=wrong,
        scope_words=SCOPE_WORDS, life_words=LIFE_WORDS, form_key=codes.hex_token(16),
    )  # fmt: skip
    answer.status_code = 422 if wrong else 200
    return answer


@post(_TOKENS + "/{token_id:int}/revoke", guards=[guards.at_merchant])
async def revoke_token(request: AnyRequest, actor: Actor, clock: Clock, token_id: RowId) -> Response[bytes]:
    """End one at once."""
    await api_tokens.revoke(actor, token_id, now=clock.now())
    return see_other(request, _TOKENS)


@get(_WEBHOOKS, guards=[guards.at_merchant])
async def webhooks_page(request: AnyRequest, actor: Actor, clock: Clock) -> Response[str]:
    """Which addresses there are, and the form for another."""
    return await _webhooks(request, actor, clock)


@post(_WEBHOOKS, guards=[guards.at_merchant])
async def add_webhook(
    request: AnyRequest, actor: Actor, *, clock: Clock, vault: Vault, settings: TheSettings
) -> Response[Any]:
    """Enter one; 422 with the form when it cannot be told."""
    typed, lists = await _form(request)
    try:
        webhook_id = await endpoints.add(
            actor, typed.get("url", ""), chosen=lists["kinds"], note_text=typed.get("note", ""),
            form_key=typed.get("form_key", ""), settings=settings, vault=vault, now=clock.now(),
        )  # fmt: skip
    except Invalid as error:
        return await _webhooks(request, actor, clock, typed=typed, chosen=lists["kinds"], wrong=error.fields)
    except Conflict as error:
        return await _webhooks(request, actor, clock, typed=typed, chosen=lists["kinds"], told=error.message)
    return see_other(request, f"{_WEBHOOKS}/{webhook_id}")


async def _webhooks(
    request: AnyRequest, actor: Actor, clock: Clock, *, typed: dict[str, str] | None = None, chosen: list[str] | None = None,
    wrong: dict[str, str] | None = None, told: str = "",
) -> Response[str]:  # fmt: skip
    listed = await looks.endpoints(actor, now=clock.now())
    frame = await frame_of(request, actor, here=_HERE)
    answer = page(
        request, frame, "dashboard/developer_webhooks.html", webhooks=listed, typed=typed or {}, chosen=chosen or [],
        wrong=wrong or {}, told=told, kinds=kinds.KINDS, form_key=codes.hex_token(16), now=clock.now(),
    )  # fmt: skip
    answer.status_code = 422 if wrong else 409 if told else 200
    return answer


@get(_WEBHOOKS + "/{webhook_id:int}", guards=[guards.at_merchant])
async def webhook_page(request: AnyRequest, actor: Actor, clock: Clock, webhook_id: RowId) -> Response[str]:
    """One address: how it is doing, what it was told, and what it hears."""
    return await _webhook(request, actor, clock, webhook_id)


@post(_WEBHOOKS + "/{webhook_id:int}", guards=[guards.at_merchant])
async def change_webhook(
    request: AnyRequest, actor: Actor, webhook_id: RowId, *, clock: Clock, settings: TheSettings
) -> Response[Any]:
    """Another address, or other things to hear."""
    typed, lists = await _form(request)
    try:
        await endpoints.change(
            actor, webhook_id, typed.get("url", ""), chosen=lists["kinds"], note_text=typed.get("note", ""),
            settings=settings, now=clock.now(),
        )  # fmt: skip
    except Invalid as error:
        return await _webhook(
            request, actor, clock, webhook_id, typed=typed, chosen=lists["kinds"], wrong=error.fields, status=422
        )
    return see_other(request, f"{_WEBHOOKS}/{webhook_id}?said=saved")


@post(_WEBHOOKS + "/{webhook_id:int}/secret", guards=[guards.at_merchant, guards.fresh], opt=_PAGE)
async def show_secret(
    request: AnyRequest, actor: Actor, webhook_id: RowId, *, clock: Clock, vault: Vault
) -> Response[str]:
    """The page with the secret on it; that it was shown is kept."""
    secret = await endpoints.show_secret(actor, webhook_id, vault=vault, now=clock.now())
    return await _webhook(request, actor, clock, webhook_id, secret=secret)


@post(_WEBHOOKS + "/{webhook_id:int}/rotate", guards=[guards.at_merchant, guards.fresh], opt=_PAGE)
async def rotate(request: AnyRequest, actor: Actor, webhook_id: RowId, *, clock: Clock, vault: Vault) -> Response[Any]:
    """A new secret, shown at once; the old one signs for a day more."""
    try:
        await endpoints.rotate(actor, webhook_id, vault=vault, now=clock.now())
    except Conflict as error:
        return await _webhook(request, actor, clock, webhook_id, told=error.message, status=409)
    secret = await endpoints.show_secret(actor, webhook_id, vault=vault, now=clock.now())
    return await _webhook(request, actor, clock, webhook_id, secret=secret)


@post(_WEBHOOKS + "/{webhook_id:int}/{deed:str}", guards=[guards.at_merchant])
async def do(request: AnyRequest, actor: Actor, webhook_id: RowId, *, deed: str, clock: Clock) -> Response[Any]:
    """Switch it on or off, test it, send again, or take it out."""
    now, typed = clock.now(), (await _form(request))[0]
    try:
        match deed:
            case "on" | "off":
                await endpoints.switch(actor, webhook_id, on=deed == "on", now=now)
            case "test":
                await endpoints.test(actor, webhook_id, now=now)
            case "replay":
                await _replay(actor, webhook_id, typed, clock)
            case "remove":
                await endpoints.remove(actor, webhook_id, now=now)
                return see_other(request, _WEBHOOKS)
            case _:
                raise NotFound
    except (Conflict, TooMany) as error:
        return await _webhook(request, actor, clock, webhook_id, told=error.message, status=error.status_code)
    return see_other(request, f"{_WEBHOOKS}/{webhook_id}")


async def _replay(actor: Actor, webhook_id: int, typed: dict[str, str], clock: Clock) -> None:
    hours = typed.get("hours", "")
    back = int(hours) if hours.isdecimal() and int(hours) in _SINCE else 24
    since = clock.now() - timedelta(hours=back)
    await endpoints.again_since(actor, webhook_id, since, missed_only=typed.get("what") != "all", now=clock.now())


async def _webhook(
    request: AnyRequest, actor: Actor, clock: Clock, webhook_id: int, *, typed: dict[str, str] | None = None,
    chosen: list[str] | None = None, wrong: dict[str, str] | None = None, told: str = "", secret: str = "", status: int = 200,
) -> Response[str]:  # fmt: skip
    webhook = await looks.endpoint(actor, webhook_id, now=clock.now())
    asked = request.query_params.get("before", "")
    before = int(asked) if asked.isdecimal() and int(asked) < 2**63 else None
    listed = await looks.messages(actor, webhook_id, before=before)
    frame = await frame_of(request, actor, here=_HERE)
    answer = page(
        request, frame, "dashboard/developer_webhook.html", webhook=webhook, listed=listed, kinds=kinds.KINDS,
        typed=typed or {"url": webhook.url, "note": webhook.note}, chosen=webhook.kinds if chosen is None else chosen,
        wrong=wrong or {}, told=told, secret=secret, standing_words=STANDING_WORDS, why_words=WHY_WORDS, now=clock.now(),
        is_saved=request.query_params.get("said") == "saved",
    )  # fmt: skip
    answer.status_code = status
    return answer


@get(_WEBHOOKS + "/messages/{told_id:int}", guards=[guards.at_merchant])
async def message_page(request: AnyRequest, actor: Actor, clock: Clock, told_id: RowId) -> Response[str]:
    """One message: what was sent, and what was answered each time."""
    message = await looks.message(actor, told_id)
    frame = await frame_of(request, actor, here=_HERE)
    return page(
        request, frame, "dashboard/developer_message.html", message=message, standing_words=STANDING_WORDS,
        why_words=WHY_WORDS, now=clock.now(),
    )  # fmt: skip


@post(_WEBHOOKS + "/messages/{told_id:int}/again", guards=[guards.at_merchant])
async def send_again(request: AnyRequest, actor: Actor, clock: Clock, told_id: RowId) -> Response[bytes]:
    """Send one again, under the same id."""
    webhook_id = await endpoints.again(actor, told_id, now=clock.now())
    return see_other(request, f"{_WEBHOOKS}/{webhook_id}")


ROUTES = [
    tokens_page, token_form, make_token, revoke_token, webhooks_page, add_webhook, webhook_page, change_webhook, show_secret, rotate, do,
    message_page, send_again,
]  # fmt: skip
