"""Which addresses Daraja takes for callbacks. Pure; nothing is looked up or asked.

Source: Daraja documentation, C2B "Register URL", URL requirements, and its FAQ; an upper-case host is suspected of being refused.
"""

import re
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

#: Refused in any case, anywhere in the address.
BANNED_WORDS = ("m-pesa", "mpesa", "safaricom", "exec", "exe", "cmd", "sql", "query")
#: Public testers, "usually blocked".
BANNED_HOSTS = ("ngrok", "mockbin", "requestbin")
_LONGEST = 255


class Fault(StrEnum):
    """What Daraja would not like about an address."""

    FORM = "form"  # not an address, or with characters that do not survive
    UPPER_CASE = "upper_case"
    NOT_HTTPS = "not_https"
    NOT_PUBLIC = "not_public"
    BANNED_WORD = "banned_word"
    PUBLIC_TESTER = "public_tester"


def is_callback_url(url: str) -> bool:
    """Whether it has the form of one: scheme, host and path in lower case, without a question mark."""
    if not re.fullmatch(r"https?://[a-z0-9.:\[\]-]+/[a-z0-9._~/-]*", url) or len(url) > _LONGEST:
        return False
    parts = _split(url)
    return parts is not None and bool(parts.hostname)


def faults_of(url: str, *, environment: str) -> list[tuple[Fault, str]]:
    """Everything wrong with an address, each with the part that is wrong; empty when Daraja should take it.

    The sandbox takes http; loopback (the simulator) takes this machine's own addresses as well.
    """
    parts = _split(url.lower())
    if parts is None or not is_callback_url(url.lower()):
        return [(Fault.FORM, url[:_LONGEST])]
    host = parts.hostname or ""
    found = [(Fault.UPPER_CASE, host)] if url != url.lower() else []
    if environment == "production" and parts.scheme != "https":
        found.append((Fault.NOT_HTTPS, parts.scheme))
    if environment != "loopback" and not _is_public(host):
        found.append((Fault.NOT_PUBLIC, host))
    if word := next((word for word in BANNED_WORDS if word in url.lower()), None):
        found.append((Fault.BANNED_WORD, word))
    if tester := next((name for name in BANNED_HOSTS if name in host), None):
        found.append((Fault.PUBLIC_TESTER, tester))
    return found


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return None
    return parts


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".localhost", ".internal", ".test", ".invalid"))
