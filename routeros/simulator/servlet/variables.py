"""The variables of the servlet's pages, by the manual's names, for one visit of one phone.

Source: MikroTik manual, HotSpot customisation, "List of available variables". Builds text only; changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from routeros.simulator.exchange import Request
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.servlet.challenges import Challenge
from routeros.simulator.sessions import Active
from routeros.simulator.templates import escape, octal
from routeros.simulator.values import format_duration

_DURATIONS = ("uptime", "session-time-left", "session-timeout", "idle-timeout", "refresh-timeout")
_COUNTERS = ("bytes-in", "bytes-out", "packets-in", "packets-out")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(slots=True)
class Visit:
    """One request of one phone to the servlet, and what became of it so far.

    `session` and `numbers` are of the session the page speaks about (on logout.html the one just ended; then
    `is_logged_in` is false). `numbers` are seconds and bytes. `orig` is the URL the browser wanted, "" if unknown.
    """

    request: Request
    mac: str
    ip: str
    parameters: Mapping[str, str]
    target: str = ""
    orig: str = ""
    session: Active | None = None
    numbers: Mapping[str, int] = field(default_factory=dict[str, int])
    is_logged_in: bool = False
    error: str = ""
    error_orig: str = ""
    challenge: Challenge | None = None
    has_counters: bool = False
    link_redirect: str = ""


def links(hotspot: Hotspot, visit: Visit) -> dict[str, str]:
    """The link-* variables: always http (the manual calls them hard-coded), inside the visited subdirectory."""
    base = f"http://{hotspot.dns_name or hotspot.address}/" + (f"{visit.target}/" if visit.target else "")
    return {
        "link-login": f"{base}login?dst={escape(visit.orig)}" if visit.orig else f"{base}login",
        "link-login-only": f"{base}login",
        "link-logout": f"{base}logout",
        "link-status": f"{base}status",
        "link-orig": visit.orig,
        "link-redirect": visit.link_redirect,
    }


def page_variables(hotspot: Hotspot, visit: Visit) -> dict[str, str]:
    """Every variable of one page. What has no value is the empty string, a number of seconds without limit is 0."""
    server = hotspot.server
    found = {
        "hostname": hotspot.dns_name or hotspot.address,
        "identity": hotspot.identity,
        "server-address": f"{hotspot.address}:80",
        "server-name": hotspot.server_name,
        "plain-passwd": _yes("http-pap" in hotspot.login_by),
        "ssl-login": _yes(visit.request.is_secure),
        "ip": visit.ip,
        "mac": visit.mac,
        "interface-name": server.get("interface") if server else "",
        "logged-in": _yes(visit.is_logged_in),
        "trial": _yes(has_trial(hotspot, visit.mac)),
        "session-id": visit.parameters.get("session-id", ""),
        "var": visit.parameters.get("var", ""),
        "popup": "true" if visit.parameters.get("popup") in {"true", "on", "yes"} else "false",
        "target-dir": f"{visit.target}/" if visit.target else "",
        # Advertisements are not modelled: none is ever due, and nobody is held back by one.
        "advert-pending": "no",
        "blocked": "no",
        "link-advert": "",
        "vlan-id": "",
        "error": visit.error,
        "error-orig": visit.error_orig,
    }
    profile = hotspot.profile
    found["location-id"] = profile.get("radius-location-id") if profile else ""
    found["location-name"] = profile.get("radius-location-name") if profile else ""
    host = hotspot.host(visit.ip)
    found["host-ip"] = host.ip if host else visit.ip
    found |= links(hotspot, visit) | _headers(visit.request) | _who(visit) | _numbers(visit)
    if visit.session is not None and visit.session.grant is not None:
        found |= visit.session.grant.variables()
    if visit.challenge:
        found["chap-id"] = octal(visit.challenge.chap_id)
        found["chap-challenge"] = octal(visit.challenge.value)
    return found


def has_trial(hotspot: Hotspot, mac: str) -> bool:
    """Whether a trial login is offered to this phone: enabled, and its minutes are not used up."""
    if "trial" not in hotspot.login_by or hotspot.profile is None:
        return False
    return hotspot.trials.is_open(mac, hotspot.profile, now=hotspot.clock.now())


def nice(size: int) -> str:
    """Bytes for people: "15423" becomes "15.1 KiB"."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{size} B"


def _who(visit: Visit) -> dict[str, str]:
    """Name, domain and login method; `login-by-mac` is no variable of the manual, but of every stock status.html."""
    session = visit.session
    if session is None:
        asked = visit.parameters
        return {"username": asked.get("username", ""), "domain": asked.get("domain", ""), "login-by-mac": "no"}
    by = session.login_by
    return {"username": session.user, "domain": session.domain, "login-by": by, "login-by-mac": _yes(by == "mac")}


def _headers(request: Request) -> dict[str, str]:
    found = {f"http-header-{name}": value for name, value in request.headers}
    # Pages write the name as the header is usually spelled: $(http-header-User-Agent).
    found |= {f"http-header-{name.title()}": value for name, value in request.headers}
    return found | {"user-agent": request.header("user-agent")}


def _numbers(visit: Visit) -> dict[str, str]:
    numbers = dict(visit.numbers)
    if "session-time-left" in numbers:
        # The manual defines both as the session time left.
        numbers["session-timeout"] = numbers["session-time-left"]
    found: dict[str, str] = {}
    for name in _DURATIONS:
        value = numbers.get(name, 0)
        is_set = name in numbers and (value > 0 or name == "uptime")
        found[name] = format_duration(value) if is_set else ""
        found[f"{name}-secs"] = str(value)
    for way in ("in", "out"):
        for name in (f"limit-bytes-{way}", f"remain-bytes-{way}"):
            found[name] = str(numbers[name]) if name in numbers else "---"
    for name in ("limit-bytes-total", "remain-bytes-total"):
        found[name] = str(numbers[name]) if name in numbers else ""
    # Not in the manual; pages in the field print it.
    left = numbers.get("remain-bytes-total")
    found["remain-bytes-total-nice"] = "" if left is None else nice(left)
    if visit.has_counters:
        for name in _COUNTERS:
            found[name] = str(numbers.get(name, 0))
        for name in ("bytes-in", "bytes-out"):
            found[f"{name}-nice"] = nice(numbers.get(name, 0))
    return found


def _yes(value: bool) -> str:
    return "yes" if value else "no"
