"""The router menus we read and write: for each its path, the fields we ask for, and the value a row becomes.

Pure. Field names and meanings: MikroTik manual, HotSpot and its CLI reference. Fields we do not ask for are never
stored, so a router cannot make us hold what we did not want.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from routeros.values import (
    ActiveSession,
    BindingRow,
    Clock,
    CookieRow,
    HostRow,
    HotspotUser,
    Identity,
    ProfileChanges,
    Resource,
    ServerProfile,
    UserChanges,
    UserProfile,
)
from routeros.words import (
    NO_MAC,
    Row,
    attribute,
    read_moment,
    write_duration,
    write_flag,
    write_number,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Menu(Generic[T]):
    """Where a menu is, which fields to ask for (`.proplist`), and how a row is read (ValueError if it cannot be)."""

    path: str
    fields: tuple[str, ...]
    read: Callable[[Row], T]


def _resource(row: Row) -> Resource:
    return Resource(
        version=row.required("version"),
        board_name=row.text("board-name"),
        architecture=row.text("architecture-name"),
        uptime=row.seconds("uptime"),
        cpu_load=row.number("cpu-load"),
        free_memory=row.number("free-memory"),
        total_memory=row.number("total-memory"),
        write_sectors=row.number("write-sect-total") if row.text("write-sect-total") else None,
    )


def _identity(row: Row) -> Identity:
    return Identity(name=row.text("name"))


def _clock(row: Row) -> Clock:
    at = read_moment(row.required("date"), row.required("time"), row.text("gmt-offset", "+00:00"))
    return Clock(at=at, zone=row.text("time-zone-name"))


def _user(row: Row) -> HotspotUser:
    return HotspotUser(
        name=row.text("name"),
        password=row.hidden_text("password"),
        profile=row.text("profile", "default"),
        comment=row.text("comment"),
        mac_address=row.mac("mac-address"),
        limit_uptime=row.seconds("limit-uptime") or None,
        limit_bytes_total=row.limit("limit-bytes-total"),
        server=row.text("server", "all"),
        is_disabled=row.flag("disabled"),
        is_dynamic=row.flag("dynamic") or row.flag("default"),
        uptime=row.seconds("uptime"),
        bytes_in=row.number("bytes-in"),
        bytes_out=row.number("bytes-out"),
        id=row.text(".id"),
    )


def _profile(row: Row) -> UserProfile:
    shared = row.text("shared-users", "1")
    return UserProfile(
        name=row.text("name"),
        rate_limit=row.text("rate-limit"),
        shared_users=None if shared == "unlimited" else row.number("shared-users", 1),
        add_mac_cookie=row.flag("add-mac-cookie", default=True),
        mac_cookie_timeout=row.duration("mac-cookie-timeout"),
        session_timeout=row.seconds("session-timeout") or None,
        idle_timeout=row.duration("idle-timeout"),
        keepalive_timeout=row.duration("keepalive-timeout"),
        id=row.text(".id"),
    )


def _session(row: Row) -> ActiveSession:
    return ActiveSession(
        user=row.text("user"),
        address=row.text("address"),
        mac_address=row.mac("mac-address"),
        server=row.text("server"),
        login_by=row.text("login-by"),
        uptime=row.seconds("uptime"),
        session_time_left=row.duration("session-time-left"),
        idle_time=row.seconds("idle-time"),
        bytes_in=row.number("bytes-in"),
        bytes_out=row.number("bytes-out"),
        is_radius=row.flag("radius"),
        id=row.text(".id"),
    )


def _host(row: Row) -> HostRow:
    return HostRow(
        mac_address=row.mac("mac-address"),
        address=row.text("address"),
        to_address=row.text("to-address"),
        server=row.text("server"),
        is_authorized=row.flag("authorized"),
        is_bypassed=row.flag("bypassed"),
        uptime=row.seconds("uptime"),
        idle_time=row.seconds("idle-time"),
        id=row.text(".id"),
    )


def _binding(row: Row) -> BindingRow:
    return BindingRow(
        mac_address=row.mac("mac-address"), is_bypassed=row.text("type") == "bypassed", id=row.text(".id")
    )


def _cookie(row: Row) -> CookieRow:
    return CookieRow(
        user=row.text("user"),
        mac_address=row.mac("mac-address"),
        expires_in=row.seconds("expires-in"),
        is_mac_cookie=row.flag("mac-cookie"),
        id=row.text(".id"),
    )


def _server_profile(row: Row) -> ServerProfile:
    return ServerProfile(
        name=row.text("name"),
        login_by=frozenset(way for way in row.text("login-by").split(",") if way),
        hotspot_address=row.text("hotspot-address"),
        dns_name=row.text("dns-name"),
        html_directory=row.text("html-directory"),
        uses_radius=row.flag("use-radius"),
        id=row.text(".id"),
    )


RESOURCE = Menu(
    "/system/resource",
    (
        *("version", "board-name", "architecture-name", "uptime", "cpu-load"),
        *("free-memory", "total-memory", "write-sect-total"),
    ),
    _resource,
)
IDENTITY = Menu("/system/identity", ("name",), _identity)
CLOCK = Menu("/system/clock", ("date", "time", "gmt-offset", "time-zone-name"), _clock)
ROUTERBOARD = Menu("/system/routerboard", ("serial-number",), lambda row: row.text("serial-number"))
USERS = Menu(
    "/ip/hotspot/user",
    (
        *(".id", "name", "password", "profile", "comment", "mac-address", "limit-uptime", "limit-bytes-total"),
        *("server", "disabled", "dynamic", "default", "uptime", "bytes-in", "bytes-out"),
    ),
    _user,
)
USER_PROFILES = Menu(
    "/ip/hotspot/user/profile",
    (
        *(".id", "name", "rate-limit", "shared-users", "add-mac-cookie", "mac-cookie-timeout"),
        *("session-timeout", "idle-timeout", "keepalive-timeout"),
    ),
    _profile,
)
ACTIVE = Menu(
    "/ip/hotspot/active",
    (
        *(".id", "user", "address", "mac-address", "server", "login-by", "uptime", "session-time-left"),
        *("idle-time", "bytes-in", "bytes-out", "radius"),
    ),
    _session,
)
HOSTS = Menu(
    "/ip/hotspot/host",
    (
        *(".id", "mac-address", "address", "to-address", "server", "authorized", "bypassed"),
        *("uptime", "idle-time"),
    ),
    _host,
)
BINDINGS = Menu("/ip/hotspot/ip-binding", (".id", "mac-address", "type"), _binding)
COOKIES = Menu("/ip/hotspot/cookie", (".id", "user", "mac-address", "expires-in", "mac-cookie"), _cookie)
SERVER_PROFILES = Menu(
    "/ip/hotspot/profile",
    (".id", "name", "login-by", "hotspot-address", "dns-name", "html-directory", "use-radius"),
    _server_profile,
)


def new_user(user: HotspotUser) -> tuple[str, ...]:
    """Attribute words that add `user`; counters, id and flags the router sets itself are left out."""
    if user.password is None:
        raise ValueError("a hotspot user is added with a password")
    changes: UserChanges = {"password": user.password, "profile": user.profile}
    if user.comment:
        changes["comment"] = user.comment
    if user.mac_address:
        changes["mac_address"] = user.mac_address
    if user.limit_uptime is not None:
        changes["limit_uptime"] = user.limit_uptime
    if user.limit_bytes_total is not None:
        changes["limit_bytes_total"] = user.limit_bytes_total
    if user.is_disabled:
        changes["is_disabled"] = True
    return (attribute("name", user.name), attribute("server", user.server), *changed_user(changes))


def changed_user(changes: UserChanges) -> tuple[str, ...]:
    """Attribute words of a change. A limit of 0 is refused: to RouterOS 0 means no limit at all, the opposite."""
    words: list[str] = []
    for key, name in (("password", "password"), ("profile", "profile"), ("comment", "comment")):
        if key in changes:
            words.append(attribute(name, changes[key]))
    if "mac_address" in changes:
        words.append(attribute("mac-address", changes["mac_address"] or NO_MAC))
    if "limit_uptime" in changes:
        words.append(attribute("limit-uptime", write_duration(_limit(changes["limit_uptime"]))))
    if "limit_bytes_total" in changes:
        words.append(attribute("limit-bytes-total", write_number(_limit(changes["limit_bytes_total"]))))
    if "is_disabled" in changes:
        words.append(attribute("disabled", write_flag(changes["is_disabled"])))
    return tuple(words)


def restored_user(user: HotspotUser) -> tuple[str, ...]:
    """Attribute words that bring an existing row to exactly the values of `user`, its name and comment apart."""
    return changed_user(
        {
            "password": user.password or "",
            "profile": user.profile,
            "mac_address": user.mac_address,
            "limit_uptime": user.limit_uptime,
            "limit_bytes_total": user.limit_bytes_total,
            "is_disabled": user.is_disabled,
        }
    )


def new_profile(profile: UserProfile) -> tuple[str, ...]:
    """Attribute words that add `profile`."""
    words = [
        attribute("name", profile.name),
        attribute("session-timeout", write_duration(profile.session_timeout or 0)),
        attribute("idle-timeout", write_duration(profile.idle_timeout)),
        attribute("keepalive-timeout", write_duration(profile.keepalive_timeout)),
    ]
    if profile.mac_cookie_timeout is not None:
        words.append(attribute("mac-cookie-timeout", write_duration(profile.mac_cookie_timeout)))
    changes: ProfileChanges = {"shared_users": profile.shared_users, "add_mac_cookie": profile.add_mac_cookie}
    if profile.rate_limit:
        changes["rate_limit"] = profile.rate_limit
    return (*words, *changed_profile(changes))


def changed_profile(changes: ProfileChanges) -> tuple[str, ...]:
    """Attribute words of a change to a user profile."""
    words: list[str] = []
    if "rate_limit" in changes:
        words.append(attribute("rate-limit", changes["rate_limit"]))
    if "shared_users" in changes:
        shared = changes["shared_users"]
        words.append(attribute("shared-users", "unlimited" if shared is None else write_number(shared)))
    if "add_mac_cookie" in changes:
        words.append(attribute("add-mac-cookie", write_flag(changes["add_mac_cookie"])))
    return tuple(words)


def _limit(value: int | None) -> int:
    if value is not None and value < 1:
        raise ValueError("a limit is at least 1; None lifts it")
    return value or 0
