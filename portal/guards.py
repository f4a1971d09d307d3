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

from portal import whence
from portal.clock import Clock
from portal.config import Settings
from portal.cookies import FORM, KNOWN, SECOND, SESSION, AnyConnection, cookie_of, expired, make_cookie
from portal.errors import Forbidden, NotFound, PortalError
from portal.headers import client_address, safe_next
from portal.identity import Actor, Browser, NewSession, Session, session_of, sessions
from portal.msgid import N_
from portal.platform import visits
from portal.signing import Signer, TokenError
from portal.web import is_htmx

TOKEN_FIELD, TOKEN_HEADER = "_csrf", "x-csrf-token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_TOKEN_LIFE = timedelta(days=7)
_PURPOSE = "form"
_LOADED = "vocha_session"
_YEAR_S = 31_536_000
#: In a handler's `opt`: open to somebody who still has to set up a second step.
ALONE = "without_second_step"


class ProofNeeded(PortalError):  # noqa: N818
    """Somebody is signed in, but for long: who it is must be proved again before this. `target`: where to go on."""

    default = N_("Prove that it is you before you do this.")
    status_code = 403

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target


class SecondStepMissing(PortalError):  # noqa: N818
    """The merchant asks owners and managers for a second step, and this one has none yet."""

    default = N_("Set up a second step first: your shop asks for it.")
    status_code = 403


class SignInNeeded(PortalError):  # noqa: N818
    """Nobody is signed in: on to the sign-in page, and back afterwards."""

    default = N_("Sign in to see this page.")
    status_code = 401


def session_cookie(session: NewSession, *, settings: Settings) -> Cookie:
    """The cookie of a session just opened."""
    seconds = int(settings.session_lifetime.total_seconds())
    return make_cookie(SESSION, session.token, settings=settings, max_age=seconds)


def session_cookies(session: NewSession, *, settings: Settings) -> list[Cookie]:
    """All cookies of a browser that has just signed in."""
    given = [session_cookie(session, settings=settings), *(expired(name, settings=settings) for name in (FORM, SECOND))]
    if session.browser_token:
        given.append(make_cookie(KNOWN, session.browser_token, settings=settings, max_age=_YEAR_S))
    return given


def browser_of(connection: AnyConnection) -> Browser:
    """The browser that asks, as a sign-in keeps it."""
    return Browser(
        address=client_address(connection, settings_of(connection).trusted_proxies),
        user_agent=connection.headers.get("user-agent", ""), old_token=cookie_of(connection, SESSION),
        known_token=cookie_of(connection, KNOWN),
    )  # fmt: skip


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
        whence.come_from(client_address(connection, settings_of(connection).trusted_proxies))
        token = cookie_of(connection, SESSION)
        now = _clock_of(connection).now()
        session = await session_of(token, settings=settings_of(connection), now=now) if token else None
        whence.stand_in(session.actor.visit.owner if session and session.actor.visit else "")
        scope[_LOADED] = session
    return scope[_LOADED]


async def provide_actor(request: Request[Any, Any, Any]) -> Actor:
    """The dependency `actor`; SignInNeeded when there is none."""
    session = await load_session(request)
    if session is None:
        raise SignInNeeded
    return session.actor


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard: somebody is signed in, with a second step where the merchant asks for one (but on pages with `opt` ALONE)."""
    session = await load_session(connection)
    if session is None:
        raise SignInNeeded
    if session.lacks_second and ALONE not in handler.opt:
        raise SecondStepMissing
    visits.stay_in(session.actor, connection.scope["path"], is_looking=connection.scope.get("method") in SAFE_METHODS)


async def fresh(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard: the person has proved who they are within the last 15 minutes (a form may be sent until 30 minutes after). Otherwise the
    browser is led to `/prove` and back: to the page itself, for a form to its page, which `opt={"page": "/things/{thing_id}"}` names.

    Put it on the form's page too, where it has one of its own, so that nobody types in vain."""
    session = await load_session(connection)
    if session is None:
        raise SignInNeeded
    if session.actor.visit is not None:
        raise Forbidden(visits.CLOSED)
    is_looking = connection.scope.get("method") in SAFE_METHODS
    within = sessions.FRESH if is_looking else sessions.FORM_FRESH
    if not sessions.is_fresh(session, now=_clock_of(connection).now(), within=within):
        page: str = handler.opt.get("page", "/account/security")
        raise ProofNeeded(_here(connection) if is_looking else page.format(**connection.path_params))


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


async def anchored(connection: AnyConnection) -> tuple[str, list[Cookie]]:
    """The form token for a page that is shown to people who are not signed in, and the cookie it hangs on, when this browser has none."""
    key = await form_key(connection)
    if key is not None:
        return form_token(key, connection), []
    cookie = new_form_cookie(settings_of(connection))
    return form_token(key_of(str(cookie.value)), connection), [cookie]


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
    target = f"/sign-in?next={quote(safe_next(_here(request) if request.method in SAFE_METHODS else None))}"
    return _go(request, target)


def to_proof(request: Request[Any, Any, Any], error: ProofNeeded) -> Response[bytes]:
    """Answer to ProofNeeded: to the page where one proves who one is."""
    return _go(request, f"/prove?next={quote(safe_next(error.target))}")


def to_set_up(request: Request[Any, Any, Any], _error: SecondStepMissing) -> Response[bytes]:
    """Answer to SecondStepMissing: to where second steps are set up."""
    return _go(request, "/account/security")


def _here(connection: AnyConnection) -> str:
    return f"{connection.url.path}?{connection.url.query}" if connection.url.query else connection.url.path


def _go(request: Request[Any, Any, Any], target: str) -> Response[bytes]:
    status, name = (200, "hx-redirect") if is_htmx(request) else (303, "location")
    headers = {name: target, "cache-control": "no-store"}
    return Response(b"", status_code=status, media_type="text/plain", headers=headers)


#: What `create_app` does about these errors.
HANDLERS: dict[Any, Any] = {SignInNeeded: to_sign_in, ProofNeeded: to_proof, SecondStepMissing: to_set_up}
