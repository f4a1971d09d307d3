"""A browser for the whole run, a world for each test: the shop with its hotspot, and phones that join it.

The database, the clock and the keys are the tests' own, in the root conftest.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ViewportSize, async_playwright

from e2e import artefacts
from e2e.browsers import DESK, launch, merchant_context, phone_context
from e2e.pages import CaptivePhone, Dashboard
from e2e.watch import Watch
from portal.clock import Clock
from portal.config import Settings
from portal.vault import Vault
from routeros.simulator.proxy.phones import Phone
from tests.flows.world import Shop, shop_open
from tests.holding import assert_all_holds
from tests.portal.web import rows

#: The hotspot's own addresses: its login and status pages.
ROUTER = frozenset({"10.5.50.1", "login.hotspot"})


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


@pytest.fixture
async def shop(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Shop]:
    """Portal, worker, router with its Wi-Fi, and M-Pesa, all running."""
    async with shop_open(settings, vault, clock) as open_shop:
        yield open_shop


class Wifi:
    """Brings phones to a shop's Wi-Fi, and sees at the end that its pages behaved."""

    def __init__(self, browser: Browser, shop: Shop) -> None:
        self.browser = browser
        self.shop = shop
        self.phones: list[CaptivePhone] = []

    async def join(self, phone: Phone | None = None, *, locale: str = "en-KE", scripts: bool = True) -> CaptivePhone:
        """A browser on this phone, by default on the first one; two browsers may share a phone."""
        context = await phone_context(
            self.browser, proxy_url=(phone or self.shop.phone).proxy_url, locale=locale, scripts=scripts
        )
        watch = await Watch.over(context, own=ROUTER | {urlsplit(self.shop.portal).netloc})
        self.phones.append(CaptivePhone(await context.new_page(), watch, portal=self.shop.portal))
        return self.phones[-1]

    async def leave(self) -> list[str]:
        """Close all; returns what the pages did that they must not."""
        complaints: list[str] = []
        for phone in self.phones:
            if not phone.page.is_closed():
                complaints += await phone.watch.complaints()
                await phone.context.close()
            else:
                complaints += phone.watch.said + phone.watch.strangers()
        return complaints


class Person(NamedTuple):
    """Who can sign in."""

    email: str
    password: str


class Desks:
    """Opens merchants' browsers."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.opened: list[Dashboard] = []

    async def open(
        self, shop: Shop, *, viewport: ViewportSize = DESK, locale: str = "en-KE", scripts: bool = True
    ) -> Dashboard:
        """A browser that has never been here."""
        context = await merchant_context(
            self.browser, base_url=shop.portal, viewport=viewport, locale=locale, scripts=scripts
        )
        watch = await Watch.over(context, own=frozenset({urlsplit(shop.portal).netloc}))
        self.opened.append(Dashboard(await context.new_page(), watch))
        return self.opened[-1]

    async def close(self) -> list[str]:
        """Close all; returns what the pages did that they must not."""
        complaints: list[str] = []
        for dashboard in self.opened:
            complaints += dashboard.watch.said + dashboard.watch.strangers()
            await dashboard.page.context.close()
        return complaints


@pytest.fixture
async def wifi(chromium: Browser, shop: Shop, request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Wifi]:
    """Every test with a phone promises this too: no cookie, no storage, no foreign request, no error, no broken policy; and
    what must always be true is true at its end."""
    async with wifi_of(chromium, shop) as found:
        yield found
    await assert_all_holds(request, clock)


@pytest.fixture
async def standing_shop(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Shop]:
    """A shop where nobody works: what a test puts into the database stays as it is."""
    async with shop_open(settings, vault, clock, works=False) as open_shop:
        yield open_shop


@pytest.fixture
async def standing_wifi(chromium: Browser, standing_shop: Shop) -> AsyncIterator[Wifi]:
    """As `wifi`, at the shop that stands still."""
    async with wifi_of(chromium, standing_shop) as found:
        yield found


@asynccontextmanager
async def wifi_of(browser: Browser, shop: Shop) -> AsyncGenerator[Wifi]:
    """Phones at a shop; what their pages did wrong fails the test at the end."""
    found = Wifi(browser, shop)
    try:
        yield found
    finally:
        complaints = await found.leave()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
async def owner(shop: Shop) -> Person:
    """The owner of the shop."""
    return await owner_of(shop)


async def owner_of(shop: Shop) -> Person:
    """Give the shop an owner who can sign in."""
    await rows.person("amina@kilimani.test", shop.merchant_id)
    return Person("amina@kilimani.test", rows.PASSWORD)


@pytest.fixture
async def desks(chromium: Browser) -> AsyncIterator[Desks]:
    """Browsers of merchants, watched like the phones; only cookies are theirs to keep."""
    found = Desks(chromium)
    yield found
    complaints = await found.close()
    assert not complaints, "\n".join(complaints)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the pictures are."""
    if artefacts.count():
        terminalreporter.write_line(f"{artefacts.count()} pictures of pages are in {artefacts.FOLDER}")
