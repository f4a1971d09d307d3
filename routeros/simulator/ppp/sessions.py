"""A dialled-in session and what rules it: the secret, its profile, and the default profile of the server it came in by.

Plain records and their arithmetic. Order of settings: MikroTik manual, PPP AAA (the secret first, then its profile, then
the default profile of the service; single addresses before pools).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from routeros.simulator import values
from routeros.simulator.sessions import Counters
from routeros.simulator.tables import Row, Tables

SECRET, PROFILE, POOL = "/ppp/secret", "/ppp/profile", "/ip/pool"
#: Why a session ended, as `last-disconnect-reason` words it (MikroTik manual, PPP, command reference: these are the causes
#: of RFC 2866). Which of them an operator's removal and a used-up byte limit are, is inferred from that list.
PEER, LOST, IDLE, TIME_UP, REMOVED, REBOOT, ASKED = (
    *("peer-request", "hung-up", "idle-timeout", "session-timeout"),
    *("reset", "reboot", "nas-request"),
)


class DialRefused(Exception):  # noqa: N818  (what the client is told)
    """No session; the text is what the router's log says."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What rules a session, the first row that says something counting."""

    rows: tuple[Row, ...]

    def text(self, name: str) -> str:
        """Return a property; `default` and an absent one leave it to the next row."""
        found = (row.get(name) for row in self.rows)
        return next((value for value in found if value not in {"", "default"}), "")

    def address(self, name: str) -> str:
        """Return an address or the name of a pool, "" without: an address anywhere goes before a pool."""
        found = [value for row in self.rows if (value := row.get(name)) not in {"", "0.0.0.0"}]
        return next((value for value in found if _is_address(value)), found[0] if found else "")

    def limit(self, name: str) -> float | None:
        """Return a time limit in seconds, None without."""
        return values.parse_limit(self.text(name))


@dataclass(slots=True, eq=False)
class Dialin:
    """A running session. `traffic` is seen from the router: bytes_in is what the client sent."""

    id: str
    user: str
    mac: str
    address: str
    #: Its row of `/ppp/secret`, and names of profile, PPPoE server interface and own interface.
    secret: Row
    profile: str
    served_on: str
    interface: str
    started_at: datetime
    last_traffic_at: datetime
    session_timeout: float | None = None
    idle_timeout: float | None = None
    #: Seconds of silence after which a client out of reach is given up; None: never.
    keepalive: float | None = None
    limit_bytes_in: int | None = None
    limit_bytes_out: int | None = None
    lost_at: datetime | None = None
    traffic: Counters = field(default_factory=Counters)
    #: Paths and ids of its dynamic rows.
    rows: list[tuple[str, str]] = field(default_factory=list)

    def uptime(self, now: datetime) -> int:
        """Return whole seconds since it began."""
        return max(0, int((now - self.started_at).total_seconds()))

    def due(self) -> tuple[datetime, str] | None:
        """Return when it ends if nothing happens, and why."""
        ends = [
            (since + timedelta(seconds=span), reason)
            for since, span, reason in (
                (self.started_at, self.session_timeout, TIME_UP),
                (self.last_traffic_at, self.idle_timeout, IDLE),
                (self.lost_at, self.keepalive, LOST),
            )
            if since is not None and span is not None
        ]
        return min(ends, default=None)

    def is_over_traffic(self) -> bool:
        """Say whether a byte limit is reached; both are per session."""
        pairs = ((self.limit_bytes_in, self.traffic.bytes_in), (self.limit_bytes_out, self.traffic.bytes_out))
        return any(limit is not None and used >= limit for limit, used in pairs)


def settings_for(tables: Tables, secret: Row, default_profile: str) -> Settings:
    """Gather the rows that rule a session. A profile that was removed under its secret says nothing."""
    profiles = [*tables[PROFILE].named(secret.get("profile")), *tables[PROFILE].named(default_profile)]
    return Settings((secret, *dict.fromkeys(profiles)))


def free_address(tables: Tables, wanted: str, taken: Collection[str]) -> str:
    """Return `wanted` itself or the first free address of the pool of that name. Raises DialRefused."""
    if _is_address(wanted):
        return wanted
    for pool in tables[POOL].named(wanted):
        for address in _addresses(pool.get("ranges")):
            if address not in taken:
                return address
    raise DialRefused("could not acquire a remote address" if wanted else "could not determine remote address")


def _addresses(ranges: str) -> Iterator[str]:
    for span in ranges.split(","):
        first, _, last = span.strip().partition("-")
        if "/" in first:
            yield from (str(each) for each in ipaddress.IPv4Network(first, strict=False).hosts())
            continue
        low, high = int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last or first))
        yield from (str(ipaddress.IPv4Address(each)) for each in range(low, high + 1))


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
