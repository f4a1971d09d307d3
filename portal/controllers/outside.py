"""What the pages for people who are not signed in share: the form token they hang on, words for what is wrong, what was typed."""

from typing import Any

from litestar import Request, Response

from portal import guards, i18n
from portal.errors import Invalid, PortalError
from portal.web import language_of, render

AnyRequest = Request[Any, Any, Any]
#: How long the cookie between the password and the second step lasts, and the longest text of a form.
LIFE_OF_STEP_S, _LONGEST = 300, 20_000


async def outside(request: AnyRequest, template: str, *, status: int = 200, **context: object) -> Response[str]:
    """A page that needs no session."""
    csrf, cookies = await guards.anchored(request)
    values = {"csrf": csrf, "languages": i18n.NAMES, "path": request.url.path, "token": "", "wrong": {}, **context}
    return render(request, template, values, status=status, cookies=cookies)


async def typed_in(request: AnyRequest) -> dict[str, str]:
    """The form's texts; files are none."""
    sent = await request.form()
    return {name: value[:_LONGEST] for name, value in sent.items() if isinstance(value, str)}


def wrong_words(request: AnyRequest, error: PortalError | None) -> str:
    """One sentence about what went wrong, in the page's language; "" for nothing."""
    if error is None:
        return ""
    fields = error.fields if isinstance(error, Invalid) else {}
    return language_of(request).say(next(iter(fields.values()), error.message), error.params)


def as_json(text: str) -> Response[str]:
    """JSON for a script of ours, kept by nobody."""
    return Response(text, media_type="application/json", headers={"cache-control": "no-store"})
