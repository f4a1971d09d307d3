"""DemoWorld: the whole house in one process with simulated routers, phones and M-Pesa around it. For the demo, benches
and end-to-end tests; not for service."""

import asyncio
import os
import random
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from portal import database, job_runs
from portal.callbacks import addresses
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.demo import fill, months, papers, programs
from portal.demo.boards import DemoRouter, keep_company, power_up
from portal.demo.cast import MERCHANT, OPERATOR, OWNER, ROUTERS
from portal.demo.folder import DemoFolder
from portal.demo.past import DAYS
from portal.demo.phones import Phones
from portal.demo.post import DemoPost
from portal.demo.rails import DemoRails
from portal.demo.sign_in import SignInLinks
from portal.demo.together import together
from portal.house import web_running, worker_running
from portal.mpesa import accounts
from portal.mpesa.simulator import DarajaSimulator, Knobs, World
from portal.mpesa.simulator.records import Registration
from portal.serving import listen
from portal.vault import Vault

#: Something that runs beside the world and is told it, such as the demo page.
Guest = Callable[["DemoWorld"], AbstractAsyncContextManager[object]]


def _unheard(_: Path) -> None:
    """Nobody wants to know the folder."""


HOST = "127.0.0.1"
#: A person needs longer for a PIN than the sandbox gives; 60 s is what production is said to give.
_NO_ANSWER_S = 60.0
_COMPANY_EVERY_S = 1.0
#: Asked for when the world is new, so that nobody must wait for their moment to see what they make.
_AT_ONCE = (
    "aggregate-usage", "weekly-report", "monthly-report", "daily-close", "maintain-database", "clean-storage", "clean-logs",
)  # fmt: skip


@dataclass(kw_only=True)
class DemoWorld:
    """A running demo. `page_listener` is where its page will be served; nobody answers there until somebody does.

    `routers[i].network.attach()` gives a phone behind a router; `daraja` answers prompts; `shift` lets time pass.
    """

    folder: DemoFolder
    settings: Settings
    clock: Clock
    vault: Vault
    daraja: DarajaSimulator
    rails: DemoRails
    post: DemoPost
    routers: list[DemoRouter]
    phones: Phones
    links: SignInLinks
    page_listener: socket.socket
    merchant_email: str = OWNER.email
    merchant_password: str = OWNER.password
    operator_email: str = OPERATOR.email
    operator_password: str = OPERATOR.password

    @property
    def portal_url(self) -> str:
        """Where the portal answers."""
        return self.settings.base_url

    @property
    def page_url(self) -> str:
        """Where the demo page is."""
        return _url(self.page_listener)

    def shift(self, **by: float) -> None:
        """Let time pass everywhere, as `timedelta(**by)`: for the house, the routers and M-Pesa. Never back."""
        step = timedelta(**by)
        if step < timedelta(0):
            raise ValueError("time does not go back")
        self.clock.shift(step)  # M-Pesa's simulator runs on this clock
        for router in self.routers:
            router.board.clock.advance(step.total_seconds())
            router.board.tick()
        self.daraja.world.run_due()
        self.daraja.world.notify()
        self.rails.shifted()
        self.folder.memory.offset_s = self.clock.offset.total_seconds()
        self.folder.remember()

    async def set_router(self, place: int, *, is_on: bool) -> None:
        """Take a router off the air, or bring it back; the next start finds it so."""
        await self.routers[place].board.set_online(is_on)
        self.folder.memory.off = [router.name for router in self.routers if not router.is_on]
        self.folder.remember()

    async def lose_router(self, place: int) -> None:
        """Let a router's packets get lost without a word; `set_router` mends it. The next start finds it off."""
        await self.routers[place].board.vanish()
        self.folder.memory.off = [router.name for router in self.routers if not router.is_on]
        self.folder.remember()

    @classmethod
    @asynccontextmanager
    async def started(
        cls,
        data_dir: Path,
        *,
        port: int = 0,
        is_fresh: bool = False,
        works: bool = True,
        days: int = DAYS,
        guests: Sequence[Guest] = (),
        on_folder: Callable[[Path], object] = _unheard,
    ) -> AsyncGenerator[Self]:
        """Start everything, filling the world when it is empty; ends all of it at the end.

        `port` is the portal's (0: any free one, the same as last time where possible); OSError when it is taken.
        `works=False` leaves the worker out; `days` is how long the past is; `guests` open last, and close together with the servers, so
        that the end never takes longer than the slowest of them. A database that is open already is used as it is, and left
        open. `on_folder` is told the folder as soon as it is ours.
        """
        folder = DemoFolder(data_dir, is_fresh=is_fresh)
        clock = Clock(timedelta(seconds=folder.memory.offset_s))
        async with AsyncExitStack() as ends:
            ends.callback(folder.close)
            on_folder(folder.path)
            portal = listen(HOST, port or folder.port("portal"))
            ends.callback(portal.close)
            page = listen(HOST, folder.port("page"))
            ends.callback(page.close)
            daraja = await _daraja(folder, clock, ends)
            rails, post = await _others(folder, clock, ends)
            settings = _settings(folder, portal=_url(portal), page=_url(page), mpesa=daraja.url, rails=rails)
            vault = Vault(settings.secret_keys)
            await _database(settings, vault, clock, ends, days=days)
            await _introduce(settings, vault, rails, post, clock=clock)
            await _announce_by_hand(daraja, portal=_url(portal), now=clock.now())
            routers = await _routers(folder, clock, ends, portal=_url(portal), also=[rails.url], vault=vault)
            phones, links = Phones(routers), SignInLinks(clock)
            ends.push_async_callback(phones.close)
            world = cls(
                folder=folder, settings=settings, clock=clock, vault=vault, daraja=daraja, rails=rails, post=post, routers=routers,
                phones=phones, links=links, page_listener=page,
            )  # fmt: skip
            world._remember_ports()
            await ends.enter_async_context(_company(routers))
            servers = world._servers(portal, works=works)
            await ends.enter_async_context(together([*servers, *(guest(world) for guest in guests)]))
            yield world

    def _servers(self, portal: socket.socket, *, works: bool) -> list[AbstractAsyncContextManager[object]]:
        worker = [worker_running(self.settings, self.clock)] if works else []
        web = web_running(self.settings, self.clock, listener=portal, routes=[self.links.route()])
        return [_until_the_end(self.daraja), self.rails.running(), *worker, web]

    def _remember_ports(self) -> None:
        ports = {"portal": self.portal_url, "page": self.page_url, "mpesa": self.daraja.url}
        ports["rails"] = self.rails.url
        ports |= {f"proxy {router.name}": router.network.proxy_url for router in self.routers}
        found = {name: int(url.rpartition(":")[2]) for name, url in ports.items()}
        found["mail"] = self.post.mail.port
        found |= {f"api {router.name}": router.board.api_port for router in self.routers}
        self.folder.memory.ports = found
        self.folder.remember()


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


def _settings(folder: DemoFolder, *, portal: str, page: str, mpesa: str, rails: DemoRails) -> Settings:
    return Settings.from_env(
        {
            "PORTAL_DATA_DIR": str(folder.path),
            "PORTAL_BASE_URL": portal,
            "PORTAL_PORT": portal.rpartition(":")[2],
            "PORTAL_MPESA_ENVIRONMENT": "loopback",
            "PORTAL_MPESA_URL": mpesa,
            "PORTAL_MPESA_CALLBACK_BASE": portal,
            "PORTAL_MPESA_TRUSTED_SOURCES": HOST,
            "PORTAL_FRAME_ANCESTORS": page,
            **rails.urls(),
            # Keys of an existing installation must not end up in play data, nor the other way round.
            **{name: os.environ[name] for name in ("PORTAL_LOG_LEVEL",) if name in os.environ},
        }
    )


async def _database(settings: Settings, vault: Vault, clock: Clock, ends: AsyncExitStack, *, days: int) -> None:
    """Open, unless it is open already, and full."""
    if DB.pool is None:
        await ends.enter_async_context(database.opened(settings, pool_size=16))
    if await fill.is_filled():
        await fill.catch_up(vault, now=clock.now())
    else:
        await fill.fill(vault, now=clock.now(), days=days)
        for job in _AT_ONCE:
            await job_runs.request(job, clock.now(), source=job_runs.Source.HAND, by="demo")


async def _introduce(settings: Settings, vault: Vault, rails: DemoRails, post: DemoPost, *, clock: Clock) -> None:
    """Everybody to the portal whom it speaks with, and what they did with it in the weeks before."""
    for introduce in (rails.introduce, post.introduce):
        await introduce(vault, portal=settings.base_url, now=clock.now())
    await months.live(settings, vault, rails, post, now=clock.now())
    await programs.introduce(settings, vault, url=rails.url, now=clock.now())
    await papers.hand_out(now=clock.now())


async def _daraja(folder: DemoFolder, clock: Clock, ends: AsyncExitStack) -> DarajaSimulator:
    world = World.sandbox(name=MERCHANT.upper(), clock=clock, knobs=Knobs(no_answer_seconds=_NO_ANSWER_S))
    daraja = DarajaSimulator(world)
    await daraja.start(folder.port("mpesa"))
    ends.push_async_callback(daraja.stop)
    return daraja


async def _others(folder: DemoFolder, clock: Clock, ends: AsyncExitStack) -> tuple[DemoRails, DemoPost]:
    """The other rails' simulators and the gateways of messages, behind one address."""
    listener = listen(HOST, folder.port("rails"))
    ends.callback(listener.close)
    post = DemoPost(clock)
    await post.mail.start(folder.port("mail"))
    ends.push_async_callback(post.mail.stop)
    return DemoRails(listener, clock, post), post


async def _announce_by_hand(daraja: DarajaSimulator, *, portal: str, now: datetime) -> None:
    """Tell M-Pesa where payments by hand are announced, as `vocha mpesa register-urls` does. It forgets when it ends."""
    for row in await DB.fetch("SELECT id, shortcode FROM mpesa_accounts"):
        shortcode = daraja.world.shortcodes.get(row["shortcode"])
        if shortcode is None:
            continue
        async with atomic() as tx:
            name = await addresses.of_account(tx, row["id"], now=now)
        told, asked = (portal + addresses.path(name, use) for use in (addresses.CONFIRMATION, addresses.VALIDATION))
        shortcode.registration = Registration("v2", "Completed", told, asked)
        await accounts.note_registered(row["id"], response_type="Completed", now=now, actor="demo")


async def _routers(
    folder: DemoFolder, clock: Clock, ends: AsyncExitStack, *, portal: str, also: Sequence[str], vault: Vault
) -> list[DemoRouter]:
    off = [spec.name for spec in ROUTERS if not spec.is_online] if folder.memory.off is None else folder.memory.off
    routers: list[DemoRouter] = []
    for spec in ROUTERS:
        api, proxy = folder.port(f"api {spec.name}"), folder.port(f"proxy {spec.name}")
        router = await power_up(
            spec, portal=portal, also=also, vault=vault, clock=clock, api_port=api, proxy_port=proxy
        )
        ends.push_async_callback(router.stop)
        await router.board.set_online(spec.name not in off)
        routers.append(router)
    return routers


@asynccontextmanager
async def _company(routers: list[DemoRouter]) -> AsyncGenerator[None]:
    async def go_on() -> None:
        while True:
            keep_company(routers, draw=random.random)
            await asyncio.sleep(_COMPANY_EVERY_S)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _until_the_end(daraja: DarajaSimulator) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await daraja.stop()
