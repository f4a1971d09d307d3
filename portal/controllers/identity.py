"""The sign-in page and the second step. Signing out stands with the account, behind the guards; other ways in: `newcomers`, `forgotten`."""

from typing import Any

from litestar import Request, Response, Router, get, post

from portal import guards, identity
from portal.clock import Clock
from portal.controllers.forgotten import ROUTES as FORGOTTEN
from portal.controllers.newcomers import ROUTES as NEWCOMERS
from portal.controllers.outside import LIFE_OF_STEP_S, as_json, outside, typed_in, wrong_words
from portal.cookies import SECOND, cookie_of, make_cookie
from portal.errors import Invalid, PortalError, TooMany
from portal.headers import safe_next
from portal.identity import LinkOver, SecondStepNeeded, passkeys, second, sign_ups, signing_in
from portal.limits import hit
from portal.vault import Vault
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
#: Challenges one address may ask for.
_CHALLENGES = (60, 300)


@get("/sign-in")
async def sign_in_page(request: AnyRequest) -> Response[Any]:
    """The form; who is signed in already goes on."""
    target = safe_next(request.query_params.get("next"))
    if await guards.load_session(request) is not None:
        return see_other(request, target)
    return await _form(request, email="", target=target)


async def _form(request: AnyRequest, *, email: str, target: str, error: PortalError | None = None) -> Response[str]:
    return await outside(
        request, "identity/sign_in.html", status=error.status_code if error else 200, email=email, next=target,
        error=wrong_words(request, error), may_sign_up=sign_ups.is_open(guards.settings_of(request)),
    )  # fmt: skip


@post("/sign-in", status_code=200)
async def sign_in(request: AnyRequest, clock: Clock) -> Response[Any]:
    """Open a session under a new token, whatever cookie the browser came with; or go on to the second step."""
    settings, typed = guards.settings_of(request), await typed_in(request)
    email, target = typed.get("email", ""), safe_next(typed.get("next"))
    browser = guards.browser_of(request)
    try:
        opened = await identity.sign_in(
            email, typed.get("password", ""), browser=browser, settings=settings, now=clock.now()
        )
    except SecondStepNeeded as needed:
        cookie = make_cookie(SECOND, needed.token, settings=settings, max_age=LIFE_OF_STEP_S)
        return see_other(request, f"/sign-in/second?next={target}", cookies=[cookie])
    except (Invalid, TooMany) as error:
        return await _form(request, email=email[:254], target=target, error=error)
    return see_other(request, target, cookies=guards.session_cookies(opened, settings=settings))


@get("/sign-in/second")
async def second_page(request: AnyRequest, clock: Clock) -> Response[Any]:
    """The second step: a code, or a passkey."""
    return await _second(request, clock, target=safe_next(request.query_params.get("next")))


async def _second(request: AnyRequest, clock: Clock, *, target: str, error: PortalError | None = None) -> Response[Any]:
    try:
        row = await signing_in.waiting(cookie_of(request, SECOND) or "", now=clock.now())
    except LinkOver:
        return see_other(request, f"/sign-in?next={target}")
    return await outside(
        request, "identity/second.html", status=error.status_code if error else 200, next=target,
        error=wrong_words(request, error), standing=await second.standing(row["user_id"]),
    )  # fmt: skip


@post("/sign-in/second", status_code=200)
async def second_step(request: AnyRequest, clock: Clock, vault: Vault) -> Response[Any]:
    """A code of the app, or a recovery code, or what a passkey signed."""
    settings, typed = guards.settings_of(request), await typed_in(request)
    target, token = safe_next(typed.get("next")), cookie_of(request, SECOND) or ""
    common: dict[str, Any] = {"browser": guards.browser_of(request), "settings": settings, "now": clock.now()}
    try:
        if typed.get("passkey"):
            opened = await passkeys.finish(token, typed["passkey"], **common)
        else:
            opened = await signing_in.finish(token, typed.get("code", ""), vault=vault, **common)
    except (Invalid, TooMany, LinkOver) as error:
        return await _second(request, clock, target=target, error=error)
    return see_other(request, target, cookies=guards.session_cookies(opened, settings=settings))


@post("/sign-in/second/options", status_code=200)
async def second_options(request: AnyRequest, clock: Clock) -> Response[str]:
    """What the browser's passkey is to sign for the second step."""
    settings = guards.settings_of(request)
    row = await signing_in.waiting(cookie_of(request, SECOND) or "", now=clock.now())
    await _count(request, clock)
    return as_json(await passkeys.assertion(settings=settings, now=clock.now(), user_id=row["user_id"]))


@post("/sign-in/passkey/options", status_code=200)
async def passkey_options(request: AnyRequest, clock: Clock) -> Response[str]:
    """What a passkey is to sign: any of this browser's, or one of the account whose address is typed."""
    settings, typed = guards.settings_of(request), await typed_in(request)
    await _count(request, clock)
    return as_json(await passkeys.assertion(settings=settings, now=clock.now(), email=typed.get("email", "")))


async def _count(request: AnyRequest, clock: Clock) -> None:
    most, window_s = _CHALLENGES
    if not await hit(f"passkey:{guards.browser_of(request).address}", limit=most, window_s=window_s, now=clock.now()):
        raise TooMany(retry_after=window_s)


@post("/sign-in/passkey", status_code=200)
async def passkey_sign_in(request: AnyRequest, clock: Clock) -> Response[Any]:
    """Open a session by a passkey."""
    settings, typed = guards.settings_of(request), await typed_in(request)
    target = safe_next(typed.get("next"))
    try:
        opened = await passkeys.sign_in(
            typed.get("passkey", ""), browser=guards.browser_of(request), settings=settings, now=clock.now()
        )
    except Invalid as error:
        return await _form(request, email="", target=target, error=error)
    return see_other(request, target, cookies=guards.session_cookies(opened, settings=settings))


_SIGN_IN = [
    sign_in_page,
    sign_in,
    second_page,
    second_step,
    second_options,
    passkey_options,
    passkey_sign_in,
]
ROUTER = Router(path="/", guards=[guards.own_forms_only], route_handlers=[*_SIGN_IN, *FORGOTTEN, *NEWCOMERS])
