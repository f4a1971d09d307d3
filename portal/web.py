"""Pages and parts: `render()` answers a whole page, `swap()` the part htmx asked for. All HTMX and caching rules.

A page is a URL and extends a base; a part is `_name.html` with one root id, the same alone and inside its page.
Nothing rendered is ever cached. Errors: portal.error_pages; headers of every answer: portal.headers.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie
from markupsafe import Markup, escape

from portal import i18n
from portal.assets import Assets
from portal.charts import short_number
from portal.cookies import LANGUAGE, AnyConnection, cookie_of
from portal.durations import in_words
from portal.headers import Inline, Policy
from portal.i18n import Language
from portal.money import format_amount
from portal.phones import mask

__all__ = ["Inline", "Pages", "is_htmx", "language_of", "pages_of", "render", "see_other", "swap"]

FOLDER = Path(__file__).parent / "templates"
_NO_BREAK = "\u00a0"
_HTML = "text/html"


class Pages:
    """Templates with what they may use: translation, static addresses, and filters for money, phones and hours."""

    def __init__(self, assets: Assets, policy: Policy) -> None:
        self.assets = assets
        self.policy = policy
        self._environment = _environment(assets)

    def text(self, template: str, context: Mapping[str, object], *, language: Language) -> str:
        """One template, rendered in one language. A name that is missing in `context` is an error, not a blank."""
        with i18n.speaking(language):
            return self._environment.get_template(template).render(language=language, **context)


@functools.cache
def _environment(assets: Assets) -> Environment:
    """Compiling a template takes longer than any page: once per process, however many applications it has."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    # The i18n extension adds this method to the environment, unseen by the type checker.
    install: Callable[..., None] = vars(environment)["install_gettext_callables"]
    install(_gettext, _ngettext, newstyle=True)
    vars(environment)["globals"]["_"] = (
        _said  # the extension's own looks for `gettext` anew each time: a tenth of a page
    )
    vars(environment)["globals"]["asset"] = assets.url
    filters: dict[str, Callable[..., str]] = {
        "money": money, "phone": phone, "clock": clock, "day": day, "ago": ago, "ago_short": ago_short, "lasting": lasting,
        "initials": initials, "short_number": short_number, "second": second, "stamp": stamp,
    }  # fmt: skip
    vars(environment)["filters"].update(filters)
    return environment


def _gettext(message: str) -> str:
    return i18n.current().gettext(message)


def _said(message: str, **params: object) -> Markup:
    """`_()` in templates: a sentence, a percent sign in it written twice; its parameters are escaped. So is it itself, for a name
    of somebody's may be given where a word of ours is expected."""
    text: str = i18n.current().gettext(message)
    said = escape(text) if "<" in text or "&" in text else Markup(text)  # noqa: S704  (nothing in it that could be markup)
    return said % params if params else said.replace("%%", "%")


def _ngettext(singular: str, plural: str, n: int) -> str:
    return i18n.current().ngettext(singular, plural, n)


def money(cents: int, currency: str) -> str:
    """ "KES 1,250" that never breaks across lines."""
    return format_amount(cents, currency).replace(" ", _NO_BREAK)


def phone(number: str) -> str:
    """ "0712 ••• 678" that never breaks across lines."""
    return mask(number).replace(" ", _NO_BREAK)


def clock(at: datetime, zone: tzinfo) -> str:
    """ "14:12" where the merchant is."""
    return i18n.current().clock(at.astimezone(zone))


def second(at: datetime, zone: tzinfo) -> str:
    """ "14:12:05" where the merchant is: where the order of things matters."""
    return f"{at.astimezone(zone):%H:%M:%S}"


def stamp(at: datetime, zone: tzinfo) -> str:
    """ "2026-11-20 14:12:05 +0300": for texts that leave the page."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %z}"


def day(at: datetime, zone: tzinfo) -> str:
    """ "20 Nov" where the merchant is."""
    return i18n.current().short_day(at.astimezone(zone).date())


def ago(since: datetime, now: datetime) -> str:
    """ "18 minutes": how long something has lasted, rounded down to one unit, a minute at least."""
    seconds = max(60, int((now - since).total_seconds()))
    speaking = i18n.current()
    return in_words(seconds, speaking.gettext, ngettext=speaking.ngettext, most=1).replace(" ", _NO_BREAK)


def lasting(seconds: int) -> str:
    """ "2 hours 5 minutes": how long something took, two units at most."""
    speaking = i18n.current()
    return in_words(max(1, seconds), speaking.gettext, ngettext=speaking.ngettext, most=2).replace(" ", _NO_BREAK)


def ago_short(since: datetime, now: datetime) -> str:
    """ "18 min", for badges."""
    return i18n.current().short_length(int((now - since).total_seconds()))


def initials(name: str) -> str:
    """ "AW": of the first two words of a name."""
    return "".join(word[0].upper() for word in name.split()[:2])


def pages_of(connection: AnyConnection) -> Pages:
    """The application's pages."""
    return connection.app.state["pages"]


def language_of(connection: AnyConnection, *, fallback: str = i18n.SOURCE) -> Language:
    """The language to answer in: `?l=`, else the cookie, else Accept-Language, else `fallback` (the merchant's)."""
    return i18n.choose(
        asked=connection.query_params.get("l"),
        stored=cookie_of(connection, LANGUAGE),
        accept=connection.headers.get("accept-language", ""),
        fallback=fallback,
    )


def is_htmx(connection: AnyConnection) -> bool:
    """Whether htmx asks, and so wants a part."""
    return connection.headers.get("hx-request") == "true"


def render(
    request: AnyConnection,
    template: str,
    context: Mapping[str, object] | None = None,
    *,
    status: int = 200,
    language: Language | None = None,
    inline: Inline | None = None,
    form_action: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[Cookie] = (),
) -> Response[str]:
    """A whole page.

    `language` is chosen from the request when not given. `inline` names the inline style and script by hash, and
    `form_action` further origins the page's forms may post to; both only widen this one page's policy.
    """
    pages = pages_of(request)
    extra = {"cache-control": "no-store", **(headers or {})}
    if inline is not None or form_action:
        extra["content-security-policy"] = pages.policy.content_security(inline, form_action=form_action)
    text = pages.text(template, context or {}, language=language or language_of(request))
    return Response(text, status_code=status, media_type=_HTML, headers=extra, cookies=list(cookies))


def swap(
    request: AnyConnection,
    part: str,
    context: Mapping[str, object] | None = None,
    *,
    page: str | None = None,
    status: int = 200,
    language: Language | None = None,
) -> Response[str]:
    """The part htmx asked for; without htmx, `page` whole (or the part alone when there is no page for it).

    The two differ at one address, so caches are told by Vary, though nothing may be stored anyway.
    """
    template = part if is_htmx(request) or page is None else page
    vary = {"vary": "HX-Request"}
    return render(request, template, context, status=status, language=language, headers=vary)


def see_other(request: AnyConnection, path: str, *, cookies: Sequence[Cookie] = ()) -> Response[bytes]:
    """Go on to `path` after a form (303). htmx is told by HX-Redirect, as it would swap the next page into a part."""
    status, name = (200, "hx-redirect") if is_htmx(request) else (303, "location")
    headers = {name: path, "cache-control": "no-store"}
    return Response(b"", status_code=status, media_type="text/plain", headers=headers, cookies=list(cookies))
