"""The hotspot menus whose rows the phones make: active sessions, hosts, cookies.

Printed properties: MikroTik manual, HotSpot, command reference; item ids of active sessions from field reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from routeros.simulator import traps, values
from routeros.simulator.calls import Answer, Call
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.menus.base import Menu, Shown
from routeros.simulator.menus.hotspot_fields import IP_BINDING
from routeros.simulator.radius.desk import settled
from routeros.simulator.refusals import LoginRefused, RadiusQuestion
from routeros.simulator.sessions import Active, Cookie, Counters, Host


def traffic_shown(seen: Counters) -> dict[str, str]:
    """Return counters as printed."""
    return {
        "bytes-in": str(seen.bytes_in),
        "bytes-out": str(seen.bytes_out),
        "packets-in": str(seen.packets_in),
        "packets-out": str(seen.packets_out),
    }


def _span(since: datetime, now: datetime) -> str:
    return values.format_duration(int((now - since).total_seconds()))


class ActiveMenu(Menu):
    """`/ip/hotspot/active`: sessions; `remove` ends them, `login` begins one without the phone's help."""

    def __init__(self, hotspot: Hotspot) -> None:
        super().__init__("/ip/hotspot/active")
        self._hotspot = hotspot
        self.writers = {"remove": self.remove, "login": self.login}
        hotspot.session_watchers.append(self._changed)

    def shown(self) -> Iterable[Shown]:
        """Return the sessions in the order of login."""
        now = self._hotspot.clock.now()
        return [self._row(active, now) for active in self._hotspot.active.values()]

    def _row(self, active: Active, now: datetime) -> Shown:
        shown = {
            ".id": active.id,
            "server": active.server,
            "user": active.user,
            "address": active.ip,
            "mac-address": active.mac,
            "login-by": active.login_by,
            "uptime": values.format_duration(int(active.uptime(now))),
        }
        if active.domain:
            shown["domain"] = active.domain
        if (left := active.time_left(now)) is not None:
            shown["session-time-left"] = values.format_duration(int(left))
        shown["idle-time"] = _span(active.last_traffic_at, now)
        for name, span in (("idle-timeout", active.idle_timeout), ("keepalive-timeout", active.keepalive_timeout)):
            if span is not None:
                shown[name] = values.format_duration(span)
        shown.update(traffic_shown(active.traffic))
        for way in ("in", "out", "total"):
            if (limit := getattr(active, f"limit_bytes_{way}")) is not None:
                shown[f"limit-bytes-{way}"] = str(limit)
        shown["radius"] = values.format_bool(active.grant is not None)
        return shown

    def remove(self, call: Call) -> Answer:
        """End sessions; the log says `admin reset`."""
        by_id = {active.id: active for active in self._hotspot.active.values()}
        chosen: list[Active] = []
        for ref in call.need(".id", "numbers").split(","):
            named = [active for active in by_id.values() if active.user == ref]
            active = by_id.get(ref.upper()) or (named[0] if len(named) == 1 else None)
            if active is None:
                raise traps.no_such_item()
            chosen.append(active)
        for active in chosen:
            self._hotspot.logout(active.ip, cause="admin reset")
        return Answer()

    def login(self, call: Call) -> Answer:
        """Log a phone in that is in the host table. Traps: unknown host IP, wrong MAC provided, or why not."""
        ip, user = call.need("ip"), call.need("user")
        host = self._hotspot.host(ip)
        if host is None:
            raise traps.Trap("unknown host IP")
        if (given := call.arguments.get("mac-address")) and _mac(given) != host.mac:
            raise traps.Trap("wrong MAC provided")
        log_in = partial(
            self._hotspot.login,
            ip=ip,
            mac=host.mac,
            username=user,
            password=call.arguments.get("password", ""),
            domain=call.arguments.get("domain", ""),
            by="api",
        )
        try:
            log_in()
        except LoginRefused as refusal:
            raise traps.Trap(refusal.text(ip)) from None
        except RadiusQuestion:
            return Answer(later=self._log_in_later(log_in, ip))
        return Answer()

    async def _log_in_later(self, log_in: Callable[[], Active], ip: str) -> Answer:
        try:
            await settled(self._hotspot.radius, log_in)
        except LoginRefused as refusal:
            raise traps.Trap(refusal.text(ip)) from None
        return Answer()

    def _changed(self, active: Active, is_gone: bool) -> None:
        if self.watchers.sinks:
            row = {".id": active.id, ".dead": "yes"} if is_gone else self._row(active, self._hotspot.clock.now())
            self.watchers.tell(row)


def _mac(text: str) -> str:
    try:
        return values.parse_mac(text)
    except ValueError:
        raise traps.invalid_value("mac-address") from None


class HostMenu(Menu):
    """`/ip/hotspot/host`: phones on the network."""

    def __init__(self, hotspot: Hotspot) -> None:
        super().__init__("/ip/hotspot/host")
        self._hotspot = hotspot
        self.writers = {"remove": self.remove, "make-binding": self.make_binding}

    def shown(self) -> Iterable[Shown]:
        """Return the hosts in the order they appeared."""
        now = self._hotspot.clock.now()
        return [self._row(host, now) for host in self._hotspot.host_table.hosts.values()]

    def _row(self, host: Host, now: datetime) -> Shown:
        shown = {
            ".id": host.id,
            "mac-address": host.mac,
            "address": host.ip,
            "to-address": host.to_address,
            "server": host.server,
            "uptime": _span(host.since, now),
            "idle-time": _span(host.last_seen_at, now),
            **traffic_shown(host.traffic),
            "found-by": host.found_by,
            "DHCP": values.format_bool(host.found_by == "DHCP"),
            "authorized": values.format_bool(host.is_authorized),
            "bypassed": values.format_bool(host.is_bypassed),
        }
        if host.is_blocked:
            shown["blocked"] = "true"
        if host.lost_at is not None:
            shown["host-dead-time"] = _span(host.lost_at, now)
        server = self._hotspot.server
        if not host.is_authorized and server is not None and server.get("idle-timeout") != "none":
            shown["idle-timeout"] = server.get("idle-timeout")
        return shown

    def _chosen(self, call: Call) -> list[Host]:
        by_id = {host.id: host for host in self._hotspot.host_table.hosts.values()}
        refs = call.need(".id", "numbers").split(",")
        if any(ref not in by_id for ref in refs):
            raise traps.no_such_item()
        return [by_id[ref] for ref in refs]

    def remove(self, call: Call) -> Answer:
        """Drop hosts, and their sessions with them."""
        for host in self._chosen(call):
            self._hotspot.logout(host.ip, cause="admin reset")
            self._hotspot.host_table.remove(host)
        return Answer()

    def make_binding(self, call: Call) -> Answer:
        """Make an ip-binding out of hosts."""
        for host in self._chosen(call):
            wanted = {name: call.arguments[name] for name in ("type", "comment") if name in call.arguments}
            binding = {"mac-address": host.mac, "address": host.ip, "to-address": host.to_address, **wanted}
            self._hotspot.tables[IP_BINDING].add(binding)
            self._hotspot.see_host(host.mac, host.ip)
        return Answer()


class CookieMenu(Menu):
    """`/ip/hotspot/cookie`: remembered logins. The secret value of an http cookie is never shown."""

    def __init__(self, hotspot: Hotspot) -> None:
        super().__init__("/ip/hotspot/cookie")
        self._hotspot = hotspot
        self.writers = {"remove": self.remove}

    def shown(self) -> Iterable[Shown]:
        """Return the cookies."""
        now = self._hotspot.clock.now()
        return [self._row(cookie, now) for cookie in self._hotspot.cookies.cookies.values()]

    def _row(self, cookie: Cookie, now: datetime) -> Shown:
        return {
            ".id": cookie.id,
            "user": cookie.user,
            "domain": cookie.domain,
            "mac-address": cookie.mac,
            "expires-in": _span(now, cookie.expires_at),
            "mac-cookie": values.format_bool(cookie.is_mac_cookie),
        }

    def remove(self, call: Call) -> Answer:
        """Forget remembered logins."""
        known = self._hotspot.cookies.cookies
        refs = call.need(".id", "numbers").split(",")
        if any(ref not in known for ref in refs):
            raise traps.no_such_item()
        for ref in refs:
            known.pop(ref, None)
        return Answer()
