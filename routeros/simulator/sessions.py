"""What the hotspot knows of a phone: its host row, its active session, and the counters kept in the user row.

Plain records with their arithmetic; who may log in and when a session ends is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from routeros.simulator.radius.grants import Grant
from routeros.simulator.tables import Row


@dataclass(slots=True)
class Counters:
    """Traffic seen from the router: `bytes_in` is what the client sent (upload)."""

    bytes_in: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    packets_out: int = 0

    def add(self, bytes_in: int, bytes_out: int, packets_in: int, packets_out: int) -> None:
        """Count traffic."""
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        self.packets_in += packets_in
        self.packets_out += packets_out

    def as_list(self) -> list[int]:
        """Return the four numbers in the order of the fields."""
        return [self.bytes_in, self.bytes_out, self.packets_in, self.packets_out]

    def copy(self) -> Counters:
        """Return the same numbers in a record of their own."""
        return Counters(*self.as_list())


@dataclass(slots=True)
class Usage:
    """The counters of a hotspot user row, over all its ended sessions. `uptime` in seconds."""

    uptime: float = 0.0
    traffic: Counters = field(default_factory=Counters)


@dataclass(slots=True)
class Host:
    """A phone seen on the network. `kind` comes from ip-binding: regular, bypassed or blocked."""

    id: str
    ip: str
    mac: str
    server: str
    since: datetime
    last_seen_at: datetime
    to_address: str = ""
    kind: str = "regular"
    found_by: str = "DHCP"
    #: When the phone left the network; None while it is reachable.
    lost_at: datetime | None = None
    is_authorized: bool = False
    #: RADIUS refused the phone's MAC address as a user; it is not asked again while the row lives.
    is_mac_refused: bool = False
    traffic: Counters = field(default_factory=Counters)

    @property
    def is_bypassed(self) -> bool:
        """Say whether an ip-binding lets the phone through without login."""
        return self.kind == "bypassed"

    @property
    def is_blocked(self) -> bool:
        """Say whether an ip-binding shuts the phone out."""
        return self.kind == "blocked"


@dataclass(slots=True)
class Active:
    """A logged-in session. Times in seconds; None means no limit.

    `budget` is the session time left at login: the least of session-timeout and what `limit-uptime` leaves.
    """

    id: str
    ip: str
    mac: str
    user: str
    user_row: Row | None
    profile: str
    server: str
    login_by: str
    domain: str
    started_at: datetime
    last_traffic_at: datetime
    budget: float | None = None
    session_timeout: float | None = None
    is_uptime_limited: bool = False
    idle_timeout: float | None = None
    keepalive_timeout: float | None = None
    limit_bytes_in: int | None = None
    limit_bytes_out: int | None = None
    limit_bytes_total: int | None = None
    traffic: Counters = field(default_factory=Counters)
    #: What of it already stands in the user row (0 unless the router flushes counters during a session).
    flushed: Usage = field(default_factory=Usage)
    #: Ids of its dynamic rows in `/queue/simple` and `/ip/firewall/address-list`, empty without.
    queue_id: str = ""
    list_id: str = ""
    #: What a RADIUS server granted it; None for users of the router itself.
    grant: Grant | None = None
    #: The clear password of a RADIUS login, where the router learnt it; the cookies it keeps need it.
    password: str | None = None
    #: Its Acct-Session-Id; empty while RADIUS hears nothing of it. And when RADIUS is told of it next.
    accounting_id: str = ""
    told_next_at: datetime | None = None
    #: Logout cause as the log words it, and when; empty and None while it runs.
    end_cause: str = ""
    ended_at: datetime | None = None

    def uptime(self, now: datetime) -> float:
        """Return the seconds since login."""
        return max(0.0, (now - self.started_at).total_seconds())

    def time_left(self, now: datetime) -> float | None:
        """Return the seconds until the session's time runs out, None when it never does."""
        return None if self.budget is None else max(0.0, self.budget - self.uptime(now))

    def ends_at(self) -> datetime | None:
        """Return the instant the session's time runs out, None when it never does."""
        return None if self.budget is None else self.started_at + timedelta(seconds=self.budget)

    def is_over_traffic(self) -> bool:
        """Say whether a byte limit is reached."""
        seen = self.traffic
        pairs = (
            (self.limit_bytes_in, seen.bytes_in),
            (self.limit_bytes_out, seen.bytes_out),
            (self.limit_bytes_total, seen.bytes_in + seen.bytes_out),
        )
        return any(limit is not None and used >= limit for limit, used in pairs)


@dataclass(slots=True)
class Cookie:
    """A login the router remembers: an http cookie (has `value`) or a mac-cookie (has none).

    It keeps the credentials of the login, so it dies with them.
    """

    id: str
    user: str
    password: str
    mac: str
    domain: str
    expires_at: datetime
    value: str | None = None

    @property
    def is_mac_cookie(self) -> bool:
        """Say whether the login is remembered by MAC address alone."""
        return self.value is None
