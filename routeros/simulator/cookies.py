"""Remembered logins: http cookies and mac-cookies. Decides what is kept and for how long, not who may log in.

Rules: MikroTik manual, HotSpot, login methods and MAC Cookie.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from routeros.simulator import values
from routeros.simulator.sessions import Active, Cookie

#: Logout causes that make the router drop the phone's mac-cookie.
FORGETTING_CAUSES = frozenset({"user request", "admin reset", "session timeout", "traffic limit reached"})


@dataclass(slots=True)
class CookieJar:
    """The cookies of one hotspot. `token` makes the random value of an http cookie."""

    token: Callable[[], str] = lambda: secrets.token_hex(16)
    cookies: dict[str, Cookie] = field(default_factory=dict)
    _count: int = 0

    def keep(self, active: Active, *, now: datetime, lifetime: str, has_value: bool) -> Cookie | None:
        """Remember a session's login for a lifetime such as `3d`; the phone's older cookie of that kind is replaced.

        A session whose password is not known (a trial, RADIUS by CHAP) is not remembered.
        """
        password = active.user_row.get("password") if active.user_row else active.password
        if password is None:
            return None
        for old in self.of(active.mac):
            if old.is_mac_cookie != has_value and (old.is_mac_cookie or old.user == active.user):
                self.remove(old)
        self._count += 1
        cookie = Cookie(
            f"*{self._count:X}",
            active.user,
            password,
            active.mac,
            active.domain,
            now + _span(lifetime),
            self.token() if has_value else None,
        )
        self.cookies[cookie.id] = cookie
        return cookie

    def of(self, mac: str) -> list[Cookie]:
        """Return all cookies of one MAC address."""
        return [cookie for cookie in self.cookies.values() if cookie.mac == mac]

    def mac_cookie(self, mac: str) -> Cookie | None:
        """Return the mac-cookie of a phone."""
        return next((cookie for cookie in self.of(mac) if cookie.is_mac_cookie), None)

    def http_cookie(self, mac: str, value: str) -> Cookie | None:
        """Return the http cookie with this value, only for the phone that got it."""
        return next((cookie for cookie in self.of(mac) if cookie.value == value), None)

    def remove(self, cookie: Cookie) -> None:
        """Forget one cookie; harmless when it is gone already."""
        self.cookies.pop(cookie.id, None)

    def forget_mac(self, mac: str) -> None:
        """Forget the mac-cookie of a phone."""
        if (cookie := self.mac_cookie(mac)) is not None:
            self.remove(cookie)

    def forget_http(self, mac: str, user: str) -> None:
        """Forget the http cookies of a phone for one user."""
        for cookie in self.of(mac):
            if not cookie.is_mac_cookie and cookie.user == user:
                self.remove(cookie)

    def extend(self, mac: str, now: datetime, lifetime: str) -> None:
        """Start the lifetime of the phone's mac-cookie anew: it counts from the last login or logout."""
        if (cookie := self.mac_cookie(mac)) is not None:
            cookie.expires_at = now + _span(lifetime)

    def restore(self, cookies: Iterable[Cookie]) -> None:
        """Take saved cookies instead of those there are."""
        self.cookies = {cookie.id: cookie for cookie in cookies}
        self._count = max((int(key[1:], 16) for key in self.cookies), default=self._count)

    def expire(self, now: datetime) -> None:
        """Forget what is past its time."""
        for cookie in [c for c in self.cookies.values() if c.expires_at <= now]:
            self.remove(cookie)


def _span(lifetime: str) -> timedelta:
    return timedelta(seconds=values.parse_limit(lifetime) or 0.0)
