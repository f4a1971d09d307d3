"""What people see when something fails: plain words, what to do next, and a number that finds the line in the log.

Every exception that leaves a handler ends here; what is a bug is logged with its traceback, the rest in one line.
"""

import logging
import secrets
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

from portal.cookies import SESSION, cookie_of
from portal.errors import PortalError, TooMany
from portal.i18n import Language
from portal.msgid import N_
from portal.web import language_of, render

__all__ = ["HANDLERS"]

log = logging.getLogger(__name__)

#: Status → heading and what to do next. A PortalError brings its own sentence, which stands between the two.
WORDS: dict[int, tuple[str, str]] = {
    400: (N_("This request is not complete"), N_("Go back, reload the page and try again.")),
    401: (N_("You are not signed in"), N_("Sign in and try again.")),
    403: (N_("You may not do this"), N_("Go back and reload the page, or ask the owner.")),
    404: (N_("There is nothing here"), N_("The address may be mistyped, or what was here is gone.")),
    405: (N_("This page cannot do that"), N_("Go back, reload the page and try again.")),
    409: (N_("Somebody else was faster"), N_("Go back, reload the page and look again.")),
    410: (N_("This link is too old"), N_("Go back to where you found it and start again.")),
    413: (N_("That is too much at once"), N_("Send less and try again.")),
    422: (N_("Something is not filled in right"), N_("Go back and check what you typed.")),
    429: (N_("Too many tries"), N_("Wait a minute and try again.")),
    500: (N_("Something went wrong on our side"), N_("Try again. If it stays, send us the number below.")),
    503: (N_("This does not work right now"), N_("Try again in a minute.")),
}


def _reference() -> str:
    text = secrets.token_hex(4)
    return f"{text[:4]}-{text[4:]}"


def _answer(
    request: Request[Any, Any, Any], status: int, *, message: str = "", headers: dict[str, str] | None = None
) -> Response[Any]:
    reference = _reference()
    language = language_of(request)
    _log(request, status, reference=reference)
    heading, advice = WORDS.get(status) or WORDS[500 if status >= 500 else 400]
    if "application/json" in request.headers.get("accept", ""):
        body = {"error": message or language.gettext(heading), "reference": reference}
        return Response(body, status_code=status, media_type="application/json", headers=_no_store(headers))
    # Only staff have a page to go back to: a customer's start is the router's own redirect.
    is_staff = cookie_of(request, SESSION) is not None
    context = {
        "heading": heading, "message": message, "advice": advice, "reference": reference, "is_staff": is_staff,
    }  # fmt: skip
    return render(request, "error.html", context, status=status, language=language, headers=headers)


def _no_store(headers: dict[str, str] | None) -> dict[str, str]:
    return {"cache-control": "no-store", **(headers or {})}


def _log(request: Request[Any, Any, Any], status: int, *, reference: str) -> None:
    # The path without its query: a query may hold a phone number or a token.
    details = {"reference": reference, "status": status, "method": request.method, "path": request.scope["path"]}
    if status >= 500:
        log.exception("request failed", extra=details)
    else:
        log.info("request refused", extra=details)


def portal_error(request: Request[Any, Any, Any], error: PortalError) -> Response[Any]:
    """An error with a meaning: its own status and sentence."""
    language: Language = language_of(request)
    headers = {"retry-after": str(max(1, round(error.retry_after)))} if isinstance(error, TooMany) else None
    message = language.say(error.message, error.params)
    return _answer(request, error.status_code, message=message, headers=headers)


def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """An error of the framework: no such path, wrong method, body too large, a parameter that does not parse."""
    allow = {"allow": error.headers["allow"]} if error.headers and "allow" in error.headers else None
    return _answer(request, error.status_code, headers=allow)


def bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Everything else is a defect of ours."""
    del error  # it is the exception being handled: the log line takes its traceback from there
    return _answer(request, 500)


HANDLERS: dict[int | type[Exception], Any] = {PortalError: portal_error, HTTPException: http_error, Exception: bug}
