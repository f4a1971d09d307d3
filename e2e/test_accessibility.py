"""axe finds nothing on any captive state, nor on sign-in and the dashboard: light and dark, English and Swahili.

Each page is kept as a picture on the way, so one run shows every page and state there is.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.async_api import Page, ViewportSize

from e2e import axe
from e2e.artefacts import keep
from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, Wifi, owner_of
from e2e.pages import CaptivePhone
from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.flows.world import Shop
from tests.portal.captive.stages import Stage
from tests.portal.web import rows

SCHEMES = ("light", "dark")
LANGUAGES = ("en", "sw")
SMALLEST = ViewportSize(width=320, height=568)
RESULTS = ("1", "2", "4", "17", "1025", "1032", "1037", "2001", "2028", "8006", "unheard-of")


async def look(page: Page, name: str, language: str) -> list[str]:
    """Examine and keep a page in both schemes; nothing may stick out sideways either."""
    found: list[str] = []
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        rules = () if scheme == SCHEMES[0] else axe.COLOURS
        found += await axe.findings(page, f"{name} {scheme} {language}", rules=rules)
        await keep(page, name, variant=f"{scheme}-{language}")
    found += await sticking_out(page, f"{name} {language}")
    spoken = await page.evaluate("document.documentElement.lang")
    return [*found, *([f"{name} is in {spoken} instead of {language}"] if spoken != language else [])]


async def sticking_out(page: Page, name: str) -> list[str]:
    """By how much a page is wider than the window."""
    over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{name} is {over} pixels too wide"] if over > 0 else []


class Tour:
    """Walks a phone through the captive pages in one language and collects what is wrong with them."""

    def __init__(self, phone: CaptivePhone, shop: Shop, language: str) -> None:
        self.phone = phone
        self.shop = shop
        self.language = language
        self.found: list[str] = []
        self._visit = ""

    @property
    def page(self) -> Page:
        return self.phone.page

    async def arrive(self) -> None:
        """Come to the list of packages and remember the visit that its links carry."""
        await self.phone.open_any_site()
        link = await self.page.locator("a[href*='/code?']").get_attribute("href")
        self._visit = parse_qs(urlsplit(link or "").query)["d"][0]
        await self.open("packages", f"/c/{self.shop.router.site}")

    async def open(self, name: str, path: str, *, visit: str | None = None) -> None:
        query = {"d": self._visit if visit is None else visit, "l": self.language}
        await self.page.goto(f"{self.shop.portal}{path}?{urlencode({k: v for k, v in query.items() if v})}")
        await self.examine(name)

    async def examine(self, name: str) -> None:
        """Whatever page is open now."""
        self.found += await look(self.page, f"captive-{name}", self.language)
        await self.page.set_viewport_size(SMALLEST)
        self.found += await sticking_out(self.page, f"{name} {self.language} at 320")
        await self.page.set_viewport_size(PHONE)


@pytest.fixture
def stage(standing_shop: Shop, vault: Vault, clock: Clock) -> Stage:
    """Checkouts in any state, which nobody works on."""
    return Stage(standing_shop.router, standing_shop.packages["1 day"], vault=vault, clock=clock)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_the_pages_before_paying(
    standing_wifi: Wifi, standing_shop: Shop, language: str
) -> None:
    tour = Tour(await standing_wifi.join(), standing_shop, language)
    site, package = f"/c/{standing_shop.router.site}", standing_shop.packages["1 day"]
    await tour.arrive()
    await tour.open("buy", f"{site}/buy/{package}")
    await tour.page.locator("input[type=tel]").fill("+256 772 123 456")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("[aria-invalid]")
    await tour.examine("buy-error")
    await tour.open("code", f"{site}/code")
    await tour.page.get_by_role("textbox").fill("WRONG")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("[aria-invalid]")
    await tour.examine("code-error")
    await DB.fetch(
        "INSERT INTO limits (name, window_at, hits) VALUES ($1, now(), 999)", f"push:router:{tour.shop.router.id}"
    )
    await tour.open("buy", f"{site}/buy/{package}")
    await tour.page.locator("input[type=tel]").fill("0712 345 678")
    await tour.page.locator("button").tap()
    await tour.page.wait_for_selector("label", state="detached")
    await tour.examine("wait")
    await tour.open("elsewhere", site, visit="")
    await tour.open("lost", f"{site}/code", visit="made-up")
    await tour.open("missing", f"{site}/buy/999")
    await tour.open("nobody", "/c/no-such-site")
    await DB.fetch("UPDATE packages SET is_active = false")
    await tour.open("nothing-on-sale", site)
    await DB.fetch("UPDATE routers SET status = 'offline'")
    await tour.open("down", site)
    assert not tour.found, "\n".join(tour.found)


def checkouts(stage: Stage) -> dict[str, Callable[[], Awaitable[str]]]:
    """How each state of a checkout comes about."""
    return {
        "waiting": stage.waiting,
        "waiting-sent": lambda: stage.waiting(sent=True, age_s=12),
        "slow": lambda: stage.waiting(sent=True, age_s=95),
        "slow-late": lambda: stage.waiting(sent=True, age_s=150),
        "failed-17-later": lambda: stage.failed("17", age_s=130),
        **{f"failed-{code}": lambda code=code: stage.failed(code) for code in RESULTS},
        "mismatch": stage.mismatch,
        "connecting": stage.paid,
        "connected": stage.connected,
        "over": stage.over,
    }


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_any_state_of_a_checkout(
    standing_wifi: Wifi, standing_shop: Shop, stage: Stage, language: str
) -> None:
    tour = Tour(await standing_wifi.join(), standing_shop, language)
    await tour.arrive()
    for name, make in checkouts(stage).items():
        await tour.open(name, f"/w/{await make()}")
    token = await stage.paid()
    await DB.fetch("UPDATE routers SET status = 'offline'")
    await tour.open("router-away", f"/w/{token}")
    assert not tour.found, "\n".join(tour.found)


async def fill_the_day(shop: Shop, vault: Vault, clock: Clock) -> None:
    """Sales of some days, in every state a merchant meets often, and one more router, which is away."""
    now, day = clock.now(), shop.packages["1 day"]
    for days in range(1, 14):
        await rows.payment(shop.router, day, at=now - timedelta(days=days), cents=5000 * (1 + days % 4))
    for minutes, status, code in (
        (50, "failed", "1032"),
        (40, "failed", "1"),
        (30, "unknown", None),
        (9, "pending", None),
    ):
        at = now - timedelta(minutes=minutes)
        await rows.payment(shop.router, day, at=at, status=status, result_code=code)
    for number, voucher in enumerate(("expired", "in_use")):
        paid = await rows.payment(shop.router, day, at=now - timedelta(minutes=5), receipt=f"SKL4H7T{number:03}")
        await rows.access(paid, vault, at=now - timedelta(minutes=5), voucher=voucher, is_open=voucher == "in_use")
    away = now - timedelta(minutes=18)
    await factories.router(
        vault, shop.merchant_id, name="Kiosk by the bus stage", status="offline", offline_since=away, last_seen_at=away
    )


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_the_merchants_pages(
    desks: Desks, standing_shop: Shop, vault: Vault, clock: Clock, viewport: ViewportSize, language: str
) -> None:
    owner = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await page.goto("/sign-in")
    found += await look(page, "dashboard-sign-in", language)
    await dashboard.fill_in(owner.email, "wrong")
    await page.wait_for_selector("[role=alert]")
    found += await look(page, "dashboard-sign-in-error", language)
    await dashboard.fill_in(owner.email, owner.password)
    await page.wait_for_url("**/home")
    found += await look(page, "dashboard-home-empty", language)
    await fill_the_day(standing_shop, vault, clock)
    for path in ("home", "sales", "routers", "account"):
        await page.goto(f"/{path}")
        found += await look(page, f"dashboard-{path}", language)
    assert not found, "\n".join(found)


async def test_axe_would_find_something(standing_wifi: Wifi) -> None:
    phone = await standing_wifi.join()
    await phone.open_any_site()
    await phone.page.evaluate("document.querySelector('h1').outerHTML = '<img src=x><h4></h4>'")
    await phone.page.evaluate("document.documentElement.lang = ''")
    rules = {line.split(": ")[1] for line in await axe.findings(phone.page, "spoilt")}
    assert {"image-alt", "empty-heading", "html-has-lang"} <= rules
    phone.watch.said.clear()


def test_axe_is_the_recorded_file() -> None:
    record = (axe.FILE.parent / "VENDOR.md").read_text()
    assert hashlib.sha256(axe.FILE.read_bytes()).hexdigest() in record
