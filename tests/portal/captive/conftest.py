"""A site with packages, a phone that its router sent to us, and checkouts in every state."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from portal.app import create_app
from portal.clock import Clock
from portal.config import Settings
from portal.controllers import captive, checkout
from portal.routers import RouterView
from portal.vault import Vault
from tests import factories

MAC, IP = "A4:5E:60:11:22:33", "10.5.50.20"


class Shop(msgspec.Struct, frozen=True):
    """A merchant's router and three packages."""

    router: RouterView
    package_ids: tuple[int, ...]

    @property
    def path(self) -> str:
        return f"/c/{self.router.site}"


@pytest.fixture
async def client(db: str, settings: Settings, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in front of the application that follows nothing by itself."""
    app = create_app(settings, clock=clock)
    paths = {route.path for route in app.routes}
    if not any(path.startswith("/c/") for path in paths):
        app = create_app(settings, clock=clock, routes=[captive.ROUTER, checkout.ROUTER])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as browser:
        yield browser


@pytest.fixture
async def shop(db: str, vault: Vault) -> Shop:
    """Kilimani Corner: three packages, M-Pesa set up, the router online."""
    merchant_id = await factories.merchant()
    await factories.mpesa_account(vault)
    router = await factories.router(vault, merchant_id)
    sold = (("1 hour", 1000, 3600), ("1 day", 5000, 86_400), ("30 days", 90_000, 30 * 86_400))
    ids = [
        await factories.package(merchant_id, name=name, price_cents=cents, duration_s=seconds, rate_down_kbps=5000)
        for name, cents, seconds in sold
    ]
    return Shop(router, tuple(ids))
