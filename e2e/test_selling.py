"""Selling over the counter in a browser: three taps for cash, a wait for a PIN, an agent with cards; axe finds nothing on the way, small
in Swahili and wide in English. Each page is kept as a picture."""

import re

import pytest
from playwright.async_api import Page, ViewportSize

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, owner_of
from e2e.surroundings import MSISDN, NUMBER
from e2e.test_accessibility import look
from portal.db import DB
from tests.flows.world import Shop


async def _open_all(page: Page) -> None:
    await page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")


@pytest.mark.parametrize(("viewport", "language"), [(PHONE, "sw"), (DESK, "en")], ids=["360-sw", "1280-en"])
async def test_a_shop_sells_and_sends_an_agent_out(
    desks: Desks, standing_shop: Shop, viewport: ViewportSize, language: str
) -> None:
    owner = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await page.wait_for_url("**/home")
    await page.goto("/sell")
    found += await look(page, "sell-no-drawer", language)
    await page.locator("#float").fill("0")
    await page.locator(".opening button").click()
    await page.wait_for_selector("#float", state="detached")
    # From here a sale for cash is two taps; the third was the tab.
    await page.locator(".tile label").first.click()
    await page.locator("button[value=cash]").click()
    await page.wait_for_url(re.compile(r"/sell/\d+$"))
    assert re.fullmatch(r"[0-9A-Z-]{11,}", await page.locator("#code").inner_text())
    await _open_all(page)
    found += await look(page, "sell-sold", language)
    await page.locator("a.wide").click()
    await page.locator(".tile label").first.click()
    await page.locator("#phone").fill("07")
    await page.locator("button[value=mpesa]").click()
    await page.wait_for_selector("[aria-invalid]")
    found += await look(page, "sell-error", language)
    await page.goto("/agents")
    found += await look(page, "agents-empty", language)
    await page.goto("/agents/new")
    await page.locator("#commission").fill("80")
    await page.locator("main form button").click()
    await page.wait_for_selector("[aria-invalid]")
    await _open_all(page)
    found += await look(page, "agent-new-error", language)
    await page.locator("#name").fill("Mary")
    await page.locator("#commission").fill("10")
    await page.locator("input[value=open]").check()
    await page.locator("main form button").click()
    await page.wait_for_url(re.compile(r"/agents/\d+$"))
    agent = page.url
    await page.goto("/vouchers/new")
    await page.locator("#count").fill("10")
    await page.locator("input[name=kind][value=cash]").check()
    await page.locator("main form button").click()
    await page.wait_for_url("**/vouchers/batches/*")
    await page.goto(agent)
    await page.locator("form[action$=give] #count").fill("6")
    await page.locator("form[action$=give] button").click()
    await page.wait_for_selector("[role=status]")
    await page.locator("form[action$=take] #amount").fill("40")
    await page.locator("form[action$=take] button").click()
    await page.wait_for_url("**done=take")
    await _open_all(page)
    found += await look(page, "agent", language)
    await page.goto(f"{agent}/statement")
    found += await look(page, "agent-statement", language)
    assert await DB.value("SELECT count(*) FROM vouchers WHERE allotment_id IS NOT NULL") == 6
    assert await DB.value("SELECT sum(amount_cents) FROM ledger_entries WHERE account = 'agents'") == -4000
    assert not found, "\n".join(found)


async def test_a_cashier_asks_a_phone_that_first_says_no_and_then_pays(desks: Desks, shop: Shop) -> None:
    owner = await owner_of(shop)
    dashboard = await desks.open(shop, viewport=PHONE)
    page = dashboard.page
    await page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await page.wait_for_url("**/home")
    await page.goto("/sell")
    await page.locator(".tile label").first.click()
    await page.locator("#phone").fill(NUMBER)
    await page.locator("button[value=mpesa]").click()
    await page.wait_for_url(re.compile(r"/sell/\d+$"))
    await shop.daraja.wait_prompt(MSISDN)
    shop.daraja.do(MSISDN, "cancel")
    await page.get_by_text("The customer cancelled.").wait_for(timeout=20_000)
    shop.shift(minutes=3)  # M-Pesa refuses the same amount from one phone within two
    await page.get_by_role("button", name="Ask again").click()
    await shop.daraja.wait_prompt(MSISDN)
    place = page.url
    await page.goto("/sell")  # somebody else is served meanwhile
    await shop.daraja.approve(MSISDN)
    await page.goto(place)
    await page.locator("#code").wait_for(timeout=20_000)
    assert await DB.value("SELECT count(*) FROM vouchers WHERE status = 'paid'") == 1
    assert await DB.value("SELECT count(*) FROM payments WHERE status = 'paid' AND sold_by IS NOT NULL") == 1
