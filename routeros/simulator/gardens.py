"""The walled garden: which requests of a phone that is not logged in pass. First matching rule decides.

Rules: MikroTik manual, HotSpot, Walled Garden. Patterns use `*` and `?`, or are a regular expression after a colon.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from routeros.simulator import values
from routeros.simulator.tables import Row


@dataclass(frozen=True, slots=True)
class Request:
    """One request of one phone. `dst_address` is the IPv4 address of `host` when it is known."""

    host: str
    port: int
    path: str
    method: str
    ip: str
    server: str
    dst_address: str = ""


@dataclass(slots=True)
class Garden:
    """The two rule tables with what memory keeps of them: hits, and the names the router saw resolved."""

    host_rules: Iterable[Row]
    ip_rules: Iterable[Row]
    #: Host rules only match names in `dns_seen`.
    needs_dns: bool
    hits: dict[Row, int] = field(default_factory=dict)
    dns_seen: set[str] = field(default_factory=set)

    def passes(self, request: Request) -> bool:
        """Decide on one request: ip rules (the firewall's) first, then host rules; without a match it does not pass."""
        verdict = decide_by_ip(self.ip_rules, request, self.hits)
        if verdict is None and (not self.needs_dns or request.host.lower() in self.dns_seen):
            verdict = decide_by_host(self.host_rules, request, self.hits)
        return bool(verdict)

    def forget(self) -> None:
        """Lose hits and names, as at a boot."""
        self.hits.clear()
        self.dns_seen.clear()


def matches_pattern(pattern: str, word: str) -> bool:
    """Match without case: a glob over the whole word, or a regular expression anywhere when it starts with `:`."""
    if pattern.startswith(":"):
        try:
            return re.search(pattern[1:], word, re.IGNORECASE) is not None
        except re.error:
            return False
    return fnmatch.fnmatchcase(word.lower(), pattern.lower().replace("[", "[[]"))


def matches_port(spec: str, port: int) -> bool:
    """Match `80`, `80,443` or `8000-8010`."""
    for part in spec.split(","):
        low, dash, high = part.partition("-")
        if low.isdigit() and (int(low) <= port <= int(high) if dash and high.isdigit() else int(low) == port):
            return True
    return False


def decide_by_ip(rules: Iterable[Row], request: Request, hits: dict[Row, int]) -> bool | None:
    """Ask `/ip/hotspot/walled-garden/ip`: True accept, False drop or reject, None no rule matches."""
    for rule in rules:
        if not rule.is_disabled and _matches_source(rule, request) and _matches_target(rule, request):
            hits[rule] = hits.get(rule, 0) + 1
            return rule.get("action", "accept") == "accept"
    return None


def decide_by_host(rules: Iterable[Row], request: Request, hits: dict[Row, int]) -> bool | None:
    """Ask `/ip/hotspot/walled-garden`: True allow, False deny, None no rule matches."""
    for rule in rules:
        if rule.is_disabled or not _matches_source(rule, request):
            continue
        patterns = (("dst-host", request.host), ("path", request.path))
        if any(rule.get(name) and not matches_pattern(rule.get(name), word) for name, word in patterns):
            continue
        if rule.get("method") and rule.get("method").upper() != request.method.upper():
            continue
        if rule.get("dst-port") and not matches_port(rule.get("dst-port"), request.port):
            continue
        hits[rule] = hits.get(rule, 0) + 1
        return rule.get("action", "allow") == "allow"
    return None


def _matches_source(rule: Row, request: Request) -> bool:
    if rule.get("server", "all") not in {"all", request.server}:
        return False
    return not rule.get("src-address") or values.in_range(request.ip, rule.get("src-address"))


def _matches_target(rule: Row, request: Request) -> bool:
    if rule.get("src-address-list") or rule.get("dst-address-list"):
        return False  # address lists are not modelled for the garden, so such a rule never matches
    if rule.get("protocol") not in {"", "tcp", "6"}:
        return False
    if rule.get("dst-port") and not matches_port(rule.get("dst-port"), request.port):
        return False
    # The router resolves the name of an ip rule itself, so it takes one plain name, no pattern.
    if rule.get("dst-host") and rule.get("dst-host").lower() != request.host.lower():
        return False
    if rule.get("dst-address"):
        address = request.dst_address or request.host
        return _is_ipv4(address) and values.in_range(address, rule.get("dst-address"))
    return True


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
