"""Our cookies: how they are named and what protects them. Captive pages and callbacks set none and depend on none."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from portal.config import Settings

#: A signed-in browser; the form token's anchor before that; the language chosen.
SESSION, FORM, LANGUAGE = "vocha_session", "vocha_form", "vocha_language"
#: Between the password and the second step; a browser that has signed in before.
SECOND, KNOWN = "vocha_second", "vocha_browser"
_LONGEST = 128

AnyConnection = ASGIConnection[Any, Any, Any, Any]


def _is_https(settings: Settings) -> bool:
    return settings.base_url.startswith("https://")


def cookie_name(name: str, settings: Settings) -> str:
    """On https with `__Host-`, which keeps other hosts and plain http from setting it."""
    return f"__Host-{name}" if _is_https(settings) else name


def make_cookie(name: str, value: str, *, settings: Settings, max_age: int | None = None) -> Cookie:
    """A cookie as all of ours are: this host, all paths, unseen by scripts, not sent along from other sites."""
    return Cookie(
        key=cookie_name(name, settings), value=value, path="/", httponly=True, samesite="lax",
        secure=_is_https(settings), max_age=max_age,
    )  # fmt: skip


def expired(name: str, *, settings: Settings) -> Cookie:
    """Takes a cookie away."""
    return make_cookie(name, "", settings=settings, max_age=0)


def cookie_of(connection: AnyConnection, name: str) -> str | None:
    """The value of one of our cookies; None when absent or longer than any we set."""
    value = connection.cookies.get(cookie_name(name, connection.app.state["settings"]))
    return value if value and len(value) <= _LONGEST else None
