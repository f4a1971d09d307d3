"""One hotspot server of one router: hosts, logins, sessions, cookies, walled garden, all on virtual time.

It speaks no HTTP and no API; the servlet, the proxy and the API menus all work on this model.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from routeros.simulator import admission, factory, hosts, values
from routeros.simulator.accounting import Accounts
from routeros.simulator.attempts import Attempt
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.clock import VirtualClock
from routeros.simulator.gardens import Garden, Request
from routeros.simulator.log import RouterLog
from routeros.simulator.menus import hotspot_fields as menus
from routeros.simulator.radius.desk import RadiusDesk, Verdict
from routeros.simulator.refusals import LoginRefused
from routeros.simulator.returning import ReturningPhones
from routeros.simulator.sessions import Active, Host, Usage
from routeros.simulator.tables import Row, Tables
from routeros.simulator.trials import Trials

_TOPICS = "hotspot,account,info,debug"
_ON_LEAVING = frozenset({"idle timeout", "keepalive timeout"})


class Hotspot(ReturningPhones):
    """The state of one hotspot. Its tables may be shared with a router; alone it makes its own.

    `license_cap` is the number of active sessions the licence allows (level 4: 200), None without limit.
    With an empty `server_name` no hotspot server exists until one is added.
    Set rows up with `users.add({...})` and so on; values are those of the API.
    """

    def __init__(
        self,
        *,
        clock: VirtualClock,
        tables: Tables | None = None,
        log: RouterLog | None = None,
        behaviour: Behaviour | None = None,
        identity: str = "MikroTik",
        server_name: str = "hotspot1",
        address: str = "10.5.50.1",
        dns_name: str = "login.hotspot",
        login_by: str = "cookie,http-chap,http-pap",
        license_cap: int | None = 200,
    ) -> None:
        self.identity = identity
        self.license_cap = license_cap
        super().__init__(factory.hotspot_tables() if tables is None else tables, behaviour or Behaviour(), clock)
        self.log = log or RouterLog(clock.now)
        factory.seed_defaults(self.tables)
        factory.seed_server(self.tables, name=server_name, address=address, dns_name=dns_name, login_by=login_by)
        #: Whom to ask about users of RADIUS; None: nobody answers.
        self.radius: RadiusDesk | None = None
        self.accounts = Accounts(self.tables, self.active, self.behaviour)
        self.trials = Trials()
        #: Hear of every session that begins, and (True) ends.
        self.session_watchers: list[Callable[[Active, bool], None]] = []
        self.users.watchers.append(self._user_changed)
        self.garden = Garden(
            self.tables[menus.WALLED_GARDEN], self.tables[menus.WALLED_GARDEN_IP], self.behaviour.garden_needs_dns
        )

    def see_host(self, mac: str, ip: str) -> Host:
        """Note a phone's traffic: creates or refreshes its row, applies ip-bindings. MAC in any usual form."""
        now, mac = self.clock.now(), values.parse_mac(mac)
        session = self.active.get(ip)
        if session is not None and session.mac != mac:
            self._end(session, "admin reset", now)  # the address belongs to another phone now
        host = self.host_table.see(mac, ip, server=self.server_name, now=now)
        rule = hosts.binding_for(self.tables[menus.IP_BINDING], mac, ip, self.server_name)
        host.kind = rule.get("type", "regular") if rule else "regular"
        host.to_address = (rule.get("to-address") if rule else "") or ip
        if (session := self.active.get(ip)) is not None:
            session.last_traffic_at = now
            if host.is_blocked:
                self._end(session, "admin reset", now)
        per_mac = self.server.get("addresses-per-mac", "unlimited") if self.server else "unlimited"
        self.host_table.make_room(mac, None if per_mac == "unlimited" else int(per_mac))
        return host

    def leave(self, ip: str) -> None:
        """Note that a phone went out of reach; keepalive timeouts run from now until it is seen again."""
        if (host := self.host_table.hosts.get(ip)) is not None and host.lost_at is None:
            host.lost_at = self.clock.now()

    def host(self, ip: str) -> Host | None:
        """Return the host row of an address."""
        return self.host_table.hosts.get(ip)

    def session(self, ip: str) -> Active | None:
        """Return the active session of an address."""
        return self.active.get(ip)

    def login(
        self,
        *,
        ip: str,
        mac: str,
        username: str,
        by: str,
        password: str | None = None,
        chap_id: bytes | None = None,
        chap_challenge: bytes | None = None,
        chap_response: str | None = None,
        domain: str = "",
        radius_fields: tuple[tuple[str, str], ...] = (),
    ) -> Active:
        """Log a phone in. Raises LoginRefused; then nothing changed but the log. Raises RadiusQuestion where RADIUS has
        to be asked first (see `radius.desk.settled`).

        `by`: http-pap, http-chap, https, cookie, mac-cookie, mac, trial, or api for `/ip/hotspot/active/login`.
        """
        self.tick()
        host = self.see_host(mac, ip)
        chap = (chap_id, chap_challenge, chap_response)
        attempt = Attempt(ip, host.mac, username, by, password, *chap, domain, radius_fields)
        if self.radius is None or not self.radius.knows(attempt):
            self._note(username, ip, f"trying to log in by {self._shown(by)}")
        try:
            active = self._admit(attempt, host)
        except LoginRefused as refusal:
            self._note(username, ip, f"login failed: {refusal.text(ip)}")
            raise
        self._note(username, ip, "logged in")
        return active

    def _admit(self, attempt: Attempt, host: Host) -> Active:
        if self.profile is None or host.is_blocked:
            raise LoginRefused("internal-error", attempt.username, "host is blocked" if self.profile else "no server")
        now, old = self.clock.now(), self.active.get(attempt.ip)
        if old is not None and self.behaviour.second_login == "refuse":
            raise LoginRefused("internal-error", attempt.username, "already logged in")
        admission.check_method(attempt, self.login_by)
        user, verdict = self._identify(attempt)
        if old is not None and old.user == attempt.username and self.behaviour.second_login == "keep":
            return old
        profile = self._profile_for(attempt, user, verdict, now)
        admission.check_room(attempt, profile, self.active.values(), license_cap=self.license_cap)
        if old is not None:
            if user is not None:
                self.accounts.terms(user, profile, now)  # refuses before the old session is touched
            self._end(old, "user request", now)
        active = self._open(attempt, user, profile, verdict, now)
        self.active[attempt.ip] = active
        host.is_authorized = True
        self._tell(active, is_gone=False)
        self.remember_mac(active, profile)
        return active

    def _identify(self, attempt: Attempt) -> tuple[Row | None, Verdict | None]:
        """Return the user row of the router, or what RADIUS says; neither for a trial."""
        if attempt.by == "trial":
            return None, None
        if not admission.needs_radius(self.tables, attempt, self.server_name, asks=self.asks_radius):
            return admission.authenticate(self.tables, attempt, self.server_name), None
        if self.radius is None:
            raise LoginRefused("radius-timeout", attempt.username)
        return None, self.radius.verdict(attempt)

    def _profile_for(self, attempt: Attempt, user: Row | None, verdict: Verdict | None, now: datetime) -> Row:
        """Return the user profile that rules the session, with what RADIUS overrides."""
        if verdict is not None and verdict.grant is not None:
            profile = admission.profile_of(self.tables, verdict.grant.group or "default", attempt.username)
            return admission.granted_profile(profile, verdict.grant, now)
        trial = self.profile.get("trial-user-profile", "default") if self.profile else "default"
        return admission.profile_of(self.tables, user.get("profile") if user else trial, attempt.username)

    def _open(self, attempt: Attempt, user: Row | None, profile: Row, verdict: Verdict | None, now: datetime) -> Active:
        grant = verdict.grant if verdict else None
        if user is not None:
            terms = self.accounts.terms(user, profile, now)
        elif grant is not None:
            terms = admission.make_terms(admission.granted_user(attempt.username, grant), profile, Usage(), (), now)
        else:
            assert self.profile is not None  # a trial is offered by the profile
            terms = self.trials.admit(attempt, self.profile, profile, now=now)
        active = self.accounts.open(attempt, user, profile, terms, server=self.server_name, now=now)
        active.login_by = self._shown(attempt.by)
        if verdict is not None:
            active.grant, active.accounting_id = grant, verdict.session_id
            active.password = None if attempt.by == "http-chap" else attempt.password
        return active

    def logout(self, ip: str, *, cause: str = "user request", erase_cookie: bool = False) -> None:
        """End the session of an address; harmless without one. `cause` goes into the log and decides on mac-cookies."""
        if (active := self.active.get(ip)) is not None:
            if erase_cookie:
                self.cookies.forget_http(active.mac, active.user)
            self._end(active, cause, self.clock.now())
            self.settle_mac_cookie(active, cause)

    def _end(self, active: Active, cause: str, at: datetime) -> None:
        del self.active[active.ip]
        active.end_cause, active.ended_at = cause, at
        self.accounts.close(active, at, cause)
        self._tell(active, is_gone=True)
        if active.login_by == "trial":
            self.trials.use(active.mac, active.uptime(at))
        if (host := self.host(active.ip)) is not None:
            host.is_authorized = False
            if cause in _ON_LEAVING:
                self.host_table.remove(host)
        self._note(active.user, active.ip, f"logged out: {cause}")

    def _user_changed(self, user: Row, is_gone: bool) -> None:
        """Follow an edit of a user row: live sessions go on unless a switch says otherwise."""
        if (is_gone or user.is_disabled) and self.behaviour.user_removal_ends_session:
            for active in self.accounts.sessions_of(user):
                self.logout(active.ip, cause="admin reset")
        if is_gone:
            self.accounts.drop(user)
        elif self.behaviour.limit_edits_reach_live_sessions:
            self.accounts.reconsider(user, self.clock.now())

    def _shown(self, by: str) -> str:
        return self.behaviour.api_login_by if by == "api" else by

    def _tell(self, active: Active, *, is_gone: bool) -> None:
        for watcher in tuple(self.session_watchers):
            watcher(active, is_gone)

    def _note(self, username: str, ip: str, words: str) -> None:
        self.log.write(_TOPICS, f"{username} ({ip}): {words}")

    def session_numbers(self, ip: str) -> dict[str, int]:
        """Return a session's numbers in seconds and bytes, by the names of the page variables; absent: no limit."""
        return self.accounts.numbers(self.active[ip], self.clock.now()) if ip in self.active else {}

    def walled_garden(self, host: str, port: int, path: str, method: str, ip: str, *, dst_address: str = "") -> bool:
        """Say whether a request passes without login, and count the hit. `dst_address`: the IPv4 of `host` if known."""
        return self.garden.passes(Request(host, port, path, method, ip, self.server_name, dst_address))

    @property
    def garden_hits(self) -> dict[str, int]:
        """Hits of the walled-garden host rules, by their ids."""
        return {row.id: self.garden.hits.get(row, 0) for row in self.tables[menus.WALLED_GARDEN]}

    def count_traffic(self, ip: str, bytes_in: int, bytes_out: int) -> None:
        """Count traffic of a phone: `bytes_in` is its upload. Ends the session when a byte limit is reached."""
        packets_in, packets_out = -(-bytes_in // 1400), -(-bytes_out // 1400)
        if (host := self.host(ip)) is not None:
            host.traffic.add(bytes_in, bytes_out, packets_in, packets_out)
        if (active := self.active.get(ip)) is not None:
            active.traffic.add(bytes_in, bytes_out, packets_in, packets_out)
            active.last_traffic_at = self.clock.now()
            if active.is_over_traffic():
                self.logout(ip, cause="traffic limit reached")

    def tick(self) -> None:
        """Apply everything time does: session ends at their exact instants, cookie and host expiry."""
        now = self.clock.now()
        for active in list(self.active.values()):
            due = self.accounts.due(active, self.host(active.ip))
            if due is not None and due[0] <= now:
                self._end(active, due[1], due[0])
                self.settle_mac_cookie(active, due[1])
        self.accounts.flush(now)
        self.cookies.expire(now)
        if self.server is not None:
            self.host_table.expire(now, self.server)

    def shut_down(self) -> None:
        """End everything as a clean reboot does: usage is written to the user rows first."""
        for active in list(self.active.values()):
            self._end(active, "hotspot service is shutting down", self.clock.now())
        self.lose_memory()

    def lose_memory(self) -> None:
        """Lose what only memory holds: sessions with their unsaved usage, hosts, queues, names seen in DNS."""
        for active in list(self.active.values()):
            self.accounts.effects.drop(active)
        self.active.clear()
        self.host_table.hosts.clear()
        self.garden.forget()
