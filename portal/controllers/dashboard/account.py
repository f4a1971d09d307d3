"""The signed-in person's own page: who they are, their language, and the way out."""

from typing import Any

from litestar import Request, Response, get, post

from portal import i18n
from portal.controllers.dashboard.frame import frame_of, page
from portal.cookies import LANGUAGE, SESSION, expired, make_cookie
from portal.guards import load_session, settings_of
from portal.identity import Actor, sign_out
from portal.routers import rights
from portal.web import see_other

AnyRequest = Request[Any, Any, Any]
_YEAR_S = 31_536_000


@get("/account")
async def account(request: AnyRequest, actor: Actor) -> Response[str]:
    """Name, role, languages, sign-out."""
    frame = await frame_of(request, actor, here="account")
    return page(request, frame, "dashboard/account.html", languages=i18n.NAMES, may_change=rights.may_change(actor))


@post("/account/language")
async def choose_language(request: AnyRequest) -> Response[bytes]:
    """Keep the language chosen, in this browser; what we do not speak is passed over."""
    wanted = str((await request.form()).get("language"))
    cookie = make_cookie(LANGUAGE, wanted, settings=settings_of(request), max_age=_YEAR_S)
    return see_other(request, "/account", cookies=[cookie] if wanted in i18n.NAMES else [])


@post("/sign-out")
async def leave(request: AnyRequest) -> Response[bytes]:
    """End the session, and with it every page opened in it."""
    session = await load_session(request)
    if session is not None:
        await sign_out(session)
    return see_other(request, "/sign-in", cookies=[expired(SESSION, settings=settings_of(request))])


ROUTES = [account, choose_language, leave]
