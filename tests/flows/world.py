"""A whole small world for flows: the portal on a real port, a worker, one simulated router with its Wi-Fi, and Daraja."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from jobs.doors import Doors
from portal.clock import Clock
from portal.config import Settings
from portal.house import web_running, worker_running
from portal.mpesa.simulator import DarajaSimulator
from portal.mpesa.simulator.world import DEFAULT_KEY, DEFAULT_SECRET, SANDBOX_PASSKEY, SANDBOX_SHORTCODE, World
from portal.routers import RouterView
from portal.serving import listen
from portal.vault import Vault
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.clock import VirtualClock
from routeros.simulator.proxy import HotspotNetwork
from routeros.simulator.proxy.phones import Phone
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.servlet import stock_pages
from tests import factories

LOGIN_PAGE = """<html><head><meta http-equiv="refresh" content="0;
url={portal}/c/{site}?mac=$(mac-esc)&ip=$(ip)&link-login-only=$(link-login-only-esc)&link-orig=$(link-orig-esc)"></head></html>"""


@dataclass
class Shop:
    """What a flow plays with."""

    portal: str
    clock: Clock
    doors: Doors | None
    daraja: DarajaSimulator
    board: SimulatedRouter
    network: HotspotNetwork
    router: RouterView
    merchant_id: int
    packages: dict[str, int]
    phone: Phone

    def shift(self, **by: float) -> None:
        """Let time pass: for us, for the router and for M-Pesa."""
        self.clock.shift(timedelta(**by))
        self.board.clock.advance(timedelta(**by).total_seconds())
        self.board.tick()

    def browser(self, phone: Phone | None = None) -> httpx.AsyncClient:
        """The phone's browser: everything through the hotspot's network, nothing remembered."""
        return httpx.AsyncClient(proxy=(phone or self.phone).proxy_url, trust_env=False, timeout=10)


@asynccontextmanager
async def shop_open(
    settings: Settings,
    vault: Vault,
    clock: Clock,
    *,
    works: bool = True,
    behaviour: Behaviour | None = None,
    version: str = "7.16",
) -> AsyncIterator[Shop]:
    """A shop with one router and two packages. The database must be empty and open."""
    listener = listen("127.0.0.1", 0)
    portal = f"http://127.0.0.1:{listener.getsockname()[1]}"
    world = World.sandbox(clock=clock, seed=7)
    async with (
        DarajaSimulator(world) as daraja,
        SimulatedRouter(
            version=version,
            clock=VirtualClock(),
            behaviour=behaviour,
            api_user="vocha",
            api_password="secret",
            login_by="cookie,mac-cookie,http-pap",
        ) as board,
    ):
        live = settings_for(settings, portal=portal, mpesa=daraja.url)
        merchant = await factories.merchant()
        await factories.mpesa_account(
            vault, shortcode=SANDBOX_SHORTCODE, key=DEFAULT_KEY, secret=DEFAULT_SECRET, passkey=SANDBOX_PASSKEY
        )
        router = await factories.router(vault, merchant, api_port=board.api_port)
        packages = {
            "1 hour": await factories.package(merchant),
            "1 day": await factories.package(merchant, name="1 day", price_cents=5000, duration_s=86_400),
        }
        page = LOGIN_PAGE.format(portal=portal, site=router.site)
        network = HotspotNetwork(board.hotspot, html=stock_pages() | {"login.html": page})
        board.hotspot.tables["/ip/hotspot/walled-garden"].add({"dst-host": "127.0.0.1", "action": "allow"})
        async with network, web_running(live, clock, listener=listener):
            phone = await network.attach()
            shop = Shop(portal, clock, None, daraja, board, network, router, merchant, packages, phone)
            if not works:
                yield shop
                return
            async with worker_running(live, clock) as doors:
                shop.doors = doors
                yield shop


def settings_for(settings: Settings, *, portal: str, mpesa: str) -> Settings:
    """The test settings, pointing at this world."""
    return dataclasses.replace(
        settings, base_url=portal, mpesa_callback_base=portal, mpesa_environment="loopback", mpesa_url=mpesa
    )
