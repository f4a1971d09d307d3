"""Links a phone brings to the captive pages: which are believed, and what they become. Pure.

Everything a router's redirect carries passes through the phone, so anybody may have written it. A link is taken apart,
checked and put together anew from the parts that were believed; nothing here fetches or redirects.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

#: Longer addresses are not carried along: they would blow up every link of a page that must stay small.
LONGEST_ONWARD = 512

_LOGIN = re.compile(r"(https?)://([a-z0-9.-]{1,253})(?::([0-9]{1,5}))?/login", re.IGNORECASE)
# Printable ASCII without what no browser leaves unescaped in an address: space, quotes, angle brackets, backslash.
_ONWARD = re.compile(r"(https?)://([a-z0-9.-]{1,253})(?::([0-9]{1,5}))?([/?#][!#-;=?-\[\]-~]*)?", re.IGNORECASE)
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_OWN_PAGE = re.compile(
    r"(?:/w/(?P<token>[0-9a-f]{64})|/c/(?P<site>[0-9a-zA-Z-]{1,32})/buy/(?P<package>[0-9]{1,18})"
    r"|/v/(?P<handle>[0-9A-Z]{1,20}))(?:[?#].*)?"
)
# Another router's login page with a page to return to: asked for behind this router, it is intercepted as any page is.
_ELSEWHERE = re.compile(
    r"https?://[a-z0-9.-]{1,253}(?::[0-9]{1,5})?/login\?dst=([A-Za-z0-9%._~-]{1,400})", re.IGNORECASE
)

# Pages that phones fetch by themselves to find out whether they are online; nobody wanted to read one.
_PROBE_HOSTS = frozenset(
    {
        "captive.apple.com",
        "clients3.google.com",
        "connect.rom.miui.com",
        "connectivitycheck.android.com",
        "connectivitycheck.gstatic.com",
        "connectivitycheck.platform.hicloud.com",
        "detectportal.firefox.com",
        "ipv6.msftconnecttest.com",
        "www.msftconnecttest.com",
        "www.msftncsi.com",
    }
)
_PROBE_PATHS = ("/generate_204", "/gen_204", "/hotspot-detect.html", "/connecttest.txt", "/ncsi.txt")


class Onward(NamedTuple):
    """Where the customer wanted to go: the address, and its host as it is shown in words."""

    url: str
    host: str


class OwnPage(NamedTuple):
    """A page of ours a phone comes back to: the page of a checkout, the form of a package at a site, or that of a shop's cards."""

    token: str | None
    site: str | None
    package_id: int | None
    handle: str | None = None


def login_link(text: str, hosts: Sequence[str]) -> str | None:
    """The hotspot's login page, from `link-login-only` as the phone told it and the router's registered hosts.

    Believed only when it is http or https, a registered host (`"10.5.50.1"`, `"login.shop"` or `"host:port"`) and the
    path /login (MikroTik manual, HotSpot customisation); everything else becomes the first registered host's page.
    None: the router has no host registered, so there is nothing to send anybody to.
    """
    known = [host.strip().lower() for host in hosts if _is_authority(host.strip())]
    if not known:
        return None
    match = _LOGIN.fullmatch(text)
    if match is not None:
        scheme, host, port = match[1].lower(), match[2].lower(), match[3]
        authority = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
        if authority in known:
            return f"{scheme}://{authority}/login"
    return f"http://{known[0]}/login"


def status_link(login: str) -> str:
    """The hotspot's own status page beside its login page."""
    return f"{login.removesuffix('/login')}/status"


def login_and_return(login: str, page: str) -> str:
    """The login page that brings the phone back to `page`, with its present mac and ip told by the router.

    RouterOS hands `dst` on as link-orig to a phone that is logged out, and sends a logged-in one straight there.
    """
    return f"{login}?dst={quote(page, safe='')}"


def onward(text: str, *, not_hosts: Sequence[str] = ()) -> Onward | None:
    """Where to go after connecting, from `link-orig`; None when it is no ordinary link or nobody asked to go there.

    Ordinary: http or https, a plain ASCII host, no user part, no control characters, backslashes or quotes, at most
    512 characters. Refused as well: the probes of the operating systems, and `not_hosts` (the hotspot's, the portal's).
    """
    match = _ONWARD.fullmatch(text) if len(text) <= LONGEST_ONWARD else None
    if match is None:
        return None
    scheme, host, port, rest = match[1].lower(), match[2].lower(), match[3], match[4] or "/"
    if not _is_authority(host) or (port is not None and not 0 < int(port) < 65_536):
        return None
    authority = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{int(port)}"
    if (
        host in _PROBE_HOSTS
        or rest.startswith(_PROBE_PATHS)
        or {host, authority} & {name.lower() for name in not_hosts}
    ):
        return None
    return Onward(f"{scheme}://{authority}{rest if rest.startswith('/') else f'/{rest}'}", authority)


def own_page(text: str, base_url: str) -> OwnPage | None:
    """Which of our pages `link-orig` names, when it is one that sends phones by their router to learn mac and ip."""
    base = base_url.rstrip("/")
    elsewhere = _ELSEWHERE.fullmatch(text) if len(text) <= LONGEST_ONWARD else None
    if elsewhere is not None:
        text = unquote(elsewhere[1])
    if len(text) > LONGEST_ONWARD or not text.startswith(f"{base}/"):
        return None
    match = _OWN_PAGE.fullmatch(text.removeprefix(base))
    if match is None:
        return None
    package_id = int(match["package"]) if match["package"] else None
    return OwnPage(match["token"], match["site"], package_id, match["handle"])


def _is_authority(text: str) -> bool:
    host, colon, port = text.partition(":")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        return False
    return len(host) <= 253 and _HOST.fullmatch(host) is not None
