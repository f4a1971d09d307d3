"""The attributes of a hotspot's Access-Requests and Accounting-Requests. Builds them; sends nothing.

Source: MikroTik manual, RADIUS (Access-Request, Accounting-Request); numbers: RFC 2865, 2866, 2869.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final, Literal

from routeros.simulator.attempts import Attempt
from routeros.simulator.radius.grants import CLASS, MIKROTIK, address
from routeros.simulator.radius.packets import Attribute, hide_password
from routeros.simulator.sessions import Active, Counters

_WISPR: Final = 14122
_PORT_TYPES = {"ethernet": 15, "cable": 17, "wireless-802.11": 19}
#: Acct-Terminate-Cause by the words of the hotspot's log (RFC 2866, 5.10; which is which partly inferred).
CAUSES: Final = {
    "user request": 1,
    "keepalive timeout": 3,
    "idle timeout": 4,
    "session timeout": 5,
    "admin reset": 6,
    "traffic limit reached": 10,
    "hotspot service is shutting down": 11,
}
_MASK = 0xFFFFFFFF
Kind = Literal["start", "stop", "interim"]
_STATUS: dict[Kind, int] = {"start": 1, "stop": 2, "interim": 3}


def number(kind: int, value: int, vendor: int = 0) -> Attribute:
    """A four byte number."""
    return vendor, kind, (value & _MASK).to_bytes(4, "big")


def text(kind: int, value: str, vendor: int = 0) -> Attribute:
    """A text, cut to what an attribute holds."""
    return vendor, kind, value.encode("utf-8", "surrogateescape")[: 247 if vendor else 253]


def of_site(
    server: Mapping[str, str], profile: Mapping[str, str], *, identity: str, nas_ip: str, realm: str = ""
) -> list[Attribute]:
    """What every request says of the router: server and profile are the rows' values."""
    found = [
        text(32, identity),
        (0, 4, address(nas_ip)),
        number(61, _PORT_TYPES.get(profile.get("nas-port-type", ""), 19)),
        text(87, server.get("interface", "")),
        text(30, server.get("name", "")),
    ]
    for kind, name in ((1, "radius-location-id"), (2, "radius-location-name")):
        if profile.get(name):
            found.append(text(kind, profile[name], _WISPR))
    host = profile.get("dns-name") or profile.get("hotspot-address", "")
    found.append(text(3, f"http://{host}/logout", _WISPR))
    return [*found, *([text(9, realm, MIKROTIK)] if realm else [])]


def of_phone(
    *, user: str, mac: str, ip: str, host_ip: str, domain: str, session_id: str, realm: str = ""
) -> list[Attribute]:
    """What every request says of the phone and its session."""
    found = [
        text(1, user),
        text(31, mac),
        text(44, session_id),
        number(5, 0x80000000 | int(session_id[-6:], 16)),
        (0, 8, address(ip)),
        (MIKROTIK, 10, address(host_ip)),
    ]
    if domain:
        found.append(text(10, domain, 311))
        if not realm:
            found.append(text(9, domain, MIKROTIK))
    return found


def of_secret(attempt: Attempt, *, secret: bytes, authenticator: bytes) -> list[Attribute]:
    """The password, hidden, or the answer to the challenge."""
    if attempt.by == "http-chap":
        answer = (attempt.chap_id or b"\0") + bytes.fromhex(attempt.chap_response or "")
        return [(0, 3, answer), (0, 60, attempt.chap_challenge or b"")]
    password = (attempt.password or "").encode("utf-8", "surrogateescape")
    return [(0, 2, hide_password(password, secret=secret, authenticator=authenticator))]


def of_form(fields: tuple[tuple[str, str], ...]) -> list[Attribute]:
    """The `radius<id>[-<vendor>][u]` fields of the login form. What is no such field, or no number, is passed over."""
    found: list[Attribute] = []
    for name, value in fields:
        kind, _, vendor = name.removeprefix("radius").removesuffix("u").partition("-")
        if not kind.isdecimal() or not (vendor.isdecimal() or not vendor) or not 0 < int(kind) < 256:
            continue
        if not name.endswith("u"):
            found.append(text(int(kind), value, int(vendor or 0)))
        elif value.isdecimal():
            found.append(number(int(kind), int(value), int(vendor or 0)))
    return found


def of_usage(kind: Kind, active: Active, *, seconds: float, is_upload_out: bool) -> list[Attribute]:
    """Acct-Status-Type, and for updates and stops what was used. `is_upload_out`: Output is the client's upload."""
    classes: list[Attribute] = [(0, 25, value) for value in (active.grant.values(CLASS) if active.grant else [])]
    found = [number(40, _STATUS[kind]), *classes]
    if kind == "start":
        return found
    seen = active.traffic
    if is_upload_out:
        seen = Counters(seen.bytes_out, seen.bytes_in, seen.packets_out, seen.packets_in)
    found += [number(46, int(seconds)), number(42, seen.bytes_in), number(52, seen.bytes_in >> 32)]
    found += [number(43, seen.bytes_out), number(53, seen.bytes_out >> 32)]
    found += [number(47, seen.packets_in), number(48, seen.packets_out)]
    if kind == "stop":
        found.append(number(49, CAUSES.get(active.end_cause, 1)))
    return found


def is_address(text_: str) -> bool:
    """Say whether a text is an IPv4 address other than 0.0.0.0."""
    try:
        return int(ipaddress.IPv4Address(text_)) != 0
    except ValueError:
        return False
