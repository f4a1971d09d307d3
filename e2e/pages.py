"""The pages as people use them: a phone in the walled garden, and a merchant at her desk. Where to click is known here only.

Text and roles are looked for, as people and screen readers do, never class names.
"""

import re

from playwright.async_api import BrowserContext, Error, Locator, Page, expect

from e2e.artefacts import keep
from e2e.browsers import PATIENCE_MS
from e2e.watch import Watch

ANY_SITE = "http://news.example/today"
_GLANCE_MS = 250
_INTERNET = "You are on the internet"

expect.set_options(timeout=PATIENCE_MS)


async def turn_back_to(part: Locator, words: str) -> None:
    """Turn to a page again and again until this part of it has these words."""
    for _ in range(PATIENCE_MS // _GLANCE_MS):
        try:
            await expect(part).to_contain_text(words, timeout=_GLANCE_MS)
        except AssertionError:
            await _turn_to(part.page)
        else:
            return
    await expect(part).to_contain_text(words)


async def _turn_to(page: Page) -> None:
    """Tell the page that it is looked at again; one that is just leaving for another need not hear it."""
    try:
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    except Error as error:
        if "navigation" not in error.message:
            raise


class CaptivePhone:
    """A browser on the hotspot's Wi-Fi. `portal` is our address; `watch` sees all that the browser does."""

    def __init__(self, page: Page, watch: Watch, *, portal: str) -> None:
        self.page = page
        self.watch = watch
        self.portal = portal

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    async def browse(self, url: str = ANY_SITE) -> str:
        """Ask for a site; returns the text of what came."""
        self.watch.typed(url)
        await self.page.goto(url)
        return await self.page.locator("body").inner_text()

    async def open_any_site(self, url: str = ANY_SITE) -> None:
        """Ask for a site and be sent to our list of packages, as a captive phone is."""
        self.watch.typed(url)
        await self.page.goto(url)
        await self.page.wait_for_url(re.compile(re.escape(self.portal) + "/c/"))

    async def choose(self, package: str) -> None:
        """Tap on a package in the list."""
        await self.page.get_by_role("listitem").get_by_role("link", name=re.compile(rf"^{package}\b")).tap()
        await self.page.wait_for_url(re.compile("/buy/"))

    async def type_number(self, number: str) -> None:
        await self.page.locator("input[type=tel]").fill(number)

    async def pay(self, number: str) -> None:
        """Type the number and tap on Pay (or Lipa); returns when the next page is there."""
        await self.type_number(number)
        await self.press(re.compile("^(Pay|Lipa) "))

    async def press(self, name: str | re.Pattern[str]) -> None:
        """Tap a button."""
        await self.page.get_by_role("button", name=name).tap()

    async def follow(self, name: str | re.Pattern[str]) -> None:
        """Tap a link."""
        await self.page.get_by_role("link", name=name).first.tap()

    async def type_code(self, code: str) -> None:
        """From the list of packages: say that one has a voucher, and type it."""
        await self.follow("I have a voucher")
        await self.page.get_by_label("Enter your voucher").fill(code)
        await self.press("Connect")

    async def code(self) -> str:
        """The code that a paid page shows."""
        return await self.page.locator(".co b").inner_text()

    async def wait_for_heading(self, words: str | re.Pattern[str]) -> None:
        """Wait, doing nothing, until the page has this heading."""
        await expect(self.heading).to_have_text(words)

    async def turn_back_to(self, heading: str) -> None:
        """Turn to the page again and again, as after the phone's own dialogue, until it has this heading.

        A waiting page asks at once when it is turned to, so this saves the tests the seconds between two polls.
        """
        await turn_back_to(self.heading, heading)

    async def sees(self, words: str | re.Pattern[str]) -> None:
        """Wait until the page says this."""
        await expect(self.page.locator("body")).to_contain_text(words)

    async def is_online(self) -> bool:
        """Whether the phone's browser gets any site."""
        return _INTERNET in await self.browse("http://other.example/")

    async def keep(self, name: str, *, variant: str = "") -> None:
        """A picture for people: captive-`name`-360.png."""
        await keep(self.page, f"captive-{name}", variant=variant)


class Dashboard:
    """A merchant's browser."""

    def __init__(self, page: Page, watch: Watch) -> None:
        self.page = page
        self.watch = watch

    async def sign_in(self, email: str, password: str) -> None:
        """Open the home page, be asked who one is, and say so."""
        await self.page.goto("/")
        await expect(self.page).to_have_url(re.compile("/sign-in"))
        await self.fill_in(email, password)

    async def fill_in(self, email: str, password: str) -> None:
        """The sign-in form, in whatever language."""
        await self.page.locator("#email").fill(email)
        await self.page.locator("#password").fill(password)
        await self.page.locator("main button.primary").click()

    async def sign_out(self) -> None:
        await self.page.goto("/account")
        await self.page.get_by_role("button", name="Sign out").click()

    def figure(self, name: str) -> Locator:
        """One of the big numbers of the home page, with its name and detail."""
        return self.page.locator("#figures .kpi").filter(has_text=name)

    async def turn_back(self) -> None:
        """Turn to the page again: it brings itself up to date at once."""
        await _turn_to(self.page)

    @property
    def newest_sale(self) -> Locator:
        return self.page.get_by_role("table").locator("tbody tr").first

    async def keep(self, name: str, *, variant: str = "") -> None:
        """A picture for people: dashboard-`name`-WIDTH.png."""
        await keep(self.page, f"dashboard-{name}", variant=variant)
