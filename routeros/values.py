"""What a router holds, as frozen values: the rows the hotspot menus print and the address of the router itself.

Durations are whole seconds, sizes are bytes, rates as RouterOS writes them. `id` is the router's own row id: good
for the next command at most (ids may change on reboot), so it is never compared and never stored.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from routeros.errors import RouterError
from routeros.words import same_rate_limit


@dataclass(frozen=True, slots=True)
class TlsPin:
    """SHA-256 of the router's certificate (DER), 64 hex digits; colons and capitals are fine."""

    sha256: str

    def __post_init__(self) -> None:
        if len(self.digest) != 32:
            raise ValueError("a certificate pin is 64 hex digits")

    @property
    def digest(self) -> bytes:
        return bytes.fromhex(self.sha256.replace(":", ""))


@dataclass(frozen=True, slots=True)
class RouterAddress:
    """Where a router's API is and who we are there. Plain API is port 8728, with `tls` usually 8729."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: TlsPin | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """/system/resource. `write_sectors` counts flash writes over the board's life; None: no such counter."""

    version: str
    board_name: str
    architecture: str
    uptime: int
    cpu_load: int
    free_memory: int
    total_memory: int
    write_sectors: int | None


@dataclass(frozen=True, slots=True)
class Identity:
    """/system/identity."""

    name: str


@dataclass(frozen=True, slots=True)
class Clock:
    """/system/clock. `at` is UTC; boards without a battery show 1970 until they have asked an NTP server."""

    at: datetime
    zone: str

    @property
    def is_set(self) -> bool:
        return self.at.year >= 2024


@dataclass(frozen=True, slots=True)
class HotspotUser:
    """A row of /ip/hotspot/user.

    `password` is None when the router does not show it. Limits are totals over all sessions, None is no limit.
    `uptime` and bytes are what ended sessions used; a running session adds its own (ActiveSession) on top.
    """

    name: str
    password: str | None = field(default=None, repr=False)
    profile: str = "default"
    comment: str = ""
    mac_address: str = ""
    limit_uptime: int | None = None
    limit_bytes_total: int | None = None
    server: str = "all"
    is_disabled: bool = False
    is_dynamic: bool = False
    uptime: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    id: str = field(default="", compare=False)


class UserChanges(TypedDict, total=False):
    """Fields of a hotspot user to set; a key that is absent is left alone, None and "" lift the limit or lock."""

    password: str
    profile: str
    comment: str
    mac_address: str
    limit_uptime: int | None
    limit_bytes_total: int | None
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class UserProfile:
    """A row of /ip/hotspot/user/profile.

    `rate_limit` is `upload/download` as seen from the phone (RouterOS rx/tx), "" for none. `shared_users` None is
    unlimited. Timeouts None are RouterOS's `none`.
    """

    name: str
    rate_limit: str = ""
    shared_users: int | None = 1
    add_mac_cookie: bool = True
    mac_cookie_timeout: int | None = 259200
    session_timeout: int | None = None
    idle_timeout: int | None = None
    keepalive_timeout: int | None = 120
    id: str = field(default="", compare=False)


class ProfileChanges(TypedDict, total=False):
    """Fields of a user profile to set; a key that is absent is left alone."""

    rate_limit: str
    shared_users: int | None
    add_mac_cookie: bool


def profile_changes(seen: UserProfile, wanted: UserProfile) -> ProfileChanges:
    """What to set so that `seen` gives what `wanted` sells. Timeouts are left as found: merchants tune them."""
    changes: ProfileChanges = {}
    if not same_rate_limit(seen.rate_limit, wanted.rate_limit):
        changes["rate_limit"] = wanted.rate_limit
    if seen.shared_users != wanted.shared_users:
        changes["shared_users"] = wanted.shared_users
    if seen.add_mac_cookie != wanted.add_mac_cookie:
        changes["add_mac_cookie"] = wanted.add_mac_cookie
    return changes


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """A row of /ip/hotspot/active: somebody is online. bytes_in is what the phone sent. Time left None: no limit."""

    user: str
    address: str
    mac_address: str
    server: str = ""
    login_by: str = ""
    uptime: int = 0
    session_time_left: int | None = None
    idle_time: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    is_radius: bool = False
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class BindingRow:
    """A row of /ip/hotspot/ip-binding: a device treated in its own way; bypassed ones need no login. "" : by address."""

    mac_address: str
    is_bypassed: bool = False
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class LogIn:
    """A phone to let in: as which hotspot user, and where the router sees it, "" for nowhere yet."""

    user: str
    password: str = field(repr=False)
    ip: str = ""
    mac: str = ""


@dataclass(frozen=True, slots=True)
class HostRow:
    """A row of /ip/hotspot/host: a device seen, logged in (authorized), let by (bypassed) or neither."""

    mac_address: str
    address: str
    to_address: str = ""
    server: str = ""
    is_authorized: bool = False
    is_bypassed: bool = False
    uptime: int = 0
    idle_time: int = 0
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class CookieRow:
    """A row of /ip/hotspot/cookie: a browser (http) or a MAC (mac-cookie) that may come back without a form."""

    user: str
    mac_address: str
    expires_in: int = 0
    is_mac_cookie: bool = False
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ServerProfile:
    """A row of /ip/hotspot/profile: how a hotspot server lets people log in."""

    name: str
    login_by: frozenset[str]
    hotspot_address: str = ""
    dns_name: str = ""
    html_directory: str = ""
    uses_radius: bool = False
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """What end_access() found and removed. All zero is fine: it was already gone."""

    users: int = 0
    sessions: int = 0
    cookies: int = 0


@dataclass(frozen=True, slots=True)
class RowResult:
    """The outcome for one row of a batch; `error` None is done. Unreachable: it may or may not have been done."""

    name: str
    error: RouterError | None = None
