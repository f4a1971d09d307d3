"""Phones that come back without a form: by MAC address, mac-cookie or http cookie, and what is remembered for it.

Rules: MikroTik manual, HotSpot, login methods and MAC Cookie. Who may log in is decided elsewhere.
"""

from __future__ import annotations

from abc import abstractmethod

from routeros.simulator import admission
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.clock import VirtualClock
from routeros.simulator.cookies import FORGETTING_CAUSES, CookieJar
from routeros.simulator.hosts import HostTable
from routeros.simulator.refusals import LoginRefused
from routeros.simulator.sessions import Active, Host
from routeros.simulator.settings import HotspotSettings
from routeros.simulator.tables import Row, Tables


class ReturningPhones(HotspotSettings):
    """The memory of a hotspot for phones that were here before."""

    def __init__(self, tables: Tables, behaviour: Behaviour, clock: VirtualClock) -> None:
        super().__init__(tables, behaviour)
        self.clock = clock
        self.active: dict[str, Active] = {}
        self.host_table = HostTable()
        self.cookies = CookieJar()

    @abstractmethod
    def tick(self) -> None:
        """Apply what time did."""

    @abstractmethod
    def see_host(self, mac: str, ip: str) -> Host:
        """Note a phone's traffic."""

    @abstractmethod
    def login(self, *, ip: str, mac: str, username: str, by: str, password: str | None = None) -> Active:
        """Log a phone in. Raises LoginRefused."""

    def cookie_login(self, ip: str, mac: str, http_cookie: str | None) -> Active | None:
        """Try the logins that need no form: by MAC address, by mac-cookie, by http cookie. None when none applies."""
        self.tick()
        host = self.see_host(mac, ip)
        if ip in self.active or host.is_blocked or host.is_bypassed:
            return self.active.get(ip)
        by_mac = self._mac_credentials(host)
        if by_mac is not None and (active := self._try(ip, host.mac, *by_mac, by="mac")):
            return active
        host.is_mac_refused = self.asks_radius != "never"
        if "mac-cookie" in self.login_by and (cookie := self.cookies.mac_cookie(host.mac)) is not None:
            is_alone = len(self.host_table.with_mac(host.mac)) == 1
            if is_alone and (active := self._try(ip, host.mac, cookie.user, cookie.password, by="mac-cookie")):
                return active
            self.cookies.remove(cookie)
        kept = self.cookies.http_cookie(host.mac, http_cookie or "") if "cookie" in self.login_by else None
        return self._try(ip, host.mac, kept.user, kept.password, by="cookie") if kept else None

    def _mac_credentials(self, host: Host) -> tuple[str, str] | None:
        """Return name and password of a login by MAC address where that may work; RADIUS is asked once for a host."""
        if self.profile is None or "mac" not in self.login_by or host.is_mac_refused:
            return None
        return admission.mac_credentials(self.tables, self.profile, host.mac, self.server_name, asks=self.asks_radius)

    def _try(self, ip: str, mac: str, username: str, password: str, *, by: str) -> Active | None:
        try:
            return self.login(ip=ip, mac=mac, username=username, password=password, by=by)
        except LoginRefused:
            return None

    def new_http_cookie(self, ip: str) -> str | None:
        """Make the http cookie of the session just begun: the value to set in the browser, None when not offered."""
        if (active := self.active.get(ip)) is None or self.profile is None or "cookie" not in self.login_by:
            return None
        lifetime = self.profile.get("http-cookie-lifetime")
        cookie = self.cookies.keep(active, now=self.clock.now(), lifetime=lifetime, has_value=True)
        return cookie.value if cookie else None

    def remember_mac(self, active: Active, profile: Row) -> None:
        """Keep or refresh the mac-cookie after a login, if profile and method allow it and the MAC is one phone's."""
        is_wanted = "mac-cookie" in self.login_by and profile.get("add-mac-cookie") == "true"
        if is_wanted and len(self.host_table.with_mac(active.mac)) == 1:
            self.cookies.keep(active, now=self.clock.now(), lifetime=profile.get("mac-cookie-timeout"), has_value=False)

    def settle_mac_cookie(self, active: Active, cause: str) -> None:
        if cause in FORGETTING_CAUSES or cause == self.behaviour.uptime_limit_cause:
            self.cookies.forget_mac(active.mac)
            return
        for profile in self.user_profiles.named(active.profile):
            self.cookies.extend(active.mac, self.clock.now(), profile.get("mac-cookie-timeout"))
