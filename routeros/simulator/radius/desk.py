"""RADIUS of one router: which server is asked about which login, what it said, and what it is told of sessions.

A hotspot decides at once, a server takes its time: a login that needs one raises RadiusQuestion, whoever can wait asks
it here and logs in again (`settled`). Source: MikroTik manual, RADIUS and HotSpot profile.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from routeros.simulator.attempts import Attempt
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.hosts import HostTable
from routeros.simulator.radius import requests
from routeros.simulator.radius.client import RadiusClient, Server
from routeros.simulator.radius.grants import Grant
from routeros.simulator.radius.packets import ACCEPT, ACCOUNTING, REQUEST, Packet, sealed, signed
from routeros.simulator.refusals import LoginRefused, RadiusQuestion
from routeros.simulator.sessions import Active
from routeros.simulator.tables import Row, Tables
from routeros.simulator.values import parse_duration

RADIUS = "/radius"
_REPLY_MESSAGE = (0, 18)
_T = TypeVar("_T")


class Site(Protocol):
    """What the desk needs of its hotspot."""

    tables: Tables
    behaviour: Behaviour
    identity: str
    active: dict[str, Active]
    host_table: HostTable

    @property
    def server(self) -> Row | None: ...
    @property
    def profile(self) -> Row | None: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a question: a grant, or why not."""

    session_id: str
    grant: Grant | None = None
    refusal: LoginRefused | None = None


@dataclass(slots=True)
class RadiusDesk:
    """The RADIUS side of one hotspot. `boots` is part of the session ids: it changes with every reboot."""

    site: Site
    client: RadiusClient
    boots: int = 0
    _verdicts: dict[Attempt, Verdict] = field(default_factory=dict)
    _asking: set[str] = field(default_factory=set)
    _sessions: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    # -- logins --------------------------------------------------------------------------------------------------

    def knows(self, attempt: Attempt) -> bool:
        """Say whether the answer to this attempt is in."""
        return attempt in self._verdicts

    def verdict(self, attempt: Attempt) -> Verdict:
        """Take the answer to an attempt: a verdict with a grant. Raises LoginRefused, or RadiusQuestion where nobody
        has asked yet."""
        verdict = self._verdicts.pop(attempt, None)
        if verdict is None:
            if attempt.ip in self._asking:
                raise LoginRefused("auth-in-progress", attempt.username)
            raise RadiusQuestion(attempt)
        if verdict.refusal is not None:
            raise verdict.refusal
        return verdict

    async def ask(self, attempt: Attempt) -> None:
        """Ask the servers in their order until one answers; the answer is kept for `verdict`."""
        session_id = self._next_session()
        self._asking.add(attempt.ip)
        try:
            verdict = await self._ask(attempt, session_id)
        finally:
            self._asking.discard(attempt.ip)
        self._verdicts[attempt] = verdict

    def forget(self, attempt: Attempt) -> None:
        """Drop an answer nobody came for."""
        self._verdicts.pop(attempt, None)

    async def _ask(self, attempt: Attempt, session_id: str) -> Verdict:
        for row in self._rows(attempt.domain):
            server = self._server(row, "authentication-port")
            common = self._common(row, attempt, session_id)
            answer = await self.client.exchange(server, _request(common, attempt, server))
            if answer is None:
                continue
            tally = self.client.tally(server.id)
            grant = Grant(answer.attributes)
            if answer.code == ACCEPT:
                tally.accepts += 1
                return Verdict(session_id, grant)
            tally.rejects += 1
            words = grant.text(_REPLY_MESSAGE)
            key = "radius-reply" if words else "invalid-username"
            return Verdict(session_id, refusal=LoginRefused(key, attempt.username, words))
        return Verdict(session_id, refusal=LoginRefused("radius-timeout", attempt.username))

    def _rows(self, domain: str) -> list[Row]:
        """The servers for a hotspot in the order of the menu; one with a domain serves that domain only."""
        profile, server = self.site.profile, self.site.server
        domain = domain or (profile.get("radius-default-domain") if profile else "")
        name = server.get("name") if server else ""
        return [
            row
            for row in self.site.tables[RADIUS]
            if not row.is_disabled
            and "hotspot" in row.get("service").split(",")
            and row.get("domain") in {"", domain}
            and row.get("called-id") in {"", name}
        ]

    def _server(self, row: Row, port: str) -> Server:
        return Server(
            row.id,
            row.get("address").partition("@")[0],
            int(row.get(port)),
            row.get("secret").encode("utf-8", "surrogateescape"),
            max(0.01, parse_duration(row.get("timeout"))),
            row.get("require-message-auth", "no") != "no",
        )

    def _next_session(self) -> str:
        """Service (80: hotspot), boot, session: MikroTik manual, RADIUS, Acct-Session-Id."""
        self._sessions += 1
        return f"80{self.boots % 16:X}{self._sessions % 0x100000:05X}"

    def _common(self, row: Row, attempt: Attempt, session_id: str) -> list[tuple[int, int, bytes]]:
        host = self.site.host_table.hosts.get(attempt.ip)
        return [
            *self._of_site(row),
            *requests.of_phone(
                user=attempt.username,
                mac=attempt.mac,
                ip=host.to_address if host else attempt.ip,
                host_ip=attempt.ip,
                domain=attempt.domain,
                session_id=session_id,
                realm=row.get("realm"),
            ),
        ]

    def _of_site(self, row: Row) -> list[tuple[int, int, bytes]]:
        server, profile = self.site.server, self.site.profile
        source = row.get("src-address")
        return requests.of_site(
            server.values if server else {},
            profile.values if profile else {},
            identity=self.site.identity,
            nas_ip=source if requests.is_address(source) else self.client.host,
            realm=row.get("realm"),
        )

    # -- accounting ----------------------------------------------------------------------------------------------

    def session_changed(self, active: Active, is_gone: bool) -> None:
        """Tell RADIUS of a session that began or ended, if the profile wants that."""
        if is_gone and active.accounting_id:
            self._tell("stop", active, seconds=self._seconds(active))
        elif not is_gone and self._is_wanted():
            active.accounting_id = active.accounting_id or self._next_session()
            active.told_next_at = self._next_time(active, active.started_at)
            self._tell("start", active, seconds=0)
        elif not is_gone:
            active.accounting_id = ""

    def tick(self, now: datetime) -> None:
        """Send the interim updates that are due."""
        for active in self.site.active.values():
            if active.told_next_at is not None and active.told_next_at <= now:
                active.told_next_at = self._next_time(active, now)
                self._tell("interim", active, seconds=active.uptime(now))

    def _is_wanted(self) -> bool:
        profile = self.site.profile
        return (
            profile is not None
            and profile.get("use-radius") == "true"
            and profile.get("radius-accounting", "true") == "true"
        )

    def _next_time(self, active: Active, now: datetime) -> datetime | None:
        """The profile's own interval; `received` and zero mean the server's."""
        profile = self.site.profile
        wanted = profile.get("radius-interim-update", "received") if profile else "received"
        every = None if wanted == "received" else parse_duration(wanted)
        every = every or (active.grant.interim if active.grant else None)
        return now + timedelta(seconds=every) if every else None

    def _seconds(self, active: Active) -> float:
        return (active.ended_at - active.started_at).total_seconds() if active.ended_at else 0.0

    def _tell(self, kind: requests.Kind, active: Active, *, seconds: float) -> None:
        is_turned = self.site.behaviour.radius_output_is_upload
        usage = requests.of_usage(kind, active, seconds=seconds, is_upload_out=is_turned)
        host = self.site.host_table.hosts.get(active.ip)
        phone = requests.of_phone(
            user=active.user,
            mac=active.mac,
            ip=host.to_address if host else active.ip,
            host_ip=active.ip,
            domain=active.domain,
            session_id=active.accounting_id,
        )
        rows = self._rows(active.domain)[:1]
        if rows:
            attributes = [*self._of_site(rows[0]), *phone, *usage]
            self._start(self._report(self._server(rows[0], "accounting-port"), attributes))

    async def _report(self, server: Server, attributes: list[tuple[int, int, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()

        def make(identifier: int) -> Packet:
            late = requests.number(41, int(loop.time() - began))
            packet = Packet(ACCOUNTING, identifier, bytes(16), (*attributes, late))
            return signed(packet, server.secret)

        await self.client.exchange(server.without_seal(), make)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop telling; what is on its way is lost."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.client.close()


def _request(common: list[tuple[int, int, bytes]], attempt: Attempt, server: Server) -> Callable[[int], Packet]:
    def make(identifier: int) -> Packet:
        own = secrets.token_bytes(16)
        proof = requests.of_secret(attempt, secret=server.secret, authenticator=own)
        packet = Packet(REQUEST, identifier, own, (*common, *proof, *requests.of_form(attempt.radius_fields)))
        return sealed(packet, server.secret) if server.needs_seal else packet

    return make


async def settled(desk: RadiusDesk | None, act: Callable[[], _T]) -> _T:
    """Do something that may log somebody in; where RADIUS has to be asked, ask, and do it again with the answer."""
    asked: list[Attempt] = []
    try:
        while True:
            try:
                return act()
            except RadiusQuestion as question:
                if desk is None or question.attempt in asked:
                    raise
                asked.append(question.attempt)
                await desk.ask(question.attempt)
    finally:
        for attempt in asked:
            if desk is not None:
                desk.forget(attempt)
