"""The signed-in person's own page: who they are, where they work, their language, and the way out. Proofs: `security`."""

from typing import Any

from litestar import Request, Response, get, post

from portal import guards, i18n
from portal.clock import Clock
from portal.controllers.dashboard.frame import ROLES, frame_of, page
from portal.cookies import LANGUAGE, SESSION, expired, make_cookie
from portal.errors import NotFound
from portal.guards import load_session, settings_of
from portal.identity import Actor, accounts, sessions, sign_out, teams
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
_YEAR_S = 31_536_000
_LARGEST_ID = 2**63 - 1


@get("/account", opt={guards.ALONE: True})
async def account(request: AnyRequest, actor: Actor) -> Response[str]:
    """Name, role, shops, languages, sign-out."""
    frame = await frame_of(request, actor, here="account")
    return page(
        request, frame, "dashboard/account.html", languages=i18n.NAMES, roles=ROLES, may_see_team=teams.may_see(actor)
    )


@post("/account/language", opt={guards.ALONE: True})
async def choose_language(request: AnyRequest, actor: Actor) -> Response[bytes]:
    """Keep the language chosen, in this browser and for mails; what we do not speak is passed over."""
    wanted = str((await request.form()).get("language"))
    if wanted not in i18n.NAMES:
        return see_other(request, "/account")
    await accounts.speak(actor, wanted)
    cookie = make_cookie(LANGUAGE, wanted, settings=settings_of(request), max_age=_YEAR_S)
    return see_other(request, "/account", cookies=[cookie])


@post("/switch", opt={guards.ALONE: True})
async def switch(request: AnyRequest, clock: Clock) -> Response[bytes]:
    """Look at another shop one works for."""
    session, typed = await load_session(request), str((await request.form()).get("merchant", ""))
    wanted = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0
    if session is None:
        raise NotFound
    opened = await sessions.switch(session, wanted, now=clock.now())
    return see_other(request, "/", cookies=[guards.session_cookie(opened, settings=settings_of(request))])


@post("/sign-out", opt={guards.ALONE: True})
async def leave(request: AnyRequest, clock: Clock) -> Response[bytes]:
    """End the session, and with it every page opened in it."""
    session = await load_session(request)
    if session is not None:
        await sign_out(session, now=clock.now())
    return see_other(request, "/sign-in", cookies=[expired(SESSION, settings=settings_of(request))])


ROUTES = [account, choose_language, switch, leave]
