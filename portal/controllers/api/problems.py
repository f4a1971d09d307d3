"""What the API refuses, as programs read it: application/problem+json (RFC 9457) for every error below /api, the framework's included.

`type` leads to the page of documentation; `errors` says which field (`pointer`, RFC 6901) or parameter is wrong, and in what words."""

import logging
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from portal.errors import Invalid, PortalError, TooMany
from portal.msgid import N_
from portal.patience import LOST_DATABASE

log = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]
Handlers = Mapping[int | type[Exception], Any]
MEDIA_TYPE = "application/problem+json"
PATH = "/api/"
DOCS = "/api/docs"
TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "No token, or one that does not work",
    403: "This token may not do that",
    404: "There is nothing here",
    405: "This address cannot do that",
    409: "Not as things stand now",
    410: "Too old",
    413: "Too much at once",
    415: "Send JSON",
    422: "Something in the request is wrong",
    429: "Too many requests",
    500: "Something went wrong on our side",
    502: "The payment provider did not answer as expected",
    503: "Not right now",
}


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with a request: in its body, named by a JSON pointer, or in a parameter."""

    detail: str
    pointer: str = ""
    parameter: str = ""


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error. `reference` finds it in our log."""

    type: str
    title: str
    status: int
    detail: str
    reference: str
    errors: list[Fault] = []


class Refusal(PortalError):  # noqa: N818  (reads as a sentence where it is raised)
    """A refusal of the API itself, with the words of its own."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, errors: Any = ()) -> None:
        super().__init__(detail.replace("%", "%%"))
        self.status_code = status
        self.headers = dict(headers or {})
        self.errors: list[Fault] = list(errors)


def is_ours(path: str) -> bool:
    """Whether an address is the API's."""
    return path.startswith(PATH) or path == PATH.rstrip("/")


def answer(
    request: AnyRequest, status: int, detail: str, *, errors: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:  # fmt: skip
    """The refusal as an answer."""
    reference = secrets.token_hex(4)
    known = {"reference": reference, "status": status, "method": request.method, "path": request.scope["path"]}
    if status >= 500:
        log.exception("request failed", extra=known)
    else:
        log.info("request refused", extra=known)
    body = ProblemBody(
        type=f"{DOCS}#{status}", title=TITLES.get(status, TITLES[500 if status >= 500 else 400]), status=status,
        detail=detail, reference=reference, errors=errors or [],
    )  # fmt: skip
    told = {"cache-control": "no-store", "content-language": "en", **(headers or {})}
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=told)


def _portal_error(request: AnyRequest, error: PortalError) -> Response[Any]:
    if isinstance(error, Refusal):
        return answer(request, error.status_code, str(error), errors=error.errors, headers=error.headers)
    headers = {"retry-after": str(max(1, round(error.retry_after)))} if isinstance(error, TooMany) else {}
    errors = (
        [_fault(request, name, words % error.params if error.params else words) for name, words in error.fields.items()]
        if isinstance(error, Invalid)
        else []
    )
    return answer(request, error.status_code, str(error), errors=errors, headers=headers)


def _fault(request: AnyRequest, name: str, words: str) -> Fault:
    is_body = request.method in ("POST", "PUT", "PATCH") and name not in request.query_params
    return Fault(detail=words, pointer=f"#/{_pointer(name)}") if is_body else Fault(detail=words, parameter=name)


def _pointer(name: str) -> str:
    return "/".join(part.replace("~", "~0").replace("/", "~1") for part in re.split(r"\.|\[|\]\.?", name) if part)


def _invalid(request: AnyRequest, error: ValidationException) -> Response[Any]:
    """What the framework found in a parameter or the body. An id no row can have is a row that is not there."""
    found = [one for one in error.extra if isinstance(one, dict)] if isinstance(error.extra, list) else []
    if any(one.get("source") == "path" for one in found):
        return answer(request, 404, _words(404))
    if not found and not _is_reading(request):
        return answer(
            request, 422, "The body is not what this address takes.", errors=[Fault(detail=error.detail, pointer="#")]
        )
    return answer(
        request, 422, "Something in the request is not as it should be.", errors=[_found(one) for one in found]
    )


def _is_reading(request: AnyRequest) -> bool:
    return request.method in ("GET", "HEAD")


def _found(one: Mapping[str, Any]) -> Fault:
    name, words = str(one.get("key", "")), str(one.get("message", ""))
    name = name.removeprefix("data.") if name != "data" else ""
    if one.get("source") in ("query", "header", "cookie"):
        return Fault(detail=words, parameter=name)
    inside = re.search(r" - at `\$\.?([^`]*)`", words)
    if inside:
        name, words = inside[1], words[: inside.start()]
    return Fault(detail=words, pointer=f"#/{_pointer(name)}" if name else "#")


def _http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return answer(request, error.status_code, _words(error.status_code), headers=headers)


def _words(status: int) -> str:
    return {
        400: "The body is no JSON that can be read.",
        404: N_("There is nothing here."),
        405: "Look at the header Allow.",
        413: "A request has at most 64 KB.",
    }.get(status, TITLES.get(status, TITLES[400]))


def _lost(request: AnyRequest, _: Exception) -> Response[Any]:
    return answer(request, 503, "The database does not answer. Try again.", headers={"retry-after": "10"})


def _bug(request: AnyRequest, _: Exception) -> Response[Any]:
    return answer(request, 500, "Try again. If it stays, tell us the reference.")


OURS: Mapping[type[Exception], Callable[..., Response[Any]]] = {
    PortalError: _portal_error,
    ValidationException: _invalid,
    HTTPException: _http_error,
    **dict.fromkeys(LOST_DATABASE, _lost),
    Exception: _bug,
}


def besides(others: Handlers) -> dict[int | type[Exception], Any]:
    """These handlers for everything else, and ours for what is asked of the API. No other kinds of errors than theirs are named:
    a finer one here would win over a coarser one that a part of the house has for itself."""

    def one(handler: Any) -> Any:
        def handle(request: AnyRequest, error: Exception) -> Any:
            if not is_ours(request.scope["path"]):
                return handler(request, error)
            return next(OURS[kind] for kind in type(error).__mro__ if kind in OURS)(request, error)

        return handle

    return {kind: one(handler) for kind, handler in others.items()}
