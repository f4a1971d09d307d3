"""What stands before a page: the session cookie, the guards, and the tokens that keep other sites off our forms.

A form token is bound to the session (before sign-in: to a cookie of its own), so one browser's token is worth nothing
in another. Captive pages and callbacks use none of this: they set and read no cookie.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler

from portal.clock import Clock
from portal.config import Settings
from portal.cookies import FORM, SESSION, AnyConnection, cookie_of, make_cookie
from portal.errors import Forbidden, NotFound, PortalError
from portal.headers import safe_next
from portal.identity import Actor, NewSession, Session, session_of
from portal.msgid import N_
from portal.signing import Signer, TokenError
from portal.web import is_htmx

TOKEN_FIELD, TOKEN_HEADER = "_csrf", "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN_LIFE = timedelta(days=7)
_PURPOSE = "form"
_LOADED = "vocha_session"


class SignInNeeded(PortalError):  # noqa: N818
    """Nobody is signed in: on to the sign-in page, and back afterwards."""

    default = N_("Sign in to see this page.")
    status_code = 401


def session_cookie(session: NewSession, *, settings: Settings) -> Cookie:
    """The cookie of a session just opened."""
    seconds = int(settings.session_lifetime.total_seconds())
    return make_cookie(SESSION, session.token, settings=settings, max_age=seconds)


def settings_of(connection: AnyConnection) -> Settings:
    """The application's settings."""
    return connection.app.state["settings"]


def _clock_of(connection: AnyConnection) -> Clock:
    return connection.app.state["clock"]


def _signer_of(connection: AnyConnection) -> Signer:
    return connection.app.state["signer"]


async def load_session(connection: AnyConnection) -> Session | None:
    """The session of this request, read once; None when nobody is signed in."""
    scope: dict[str, Any] = connection.scope["state"]
    if _LOADED not in scope:
        token = cookie_of(connection, SESSION)
        now = _clock_of(connection).now()
        scope[_LOADED] = await session_of(token, settings=settings_of(connection), now=now) if token else None
    return scope[_LOADED]


async def provide_actor(request: Request[Any, Any, Any]) -> Actor:
    """The dependency `actor`; SignInNeeded when there is none."""
    session = await load_session(request)
    if session is None:
        raise SignInNeeded
    return session.actor


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard: somebody is signed in."""
    if await load_session(connection) is None:
        raise SignInNeeded


async def at_merchant(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard: somebody is signed in who works for a merchant."""
    session = await load_session(connection)
    if session is None:
        raise SignInNeeded
    session.actor.at_merchant()


async def operator_only(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard: the operator. For everybody else the page is not there."""
    session = await load_session(connection)
    if session is None:
        raise SignInNeeded
    if not session.actor.is_operator:
        raise NotFound


async def own_forms_only(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard: whatever changes something must come from a page we gave to this very browser."""
    if not isinstance(connection, Request) or connection.method in SAFE_METHODS:
        return
    if not _is_from_our_site(connection):
        raise Forbidden(N_("This form was sent from another site."))
    token = connection.headers.get(TOKEN_HEADER) or (await connection.form()).get(TOKEN_FIELD)
    if not isinstance(token, str) or not _is_token_of(await form_key(connection), token, connection):
        raise Forbidden(N_("This form is too old, or was opened in another browser."))


def _is_from_our_site(connection: AnyConnection) -> bool:
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    # Our referrer policy makes browsers send "null"; another site's name is what must not stand here.
    origin = connection.headers.get("origin", "null")
    return origin == "null" or urlsplit(origin).netloc == connection.headers.get("host")


async def form_key(connection: AnyConnection) -> str | None:
    """What form tokens of this browser are bound to: its session, or before sign-in its form cookie."""
    session = await load_session(connection)
    if session is not None:
        return session.key
    cookie = cookie_of(connection, FORM)
    return key_of(cookie) if cookie else None


def key_of(cookie: str) -> str:
    """What form tokens are bound to for a form cookie of this value."""
    return hashlib.sha256(cookie.encode()).hexdigest()[:32]


def new_form_cookie(settings: Settings) -> Cookie:
    """The form cookie of a browser that has none."""
    return make_cookie(FORM, secrets.token_urlsafe(32), settings=settings)


def form_token(key: str, connection: AnyConnection) -> str:
    """The token to put into a form."""
    return _signer_of(connection).sign(_PURPOSE, {"k": key}, now=_clock_of(connection).now())


def _is_token_of(key: str | None, token: str, connection: AnyConnection) -> bool:
    try:
        said = _signer_of(connection).read(_PURPOSE, token, max_age=_TOKEN_LIFE, now=_clock_of(connection).now())
    except TokenError:
        return False
    return key is not None and secrets.compare_digest(str(said.get("k")), key)


def to_sign_in(request: Request[Any, Any, Any], _error: SignInNeeded) -> Response[bytes]:
    """Answer to SignInNeeded: on to the sign-in page. A part polled by htmx takes its whole page there."""
    if is_htmx(request):
        came_from = urlsplit(request.headers.get("hx-current-url", "")).path
        target = f"/sign-in?next={quote(safe_next(came_from))}"
        return Response(
            b"", status_code=401, media_type="text/plain", headers={"hx-redirect": target, "cache-control": "no-store"}
        )
    here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    target = f"/sign-in?next={quote(safe_next(here if request.method in SAFE_METHODS else None))}"
    return Response(
        b"", status_code=303, media_type="text/plain", headers={"location": target, "cache-control": "no-store"}
    )
