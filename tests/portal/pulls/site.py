"""One simulated router nobody can dial, set up by our own script, and the portal it asks over a real socket."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from jobs.doors import Doors
from portal.access_grants import Wish, end_for, want
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.house import doors_open, web_running
from portal.identity import Actor, Role
from portal.routers import scripts, setup
from portal.routers.forms import Connection, NewRouter, ScriptOptions
from portal.serving import listen
from portal.terms import Terms
from portal.vault import Vault
from routeros.script.pull import parse_report
from routeros.script.pull_values import PullReport
from routeros.script.values import Variant
from routeros.simulator.clock import VirtualClock
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting.engine import ScriptEngine
from routeros.simulator.scripting.fetching import FetchReply, FetchRequest
from routeros.simulator.scripting.loopback import LoopbackFetcher
from tests import factories

Carry = Callable[[FetchRequest], Awaitable[FetchReply]]
#: RouterOS version and what the merchant chooses for it.
VERSIONS = {"6.49": ("6.49", "plain"), "7.9": ("7", "plain"), "7.16": ("7", "json"), "7.18": ("7", "json")}


@dataclass
class Line:
    """The router's way to us, as it is: `carry` may be swapped for one that loses, tears or doubles."""

    carry: Carry
    requests: list[FetchRequest] = field(default_factory=list[FetchRequest])
    replies: list[FetchReply] = field(default_factory=list[FetchReply])

    async def __call__(self, request: FetchRequest) -> FetchReply:
        self.requests.append(request)
        reply = await self.carry(request)
        self.replies.append(reply)
        return reply


@dataclass
class Guest:
    """A device with a voucher of its own."""

    voucher_id: int
    mac: str
    ip: str


@dataclass
class Site:
    """What a test plays with; time passes for us and for the router together."""

    portal: str
    doors: Doors
    clock: Clock
    vault: Vault
    owner: Actor
    board: SimulatedRouter
    line: Line
    router_id: int
    package_id: int
    version: str
    guests: int = 0

    def shift(self, **by: float) -> None:
        """Let time pass; the router does not look at its schedule before `run`."""
        self.clock.shift(timedelta(**by))
        self.board.clock.advance(timedelta(**by).total_seconds())

    async def run(self, *, times: int = 1) -> None:
        """One interval, and the agent's run to its end."""
        for _ in range(times):
            self.shift(seconds=15)
            self.board.tick()
            async with asyncio.timeout(60):
                while self.board.scripts.jobs:  # noqa: ASYNC110  (the far side of a socket)
                    await asyncio.sleep(0.002)

    async def crowd(self, number: int) -> None:
        """So many vouchers whose devices are not there: users to be made, and nobody to be logged in."""
        guest = await self.guest(is_there=False)
        ids = [await DB.value("SELECT nextval('access_grants_id_seq')") for _ in range(1, number)]
        place = ("access_grants", "password_sealed")
        sealed = [self.vault.seal(*place, row_id=grant, plaintext=f"{grant:032x}") for grant in ids]
        await DB.fetch(
            """WITH one AS (SELECT * FROM vouchers WHERE id = $1), made AS (
                 INSERT INTO vouchers (merchant_id, package_id, code_hash, code_sealed, payment_reference, status, price_cents,
                                       terms, created_at, paid_at)
                 SELECT merchant_id, package_id, sha256(n::text::bytea), code_sealed, 'CROWD' || n, status, price_cents, terms,
                        created_at, paid_at FROM one, generate_series(2, $2::int) n RETURNING id
               ), numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM made)
               INSERT INTO access_grants (id, merchant_id, router_id, voucher_id, user_name, password_sealed, terms, next_try_at,
                                          created_at)
               SELECT k.id, g.merchant_id, g.router_id, v.id, 'vocha-' || lpad(to_hex(k.id), 16, '0'), k.sealed, g.terms,
                      g.next_try_at, g.created_at
               FROM numbered v JOIN unnest($3::bigint[], $4::bytea[]) WITH ORDINALITY AS k (id, sealed, n) USING (n)
               CROSS JOIN access_grants g WHERE g.voucher_id = $1""",
            guest.voucher_id,
            number,
            ids,
            sealed,
        )
        await DB.fetch("UPDATE access_grants SET login_wanted_at = NULL WHERE logged_in_at IS NULL")

    async def guest(self, *, duration_s: int = 86_400, devices: int = 1, is_there: bool = True) -> Guest:
        """A device that bought and waits to be let in."""
        self.guests += 1
        terms = Terms(name="1 day", duration_s=duration_s, devices=devices)
        mac, ip = f"02:00:00:00:{self.guests // 256:02X}:{self.guests % 256:02X}", self.address(self.guests)
        voucher = await factories.voucher(
            self.vault, self.owner.at_merchant(), self.package_id, terms=terms.encode(), paid_at=self.clock.now()
        )
        if is_there:
            self.board.hotspot.see_host(mac, ip)
        await self.wish(guest := Guest(voucher, mac, ip), terms)
        return guest

    def address(self, number: int) -> str:
        """The address of the so-manyth device."""
        return f"10.5.{50 + number // 200}.{number % 200 + 10}"

    async def wish(self, guest: Guest, terms: Terms | None = None) -> None:
        """The device is to be let in (again), where it stands now."""
        async with atomic() as tx:
            wish = Wish(
                merchant_id=self.owner.at_merchant(),
                router_id=self.router_id,
                voucher_id=guest.voucher_id,
                mac=guest.mac,
                ip=guest.ip,
                terms=terms or Terms(name="1 day", duration_s=86_400),
            )
            await want(tx, wish, vault=self.vault, now=self.clock.now())

    async def end(self, guest: Guest) -> None:
        """The device's access is over."""
        async with atomic() as tx:
            await end_for(tx, [guest.voucher_id], now=self.clock.now(), actor="test")

    def users(self) -> dict[str, dict[str, str]]:
        """Our users on the router."""
        rows = self.board.dispatcher.menus["/ip/hotspot/user"].shown()
        return {row["name"]: dict(row) for row in rows if row["name"].startswith("vocha-")}

    def is_online(self, guest: Guest) -> bool:
        """Whether the router has let it in."""
        return self.board.hotspot.session(guest.ip) is not None

    async def grant(self, guest: Guest) -> str:
        """Its grant's status."""
        return await DB.value("SELECT status FROM access_grants WHERE voucher_id = $1", guest.voucher_id)

    async def voucher(self, guest: Guest) -> str:
        """Its voucher's status."""
        return await DB.value("SELECT status FROM vouchers WHERE id = $1", guest.voucher_id)

    async def status(self) -> str:
        """The router's."""
        return await DB.value("SELECT status FROM routers WHERE id = $1", self.router_id)

    def reports(self) -> list[PullReport]:
        """Every question that left the router."""
        variant = Variant(VERSIONS[self.version][1])
        return [parse_report(request.body, variant) for request in self.line.requests]

    async def script(self, **options: object) -> str:
        """A fresh set-up script of this router, as its owner is shown it."""
        family, agent = VERSIONS[self.version]
        chosen = ScriptOptions(family=family, interface="bridge", agent=agent, **options)  # pyright: ignore[reportArgumentType]
        now, settings = self.clock.now(), self.doors.settings
        issued = await scripts.issue(self.owner, self.router_id, chosen, settings=settings, now=now)
        return await scripts.fetch(
            issued.code, settings=settings, vault=self.vault, now=now, actor=self.owner, router_id=self.router_id
        )

    def paste(self, script: str) -> None:
        """Into the router's terminal."""
        pasted = ScriptEngine(self.board).paste(script)
        assert pasted.error is None, pasted.output


async def owner_of(merchant_id: int) -> Actor:
    """Whoever set the router up."""
    user = await factories.user("amina@kilimani.test", merchant_id)
    return Actor(
        user_id=user,
        merchant_id=merchant_id,
        role=Role.OWNER,
        is_operator=False,
        name="Amina W.",
        email="amina@kilimani.test",
    )


def board_of(version: str, *, serial: str = "HEX0SIM0001") -> SimulatedRouter:
    """A router that sells already; its API is not even started."""
    board = SimulatedRouter(
        version=version, serial=serial, clock=VirtualClock(), server_name="hotspot1", address="10.5.50.1",
        login_by="mac-cookie,http-pap",
    )  # fmt: skip
    # Version 6 prints this from the factory.
    ScriptEngine(board).paste("/ip dns set allow-remote-requests=no\n/system ntp client set enabled=no\n")
    return board


@asynccontextmanager
async def site_open(
    settings: Settings, vault: Vault, clock: Clock, *, version: str = "7.16", base_url: str = ""
) -> AsyncGenerator[Site]:
    """A router that was added and has run its script, but has not asked yet. The database must be empty and open."""
    listener = listen("127.0.0.1", 0)
    place = listener.getsockname()[:2]
    portal = base_url or f"http://127.0.0.1:{place[1]}"
    live = dataclasses.replace(settings, base_url=portal, router_source="127.0.0.1")
    async with web_running(live, clock, listener=listener), doors_open(live, clock) as doors:
        merchant = await factories.merchant()
        package = await factories.package(merchant, name="1 day", duration_s=86_400, price_cents=5000)
        owner = await owner_of(merchant)
        new = NewRouter(name="Kiosk", connection=Connection(way="pull"))
        router_id = await setup.add(owner, new, vault=vault, tunnel=None, now=clock.now())
        board = board_of(version)
        line = Line(LoopbackFetcher({portal.partition("://")[2]: (place[0], place[1])}))
        board.scripts.fetcher = line
        site = Site(portal, doors, clock, vault, owner, board, line, router_id, package, version)
        site.paste(await site.script())
        yield site
