"""Who may log in, and for how long. Reads the tables; changes nothing.

Order and keys: MikroTik manual, HotSpot customisation, errors.txt.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from routeros.simulator import values
from routeros.simulator.attempts import Attempt
from routeros.simulator.menus.hotspot_fields import USER, USER_PROFILE
from routeros.simulator.radius.grants import Grant
from routeros.simulator.refusals import LoginRefused
from routeros.simulator.sessions import Active, Usage
from routeros.simulator.tables import Row, Tables

RadiusOrder = Literal["never", "local-first", "radius-first"]
#: A user's `mac-address` that locks it to no device (MikroTik manual, HotSpot users).
_ANY_MAC = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a session may use: seconds and bytes, None without limit."""

    budget: float | None
    session_timeout: float | None
    is_uptime_limited: bool
    limit_bytes_in: int | None
    limit_bytes_out: int | None
    limit_bytes_total: int | None


def check_method(attempt: Attempt, login_by: frozenset[str]) -> None:
    """Refuse methods the server profile does not offer; methods of the router itself (`api`) always pass."""
    if attempt.by == "api" or attempt.by in login_by:
        if attempt.by == "http-chap" and (attempt.chap_response is None or attempt.chap_challenge is None):
            raise LoginRefused("chap-missing", attempt.username)
        return
    if attempt.by == "http-pap" and "http-chap" in login_by:
        raise LoginRefused("chap-missing", attempt.username)
    raise LoginRefused("config-error", attempt.username, f"login by {attempt.by} is not enabled")


def find_user(tables: Tables, name: str, server: str) -> Row | None:
    """Return the enabled user row of that exact name valid on this server; a row of the server itself goes first."""
    rows = [row for row in tables[USER].named(name) if not row.is_disabled and not row.is_default]
    fitting = [row for row in rows if row.get("server", "all") in {"all", server}]
    return min(fitting, key=lambda row: row.get("server", "all") == "all", default=None)


def needs_radius(tables: Tables, attempt: Attempt, server: str, *, asks: RadiusOrder) -> bool:
    """Say whether RADIUS decides on this attempt. Raises LoginRefused for another phone's MAC address as a name."""
    if values.looks_like_mac(attempt.username) and values.parse_mac(attempt.username) != attempt.mac:
        raise LoginRefused("wrong-mac-username", attempt.username)
    return asks == "radius-first" or (asks == "local-first" and find_user(tables, attempt.username, server) is None)


def authenticate(tables: Tables, attempt: Attempt, server: str) -> Row:
    """Return the user row the attempt proves to know. Raises LoginRefused."""
    user = find_user(tables, attempt.username, server)
    if user is None or not _knows_password(attempt, user.get("password")):
        raise LoginRefused("invalid-username", attempt.username)
    if user.get("mac-address") not in {"", _ANY_MAC, attempt.mac}:
        raise LoginRefused("invalid-mac", attempt.username)
    return user


def profile_of(tables: Tables, name: str, username: str) -> Row:
    """Return the user profile of that name. Raises LoginRefused when it was removed under the user."""
    rows = tables[USER_PROFILE].named(name)
    if not rows:
        raise LoginRefused("config-error", username, "unknown user profile")
    return rows[0]


def check_room(attempt: Attempt, profile: Row, active: Iterable[Active], *, license_cap: int | None) -> None:
    """Refuse one session too many for the user or the licence; a session of the same address is replaced."""
    others = [session for session in active if session.ip != attempt.ip]
    shared = profile.get("shared-users", "1")
    if shared != "unlimited" and sum(s.user == attempt.username for s in others) >= int(shared):
        raise LoginRefused("user-session-limit", attempt.username)
    if license_cap is not None and len(others) >= license_cap:
        raise LoginRefused("license-session-limit", attempt.username, f"license allows {license_cap} active sessions")


def granted_user(username: str, grant: Grant) -> Row:
    """Return what stands for the user row of somebody only RADIUS knows: the name, and the grant's byte limits."""
    return Row("", {"name": username, **grant.limits()})


def granted_profile(profile: Row, grant: Grant, now: datetime) -> Row:
    """Return the user profile with what the grant overrides."""
    return Row(profile.id, {**profile.values, **grant.overrides(now)})


def make_terms(user: Row, profile: Row, used: Usage, running: Iterable[Active], now: datetime) -> Terms:
    """Compute what is left: totals of the row, less its counters, less what the user's other sessions run up now.

    Raises LoginRefused with uptime-limit or traffic-limit when nothing is left.
    """
    name = user.get("name")
    sessions = list(running)
    timeout = values.parse_limit(profile.get("session-timeout"))
    budget, is_uptime_limited = timeout, False
    limit = values.parse_limit(user.get("limit-uptime"))
    if limit is not None:
        left = limit - used.uptime - sum(s.uptime(now) - s.flushed.uptime for s in sessions)
        if left <= 0:
            raise LoginRefused("uptime-limit", name)
        if budget is None or left <= budget:
            budget, is_uptime_limited = left, True
    came = used.traffic.bytes_in + sum(s.traffic.bytes_in - s.flushed.traffic.bytes_in for s in sessions)
    went = used.traffic.bytes_out + sum(s.traffic.bytes_out - s.flushed.traffic.bytes_out for s in sessions)
    left_bytes = [
        _left(user.get("limit-bytes-in"), came),
        _left(user.get("limit-bytes-out"), went),
        _left(user.get("limit-bytes-total"), came + went),
    ]
    if any(left is not None and left <= 0 for left in left_bytes):
        raise LoginRefused("traffic-limit", name)
    return Terms(budget, timeout, is_uptime_limited, *left_bytes)


def mac_credentials(
    tables: Tables, server_profile: Row, mac: str, server: str, *, asks: RadiusOrder = "never"
) -> tuple[str, str] | None:
    """Return user name and password of a login by MAC address, None when no user has that name and nobody is asked."""
    name = mac
    if (form := server_profile.get("radius-mac-format")) and len(form.replace("X", "")) < len(form):
        digits = iter(mac.replace(":", ""))
        name = "".join(next(digits) if letter == "X" else letter for letter in form)
    if asks == "never" and find_user(tables, name, server) is None:
        return None
    is_both = server_profile.get("mac-auth-mode") == "mac-as-username-and-password"
    return name, name if is_both else server_profile.get("mac-auth-password")


#: Read a limit of a row in seconds; None without limit.
seconds = values.parse_limit


def _left(limit: str, used: int) -> int | None:
    return int(limit) - used if limit and int(limit) else None


def _knows_password(attempt: Attempt, password: str) -> bool:
    secret = password.encode("utf-8", "surrogateescape")
    if attempt.by == "http-chap":
        asked = (attempt.chap_id or b"") + secret + (attempt.chap_challenge or b"")
        expected = hashlib.md5(asked, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(expected.encode(), (attempt.chap_response or "").lower().encode("utf-8", "replace"))
    given = (attempt.password or "").encode("utf-8", "surrogateescape")
    return hmac.compare_digest(secret, given)
