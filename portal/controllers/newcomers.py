"""New shops, and people who join a team: the forms behind their links."""

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post

from portal import guards
from portal.clock import Clock
from portal.controllers.dashboard.frame import ROLES
from portal.controllers.outside import AnyRequest, outside, typed_in, wrong_words
from portal.errors import Conflict, Invalid, NotFound, PortalError, TooMany
from portal.identity import LinkOver, links, sessions, sign_ups, teams
from portal.identity.links import Purpose
from portal.identity.sign_ups import Wish
from portal.msgid import N_
from portal.vault import Vault
from portal.web import language_of, see_other

KIND_WORDS = {
    "personal": N_("A shop, café, hotel or kiosk"),
    "homeowner": N_("A house or a block of flats"),
    "isp": N_("An internet provider"),
    "enterprise": N_("A company with several places"),
}
_FIELDS = ("shop", "kind", "phone", "name", "email")


@get("/sign-up")
async def sign_up_page(request: AnyRequest, clock: Clock) -> Response[str]:
    """The form: open to all, or behind an invitation."""
    return await _sign_up(request, clock, request.query_params.get("t", ""), {"kind": "personal"})


async def _sign_up(
    request: AnyRequest, clock: Clock, token: str, typed: Mapping[str, str], *, error: PortalError | None = None
) -> Response[str]:
    settings = guards.settings_of(request)
    try:
        invited = await sign_ups.admitted(token, settings=settings, now=clock.now())
    except (LinkOver, NotFound) as over:
        return await outside(request, "identity/over.html", status=over.status_code, words=wrong_words(request, over))
    told = "" if error is None or isinstance(error, Invalid) else wrong_words(request, error)
    return await outside(
        request, "identity/sign_up.html", status=error.status_code if error else 200, token=token, invited=invited, told=told,
        typed={name: typed.get(name, "") for name in _FIELDS}, kinds=KIND_WORDS, choices=sign_ups.KINDS,
        wrong=error.fields if isinstance(error, Invalid) else {}, is_sent="sent" in request.query_params,
    )  # fmt: skip


@post("/sign-up", status_code=200)
async def sign_up(request: AnyRequest, clock: Clock, vault: Vault) -> Response[Any]:
    """Ask for the mail to finish by; or, behind an invitation, open the shop."""
    settings, typed = guards.settings_of(request), await typed_in(request)
    token, browser = typed.get("t", ""), guards.browser_of(request)
    wish = Wish(**{name: typed.get(name, "") for name in (*_FIELDS, "password")}, language=language_of(request).code)
    try:
        if token:
            opened = await sign_ups.accept(token, wish, browser=browser, settings=settings, now=clock.now())
            return see_other(request, "/", cookies=guards.session_cookies(opened, settings=settings))
        await sign_ups.ask(wish, address=browser.address, settings=settings, vault=vault, now=clock.now())
    except (Invalid, TooMany, Conflict, LinkOver) as error:
        return await _sign_up(request, clock, token, typed, error=error)
    return see_other(request, "/sign-up?sent")


@get("/confirm")
async def confirm_page(request: AnyRequest, clock: Clock) -> Response[str]:
    """The password once more, to finish a sign-up."""
    return await _confirm(request, clock, request.query_params.get("t", ""))


async def _confirm(request: AnyRequest, clock: Clock, token: str, *, error: PortalError | None = None) -> Response[str]:
    try:
        row = await links.find(token, Purpose.SIGN_UP, now=clock.now())
    except LinkOver as over:
        return await outside(request, "identity/over.html", status=410, words=wrong_words(request, over))
    return await outside(
        request, "identity/confirm.html", status=error.status_code if error else 200, token=token, email=row["email"],
        shop=links.data_of(row)["shop"], error=wrong_words(request, error),
    )  # fmt: skip


@post("/confirm", status_code=200)
async def confirm(request: AnyRequest, clock: Clock) -> Response[Any]:
    """Open the shop, and the session with it."""
    settings, typed = guards.settings_of(request), await typed_in(request)
    token = typed.get("t", "")
    try:
        opened = await sign_ups.confirm(
            token, typed.get("password", ""), browser=guards.browser_of(request), settings=settings, now=clock.now()
        )
    except (Invalid, TooMany, Conflict, LinkOver) as error:
        return await _confirm(request, clock, token, error=error)
    return see_other(request, "/", cookies=guards.session_cookies(opened, settings=settings))


@get("/join")
async def join_page(request: AnyRequest, clock: Clock) -> Response[str]:
    """What an invitation offers: a button for who has the account and is signed in, else the way there."""
    return await _join(request, clock, request.query_params.get("t", ""), {})


async def _join(
    request: AnyRequest, clock: Clock, token: str, typed: Mapping[str, str], *, error: PortalError | None = None
) -> Response[str]:
    try:
        offer = await teams.offer(token, now=clock.now())
    except LinkOver as over:
        return await outside(request, "identity/over.html", status=410, words=wrong_words(request, over))
    session = await guards.load_session(request)
    told = "" if error is None or isinstance(error, Invalid) else wrong_words(request, error)
    return await outside(
        request, "identity/join.html", status=error.status_code if error else 200, token=token, offer=offer, told=told,
        me=session.actor.email if session else "", role=ROLES[offer.role], typed={"name": typed.get("name", "")},
        wrong=error.fields if isinstance(error, Invalid) else {},
    )  # fmt: skip


@post("/join", status_code=200)
async def join(request: AnyRequest, clock: Clock) -> Response[Any]:
    """Join with the account one is signed in with, or with a new one."""
    settings, typed = guards.settings_of(request), await typed_in(request)
    token, session = typed.get("t", ""), await guards.load_session(request)
    try:
        if session is not None:
            merchant_id = await teams.accept(session, token, now=clock.now())
            opened = await sessions.switch(session, merchant_id, now=clock.now())
        else:
            opened = await teams.accept_new(
                token, typed.get("name", ""), typed.get("password", ""), language=language_of(request).code,
                browser=guards.browser_of(request), settings=settings, now=clock.now(),
            )  # fmt: skip
    except (Invalid, Conflict, LinkOver) as error:
        return await _join(request, clock, token, typed, error=error)
    return see_other(request, "/", cookies=guards.session_cookies(opened, settings=settings))


ROUTES = [sign_up_page, sign_up, confirm_page, confirm, join_page, join]
