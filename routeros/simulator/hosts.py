"""The host table: phones seen on the network, before and after login. Applies ip-bindings and idle removal.

Rules: MikroTik manual, HotSpot, Hosts and IP Bindings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from routeros.simulator import values
from routeros.simulator.sessions import Host
from routeros.simulator.tables import Row


@dataclass(slots=True)
class HostTable:
    """Hosts by address."""

    hosts: dict[str, Host] = field(default_factory=dict)
    _count: int = 0

    def see(self, mac: str, ip: str, *, server: str, now: datetime) -> Host:
        """Create or refresh the row of a phone. An address that changed hands starts a new row."""
        host = self.hosts.get(ip)
        if host is None or host.mac != mac:
            self._count += 1
            host = Host(f"*{self._count:X}", ip, mac, server, now, now, to_address=ip)
            self.hosts[ip] = host
        host.last_seen_at, host.lost_at = now, None
        return host

    def restore(self, hosts: Iterable[Host]) -> None:
        """Take saved rows instead of those there are."""
        self.hosts = {host.ip: host for host in hosts}
        self._count = max((int(host.id[1:], 16) for host in self.hosts.values()), default=self._count)

    def with_mac(self, mac: str) -> list[Host]:
        """Return the rows of one MAC address."""
        return [host for host in self.hosts.values() if host.mac == mac]

    def make_room(self, mac: str, limit: int | None) -> Host | None:
        """Drop and return the longest silent row of a MAC address that has more than `limit`, unless logged in."""
        mine = self.with_mac(mac)
        if limit is None or len(mine) <= limit:
            return None
        silent = min((h for h in mine if not h.is_authorized), key=lambda h: h.last_seen_at, default=None)
        if silent is not None:
            self.remove(silent)
        return silent

    def remove(self, host: Host) -> None:
        """Drop a row; harmless when it is gone already."""
        if self.hosts.get(host.ip) is host:
            del self.hosts[host.ip]

    def expire(self, now: datetime, server: Row) -> None:
        """Drop rows of phones not logged in: silent, out of reach or undecided for longer than the server says."""
        idle, keepalive, login = (
            values.parse_limit(server.get(f"{name}-timeout")) for name in ("idle", "keepalive", "login")
        )
        for host in list(self.hosts.values()):
            if host.is_authorized:
                continue
            undecided_since = None if host.is_bypassed else host.since
            spans = ((host.last_seen_at, idle), (host.lost_at, keepalive), (undecided_since, login))
            if any(at is not None and span and now >= at + timedelta(seconds=span) for at, span in spans):
                self.remove(host)


def binding_for(rules: Iterable[Row], mac: str, ip: str, server: str) -> Row | None:
    """Return the first enabled ip-binding that fits a phone."""
    for rule in rules:
        if rule.is_disabled or rule.get("server", "all") not in {"all", server}:
            continue
        if not rule.get("mac-address") and not rule.get("address"):
            continue
        if rule.get("mac-address") and rule.get("mac-address") != mac:
            continue
        if rule.get("address") and not values.in_range(ip, rule.get("address")):
            continue
        return rule
    return None
