"""Passkeys in a real browser, with an authenticator of its own (Chrome DevTools Protocol, WebAuthn domain); and the other ways in
without JavaScript. Then every page of accounts and teams is looked at by axe, in both schemes."""

import dataclasses
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, CDPSession, Page, ViewportSize, expect
from pyotp.totp import TOTP

from e2e.browsers import DESK, PHONE, merchant_context
from e2e.pages import Dashboard
from e2e.test_accessibility import look
from e2e.watch import Watch
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.house import web_running
from portal.serving import listen
from tests import factories
from tests.portal.web import rows

EMAIL = "amina@kilimani.test"


@pytest.fixture
async def portal(db: str, settings: Settings, clock: Clock) -> AsyncIterator[str]:
    """The web server by a name: a bare address can have no passkeys."""
    listener = listen("127.0.0.1", 0)
    address = f"http://localhost:{listener.getsockname()[1]}"
    merchant = await factories.merchant()
    await rows.person(EMAIL, merchant)
    await rows.person("juma@kilimani.test", merchant, role="cashier", name="Juma K.")
    live = dataclasses.replace(settings, base_url=address, sign_up="open")
    async with web_running(live, clock, listener=listener):
        yield address


@asynccontextmanager
async def desk(
    chromium: Browser, portal: str, *, scripts: bool = True, viewport: ViewportSize = DESK, locale: str = "en-KE"
) -> AsyncGenerator[Dashboard]:
    """A merchant's browser, watched; it must not have done anything wrong."""
    context = await merchant_context(chromium, base_url=portal, scripts=scripts, viewport=viewport, locale=locale)
    watch = await Watch.over(context, own=frozenset({urlsplit(portal).netloc}))
    dashboard = Dashboard(await context.new_page(), watch)
    try:
        yield dashboard
    finally:
        await context.close()
    assert not watch.said + watch.strangers()


async def authenticator(page: Page) -> CDPSession:
    """A phone that verifies its owner and keeps passkeys."""
    session = await page.context.new_cdp_session(page)
    options: dict[str, Any] = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    await session.send("WebAuthn.enable")
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


async def test_a_passkey_is_made_and_signs_in_with_and_without_an_address(chromium: Browser, portal: str) -> None:
    async with desk(chromium, portal) as dashboard:
        page = dashboard.page
        await authenticator(page)
        await dashboard.sign_in(EMAIL, rows.PASSWORD)
        await page.goto("/account/security")
        await page.get_by_label("Name of the passkey").fill("My phone")
        await page.get_by_role("button", name="Add a passkey").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
        await page.get_by_role("link", name="I have kept them").click()
        await expect(page.locator("#passkeys")).to_contain_text("My phone")
        for email in ("", EMAIL):
            await dashboard.sign_out()
            await page.locator("#email").fill(email)
            await page.get_by_role("button", name="Sign in with a passkey").click()
            await page.wait_for_url("**/home")
        await page.goto("/prove?next=/team")
        await page.get_by_role("button", name="Use a passkey").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Team")
        await dashboard.sign_out()
        await dashboard.fill_in(EMAIL, rows.PASSWORD)
        await page.get_by_role("button", name="Use a passkey").click()
        await page.wait_for_url("**/home")


async def test_without_javascript_the_app_is_set_up_and_asked_for(chromium: Browser, portal: str, clock: Clock) -> None:
    async with desk(chromium, portal, scripts=False, viewport=PHONE) as dashboard:
        page = dashboard.page
        await dashboard.sign_in(EMAIL, rows.PASSWORD)
        await page.goto("/account/security")
        assert not await page.get_by_role("button", name="Add a passkey").is_visible()
        await page.get_by_role("link", name="Set up the app").tap()
        secret = (await page.locator("code.secret").inner_text()).replace(" ", "")
        await page.get_by_label("Code the app shows").fill(TOTP(secret).at(clock.now()))
        await page.get_by_role("button", name="Turn it on").tap()
        code = await page.locator(".codes code").first.inner_text()
        assert re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", code)
        await dashboard.sign_out()
        await dashboard.fill_in(EMAIL, rows.PASSWORD)
        await page.get_by_label("Code").fill(code)
        await page.get_by_role("button", name="Sign in").tap()
        await page.wait_for_url("**/home")


@pytest.mark.parametrize(("viewport", "language"), [(PHONE, "en"), (DESK, "sw")], ids=["360-en", "1280-sw"])
async def test_axe_finds_nothing_on_the_pages_of_accounts_and_teams(
    chromium: Browser, portal: str, viewport: ViewportSize, language: str
) -> None:
    found: list[str] = []
    async with desk(chromium, portal, viewport=viewport, locale=f"{language}-KE") as dashboard:
        page = dashboard.page
        for path in ("/forgot", "/forgot?sent", "/sign-up", "/sign-up?sent", "/reset?t=x"):
            await page.goto(path)
            found += await look(page, f"identity{path.translate(str.maketrans('/?=', '---'))}", language)
            dashboard.watch.said.clear()  # the browser says that a link is over: 410
        await page.goto("/sign-in")
        await dashboard.fill_in(EMAIL, rows.PASSWORD)
        await page.wait_for_url("**/home")
        for path in ("/account/security", "/account/app", "/account/sessions", "/prove", "/team", "/history"):
            await page.goto(path)
            found += await look(page, f"identity{path.replace('/', '-')}", language)
        await page.goto("/team")
        await page.locator("details summary").first.click()
        await page.locator("input[name=email]").fill("x@y")
        await page.locator("input[name=email]").evaluate("box => box.form.noValidate = true")
        await page.locator("form[action='/team/invite'] button").click()
        await page.wait_for_selector("[role=alert]")
        dashboard.watch.said.clear()  # 422
        found += await look(page, "identity-team-error", language)
        await page.goto("/account/app")
        await DB.fetch("UPDATE users SET totp_at = now() WHERE email = $1", EMAIL)
        await page.goto("/account/security")
        found += await look(page, "identity-account-security-on", language)
        await page.locator("form[action='/account/codes'] button").click()
        await page.wait_for_selector(".codes")
        found += await look(page, "identity-recovery-codes", language)
        await page.context.clear_cookies()
        await page.goto("/sign-in")
        await dashboard.fill_in(EMAIL, rows.PASSWORD)
        await page.wait_for_selector("#code")
        found += await look(page, "identity-second", language)
    assert not found, "\n".join(found)
