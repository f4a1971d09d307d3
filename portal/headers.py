"""What every answer carries against framing, sniffing, leaking and foreign code; and whom an answer is from.

The content security policy is strict for all; a page that needs more (a hashed inline style, a form that posts to the
router) says so to `web.render`, which asks for its own policy here. Not the caching rules: those are web's.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from portal.config import Network, Settings

_POWERS = ("accelerometer", "camera", "geolocation", "gyroscope", "magnetometer", "microphone", "payment", "usb")
_YEAR_S = 31_536_000


def csp_hash(text: str) -> str:
    """How a policy names one inline <style> or <script>: `'sha256-…'` of exactly what stands between the tags."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@dataclass(frozen=True, slots=True)
class Inline:
    """The inline pieces a page needs, as `csp_hash` gives them."""

    styles: Sequence[str] = ()
    scripts: Sequence[str] = ()
    #: Pictures that stand in the page itself, as data: addresses.
    has_pictures: bool = False


class Policy:
    """The headers of this installation: who may frame it, and whether it is reached by https."""

    def __init__(self, *, frame_ancestors: str, is_https: bool) -> None:
        self._frame_ancestors = frame_ancestors
        self.headers: dict[str, str] = {
            "content-security-policy": self.content_security(),
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": ", ".join(f"{power}=()" for power in _POWERS),
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        }
        if is_https:
            self.headers["strict-transport-security"] = f"max-age={_YEAR_S}; includeSubDomains"

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        """The policy these settings ask for."""
        return cls(frame_ancestors=settings.frame_ancestors, is_https=settings.base_url.startswith("https://"))

    def content_security(self, inline: Inline | None = None, *, form_action: Sequence[str] = ()) -> str:
        """The policy's text; `form_action` are further origins a form may post to, such as `http://10.5.50.1`."""
        extra = inline or Inline()
        return "; ".join(
            (
                "default-src 'none'",
                " ".join(("script-src", "'self'", *extra.scripts)),
                " ".join(("style-src", "'self'", *extra.styles)),
                "img-src 'self' data:" if extra.has_pictures else "img-src 'self'",
                "connect-src 'self'",
                " ".join(("form-action", "'self'", *form_action)),
                "base-uri 'none'",
                f"frame-ancestors {self._frame_ancestors}",
            )
        )

    async def before_send(self, message: Message, _scope: Scope) -> None:
        """Add what an answer lacks; Litestar calls it for each one, its own errors included."""
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            for name, value in self.headers.items():
                if name not in headers:
                    headers[name] = value


def client_address(connection: ASGIConnection[Any, Any, Any, Any], trusted: Sequence[Network]) -> str:
    """The address a request comes from. X-Forwarded-For counts only from a trusted proxy: read from the right, the
    first address that is no proxy of ours. "" when the server does not know (a UNIX socket)."""
    peer = connection.client.host if connection.client else ""
    forwarded = connection.headers.getall("x-forwarded-for", [])
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    while hops and _is_in(peer, trusted):
        peer = hops.pop()
    return peer if _is_address(peer) else ""


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    # A zone ("%eth0") may be as long as one likes and means nothing away from its own machine.
    if "%" in text:
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def safe_next(target: str | None, *, fallback: str = "/") -> str:
    """A path of ours to go on to, or `fallback`: never another host, whatever browsers make of odd slashes."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return fallback
    if "\\" in target or any(ord(char) < 0x21 or ord(char) == 0x7F for char in target):
        return fallback
    return target
