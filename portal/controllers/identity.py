"""The sign-in page. Signing out stands with the account, behind the guards."""

from typing import Any

from litestar import Request, Response, Router, get, post

from portal import guards, i18n, identity
from portal.clock import Clock
from portal.cookies import FORM, SESSION, cookie_of, expired
from portal.errors import Invalid, PortalError, TooMany
from portal.guards import form_key, form_token
from portal.headers import client_address, safe_next
from portal.identity import Browser
from portal.web import language_of, render, see_other

AnyRequest = Request[Any, Any, Any]


@get("/sign-in")
async def sign_in_page(request: AnyRequest) -> Response[Any]:
    """The form; who is signed in already goes on."""
    target = safe_next(request.query_params.get("next"))
    if await guards.load_session(request) is not None:
        return see_other(request, target)
    if await form_key(request) is not None:
        return await _form(request, email="", target=target)
    # The form's token is bound to a cookie, and this browser has none yet.
    cookie = guards.new_form_cookie(guards.settings_of(request))
    return await _form(request, email="", target=target, key=guards.key_of(str(cookie.value)), cookies=[cookie])


async def _form(
    request: AnyRequest, *, email: str, target: str, key: str | None = None, error: PortalError | None = None,
    cookies: Any = (),
) -> Response[str]:  # fmt: skip
    language = language_of(request)
    words = ""
    if error is not None:
        message = error.fields.get("password", error.message) if isinstance(error, Invalid) else error.message
        words = language.say(message, error.params)
    csrf = form_token(key or await form_key(request) or "", request)
    context = {"csrf": csrf, "email": email, "next": target, "error": words, "languages": i18n.NAMES}
    status = error.status_code if error else 200
    return render(request, "identity/sign_in.html", context, status=status, language=language, cookies=cookies)


@post("/sign-in", status_code=200)
async def sign_in(request: AnyRequest, clock: Clock) -> Response[Any]:
    """Open a session under a new token, whatever cookie the browser came with."""
    settings, form = guards.settings_of(request), await request.form()
    email, password, target = (str(form.get(name, "")) for name in ("email", "password", "next"))
    address = client_address(request, settings.trusted_proxies)
    agent = request.headers.get("user-agent", "")
    browser = Browser(address=address, user_agent=agent, old_token=cookie_of(request, SESSION))
    try:
        opened = await identity.sign_in(email, password, browser=browser, settings=settings, now=clock.now())
    except (Invalid, TooMany) as error:
        return await _form(request, email=email[:254], target=safe_next(target), error=error)
    cookies = [guards.session_cookie(opened, settings=settings), expired(FORM, settings=settings)]
    return see_other(request, safe_next(target), cookies=cookies)


ROUTER = Router(path="/", guards=[guards.own_forms_only], route_handlers=[sign_in_page, sign_in])
