"""What the hotspot does with one request of one phone: its own servlet, onwards, or the captive answer.

The order of the real firewall and proxy chains (MikroTik manual, HotSpot customisation, "Firewall customizations").
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from routeros.simulator.exchange import Request
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.proxy.targets import Resolve, dial_address


class Way(StrEnum):
    """Where a request goes."""

    SERVLET = "servlet"
    ONWARDS = "onwards"
    CAPTIVE = "captive"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Pass:
    """The decision on a request. `may_stay` says later whether what a login allowed is still allowed; None means the
    walled garden allowed it, and a logout changes nothing."""

    way: Way
    may_stay: Callable[[], bool] | None = None


def decide(hotspot: Hotspot, request: Request, *, mac: str, ip: str, resolve: Resolve | None = None) -> Pass:
    """See the phone, try its mac-cookie, and decide. Counts walled-garden hits."""
    hotspot.tick()
    if hotspot.server is None:  # no hotspot runs on the network: it is an open one
        return Pass(Way.ONWARDS)
    host = hotspot.see_host(mac, ip)
    if host.is_blocked:
        return Pass(Way.DROPPED)
    if is_own(hotspot, request):
        return Pass(Way.SERVLET)
    return _for_others(hotspot, request, mac=mac, ip=ip, resolve=resolve)


def _for_others(hotspot: Hotspot, request: Request, *, mac: str, ip: str, resolve: Resolve | None) -> Pass:
    if _is_bypassed(hotspot, ip):
        return Pass(Way.ONWARDS, lambda: _is_bypassed(hotspot, ip))
    session = hotspot.session(ip) or hotspot.cookie_login(ip, mac, None)
    if session is not None:
        return Pass(Way.ONWARDS, lambda: hotspot.session(ip) is session)
    path = "" if request.method == "CONNECT" else request.target
    dialled = dial_address(request.host, request.port, resolve)
    address = dialled[0] if dialled and ":" not in dialled[0] else ""
    if hotspot.walled_garden(request.host, request.port, path, request.method, ip, dst_address=address):
        return Pass(Way.ONWARDS)
    return Pass(Way.CAPTIVE)


def is_own(hotspot: Hotspot, request: Request) -> bool:
    """Whether the request is for the hotspot's servlet, by address or dns-name."""
    own = {str(hotspot.address), hotspot.dns_name.lower()} - {""}
    return request.host in own and request.port in {80, 443}


def _is_bypassed(hotspot: Hotspot, ip: str) -> bool:
    host = hotspot.host(ip)
    return host is not None and host.is_bypassed
