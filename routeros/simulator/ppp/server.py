"""The router's access concentrator: who may dial in, what a dial-in sets in motion, and when it ends, on virtual time.

It speaks no PPPoE and no API: clients call `dial`, the menus read the model. RADIUS is not asked, packets do not flow.
Rules: MikroTik manual, PPP AAA and PPPoE. A changed secret or profile counts from the next dial on.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from routeros.simulator import values
from routeros.simulator.clock import VirtualClock
from routeros.simulator.log import RouterLog
from routeros.simulator.ppp import sessions
from routeros.simulator.ppp.clients import PppoeClient
from routeros.simulator.ppp.sessions import SECRET, Dialin, DialRefused, Settings
from routeros.simulator.rates import queue_values
from routeros.simulator.sessions import Counters
from routeros.simulator.tables import Row, Tables

SERVER, INTERFACES, BOUND = "/interface/pppoe-server/server", "/interface", "/interface/pppoe-server"
QUEUES, ADDRESS_LIST = "/queue/simple", "/ip/firewall/address-list"


@dataclass(slots=True)
class Unsettled:
    """Where the manual is silent; each default is the reading it leans to."""

    #: `only-one=yes` and the user is online: the new dial-in is refused, or it replaces the old session.
    second_dial: Literal["refuse", "replace"] = "refuse"
    #: Disabling or removing a secret ends its running session too.
    secret_edit_ends_session: bool = False


@dataclass(slots=True)
class LastSeen:
    """What a secret remembers of its last session."""

    at: datetime
    caller_id: str
    reason: str


class PppServer:
    """Sessions by id. `clients` dial again by themselves, see PppoeClient."""

    def __init__(self, tables: Tables, clock: VirtualClock, log: RouterLog) -> None:
        self.tables, self.clock, self.log = tables, clock, log
        self.unsettled = Unsettled()
        self.sessions: dict[str, Dialin] = {}
        self.clients: dict[str, PppoeClient] = {}
        self.last_seen: dict[Row, LastSeen] = {}
        #: Hear of every session that begins, and (True) ends.
        self.watchers: list[Callable[[Dialin, bool], None]] = []
        self._count = 0
        tables[SECRET].watchers.append(self._secret_changed)

    def dial(self, user: str, password: str, mac: str, *, service: str = "") -> Dialin:
        """Begin a session. Raises DialRefused, with a line in the log, as when nobody answers the client's PADI."""
        self.end_due()
        mac = values.parse_mac(mac)
        server = self._server(service)
        try:
            secret = self._authenticate(user, password, mac)
            dialin = self._admit(user, mac, secret, server)
        except DialRefused as refusal:
            self.log.write("pppoe,ppp,error", f"<{mac}>: user {user} {refusal}")
            raise
        self.log.write("pppoe,ppp,info,account", f"{user} logged in, {dialin.address} from {mac}")
        self._tell(dialin, is_gone=False)
        return dialin

    def end(self, dialin: Dialin, reason: str, *, at: datetime | None = None) -> None:
        """End a session; the client is not asked, and dials again if it is one that does."""
        at = at or self.clock.now()
        if self.sessions.pop(dialin.id, None) is None:
            return
        self._drop_rows(dialin)
        if self.tables[SECRET].rows.get(dialin.secret.id) is dialin.secret:
            self.last_seen[dialin.secret] = LastSeen(at, dialin.mac, reason)
        seen, uptime = dialin.traffic, dialin.uptime(at)
        numbers = f"{uptime} {seen.bytes_out} {seen.bytes_in} {seen.packets_out} {seen.packets_in}"
        self.log.write("pppoe,ppp,info,account", f"{dialin.user} logged out, {numbers} from {dialin.mac}")
        self._tell(dialin, is_gone=True)

    def of(self, user: str) -> list[Dialin]:
        """Return the sessions of a user name."""
        return [each for each in self.sessions.values() if each.user == user]

    def at(self, mac: str) -> Dialin | None:
        """Return the session from a MAC address."""
        return next((each for each in self.sessions.values() if each.mac == values.parse_mac(mac)), None)

    def count_traffic(self, user: str, bytes_in: int, bytes_out: int) -> None:
        """Count traffic of a user's sessions: `bytes_in` is the upload. Ends one whose byte limit is reached."""
        for dialin in self.of(user):
            dialin.traffic.add(bytes_in, bytes_out, -(-bytes_in // 1400), -(-bytes_out // 1400))
            dialin.last_traffic_at = self.clock.now()
            if dialin.is_over_traffic():
                self.end(dialin, sessions.ASKED)

    def counting(self, others: Callable[[Row], Counters]) -> Callable[[Row], Counters]:
        """Return what tells the traffic of a simple queue: of the dial-in it was made for, or what `others` says."""

        def traffic(queue: Row) -> Counters:
            mine = (each for each in self.sessions.values() if (QUEUES, queue.id) in each.rows)
            return next((each.traffic for each in mine), None) or others(queue)

        return traffic

    def tick(self) -> None:
        """Let time act: sessions end at their instants, clients dial."""
        self.end_due()
        for client in self.clients.values():
            client.tick(self)

    def end_due(self) -> None:
        """End what is due by now."""
        now = self.clock.now()
        for dialin in list(self.sessions.values()):
            due = dialin.due()
            if due is not None and due[0] <= now:
                self.end(dialin, due[1], at=due[0])

    def shut_down(self) -> None:
        """End everything as a clean reboot does."""
        for dialin in list(self.sessions.values()):
            self.end(dialin, sessions.REBOOT)

    def lose_memory(self) -> None:
        """Lose the sessions without a word, as a power cut does; their clients dial again."""
        for dialin in list(self.sessions.values()):
            self._drop_rows(dialin)
        self.sessions.clear()

    def _server(self, service: str) -> Row:
        for server in self.tables[SERVER]:
            if not server.is_disabled and service in {"", server.get("service-name")}:
                return server
        raise DialRefused("hears of no PPPoE server")

    def _authenticate(self, user: str, password: str, mac: str) -> Row:
        for secret in self.tables[SECRET].named(user):
            fits = not secret.is_disabled and secret.get("service", "any") in {"any", "pppoe"}
            same = hmac.compare_digest(secret.get("password").encode(), password.encode())
            if fits and same and secret.get("caller-id") in {"", mac}:
                return secret
        raise DialRefused("authentication failed")

    def _admit(self, user: str, mac: str, secret: Row, server: Row) -> Dialin:
        rules = sessions.settings_for(self.tables, secret, server.get("default-profile", "default"))
        here = [each for each in self.sessions.values() if each.served_on == server.get("interface")]
        if server.get("one-session-per-host") == "true":
            for other in [each for each in here if each.mac == mac]:
                self.end(other, sessions.ASKED)
                here.remove(other)
        if rules.text("only-one") == "yes" and (others := self.of(user)):
            if self.unsettled.second_dial == "refuse":
                raise DialRefused("is already active")
            for other in others:
                self.end(other, sessions.ASKED)
        most = server.get("max-sessions")
        if most.isdigit() and 0 < int(most) <= len(here):
            raise DialRefused("is one session too many")
        taken = {each.address for each in self.sessions.values()}
        address = sessions.free_address(self.tables, rules.address("remote-address"), taken)
        dialin = self._make(mac, address, secret, server, rules)
        self.sessions[dialin.id] = dialin
        self._make_rows(dialin, rules)
        return dialin

    def _make(self, mac: str, address: str, secret: Row, server: Row, rules: Settings) -> Dialin:
        now, self._count = self.clock.now(), self._count + 1
        keepalive = server.get("keepalive-timeout", "10")
        return Dialin(
            f"*{0x80000000 + self._count:X}",
            secret.get("name"),
            mac,
            address,
            secret,
            secret.get("profile"),
            server.get("interface"),
            self._interface_name(secret.get("name")),
            now,
            now,
            session_timeout=rules.limit("session-timeout"),
            idle_timeout=rules.limit("idle-timeout"),
            keepalive=None if keepalive in {"disabled", "0", ""} else 2 * float(keepalive),
            limit_bytes_in=int(secret.get("limit-bytes-in", "0")) or None,
            limit_bytes_out=int(secret.get("limit-bytes-out", "0")) or None,
        )

    def _interface_name(self, user: str) -> str:
        """A static row of the user's if it is free, else `<pppoe-NAME>`, numbered where it is taken."""
        used = {each.interface for each in self.sessions.values()}
        for row in self.tables[BOUND]:
            if not row.is_dynamic and not row.is_disabled and row.get("user") == user and row.get("name") not in used:
                return row.get("name")
        names = (f"<pppoe-{user}>", *(f"<pppoe-{user}-{number}>" for number in range(1, 10_000)))
        return next(name for name in names if name not in used)

    def _make_rows(self, dialin: Dialin, rules: Settings) -> None:
        if not self.tables[BOUND].named(dialin.interface):
            bound = {"name": dialin.interface, "user": dialin.user, "service": ""}
            self._add_row(dialin, BOUND, bound)
            self._add_row(dialin, INTERFACES, {"name": dialin.interface, "type": "pppoe-in", "running": "true"})
        if (rate := rules.text("rate-limit")) and QUEUES in self.tables:
            row = {"name": dialin.interface, "target": dialin.interface, **queue_values(rate)}
            self._add_row(dialin, QUEUES, row)
        if (listed := rules.text("address-list")) and ADDRESS_LIST in self.tables:
            self._add_row(dialin, ADDRESS_LIST, {"list": listed, "address": dialin.address})

    def _add_row(self, dialin: Dialin, path: str, given: dict[str, str]) -> None:
        row = self.tables[path].seed(given, is_default=False)
        row.is_dynamic = True
        dialin.rows.append((path, row.id))

    def _drop_rows(self, dialin: Dialin) -> None:
        for path, row_id in dialin.rows:
            if (row := self.tables[path].rows.get(row_id)) is not None:
                self.tables[path].remove(row)
        dialin.rows.clear()

    def _secret_changed(self, secret: Row, is_gone: bool) -> None:
        if is_gone:
            self.last_seen.pop(secret, None)
        if self.unsettled.secret_edit_ends_session and (is_gone or secret.is_disabled):
            for dialin in [each for each in self.sessions.values() if each.secret is secret]:
                self.end(dialin, sessions.REMOVED)

    def _tell(self, dialin: Dialin, *, is_gone: bool) -> None:
        if is_gone and (client := self.clients.get(dialin.mac)) is not None:
            client.was_cut(self.clock.now() + timedelta(seconds=client.redials_after))
        for watcher in tuple(self.watchers):
            watcher(dialin, is_gone)
