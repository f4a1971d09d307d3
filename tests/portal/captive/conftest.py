"""A site with packages, and a phone that its router sent to us."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import msgspec
import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.routers import RouterView
from portal.vault import Vault
from tests import factories
from tests.apps import app_for
from tests.portal.captive.stages import Stage

MAC, IP = "A4:5E:60:11:22:33", "10.5.50.20"


class Shop(msgspec.Struct, frozen=True):
    """A merchant's router and three packages."""

    router: RouterView
    package_ids: tuple[int, ...]

    @property
    def path(self) -> str:
        return f"/c/{self.router.site}"


class Phone:
    """A browser on the hotspot. It follows nothing by itself and has no cookies."""

    def __init__(self, browser: httpx.AsyncClient, shop: Shop) -> None:
        self.browser = browser
        self.shop = shop

    async def arrive(self, **query: str) -> httpx.Response:
        """What the router's redirect opens."""
        told = {"mac": MAC, "ip": IP, "link-login-only": "http://10.5.50.1/login", "link-orig": "http://example.com/x"}
        named = {name.replace("_", "-"): value for name, value in query.items()}
        return await self.browser.get(self.shop.path, params=told | named)

    async def visit(self, **query: str) -> str:
        """The signed visit of a fresh arrival."""
        found = re.search(r"\?d=([\w-]+)", (await self.arrive(**query)).text)
        assert found is not None
        return found[1]

    async def form(self, package: int = 1) -> dict[str, str]:
        """The hidden fields of the form for a package."""
        page = await self.browser.get(self.buy_path(package), params={"d": await self.visit()})
        return hidden_fields(page.text)

    def buy_path(self, package: int = 1) -> str:
        return f"{self.shop.path}/buy/{self.shop.package_ids[package]}"

    async def buy(self, package: int = 1, **fields: str) -> httpx.Response:
        """Post the form, with the number 0712 345 678 unless told otherwise."""
        return await self.browser.post(
            self.buy_path(package), data={**await self.form(package), "phone": "0712 345 678", **fields}
        )


def hidden_fields(html: str) -> dict[str, str]:
    """Hidden inputs of a page by name."""
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', html)}


@pytest.fixture
async def browser(db: str, settings: Settings, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app_for(settings, clock))
    async with httpx.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        yield client


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


@pytest.fixture
def phone(browser: httpx.AsyncClient, shop: Shop) -> Phone:
    return Phone(browser, shop)


@pytest.fixture
def stage(shop: Shop, vault: Vault, clock: Clock) -> Stage:
    """Checkouts of the day package in any state."""
    return Stage(shop.router, shop.package_ids[1], vault=vault, clock=clock)
