"""Vouchers in a browser: made, found, sold over the counter and taken back; axe finds nothing on the way, small in Swahili and wide
in English. Each page is kept as a picture."""

import re

import pytest
from playwright.async_api import Page, ViewportSize

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, owner_of
from e2e.test_accessibility import look
from portal import batches
from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests.flows.world import Shop
from tests.portal.payments.stall import actor


async def _open_all(page: Page) -> None:
    await page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")


@pytest.mark.parametrize(("viewport", "language"), [(PHONE, "sw"), (DESK, "en")], ids=["360-sw", "1280-en"])
async def test_a_shop_makes_sells_and_takes_back_vouchers(
    desks: Desks, standing_shop: Shop, vault: Vault, clock: Clock, viewport: ViewportSize, language: str
) -> None:
    owner = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await page.wait_for_url("**/home")
    await page.goto("/vouchers")
    found += await look(page, "vouchers-empty", language)
    await page.goto("/vouchers/new")
    await page.locator("#count").fill("10001")
    await page.locator("main form button").click()
    await page.wait_for_selector("[aria-invalid]")
    await _open_all(page)
    found += await look(page, "voucher-new-error", language)
    await page.locator("#count").fill("12")
    await page.locator("#prefix").fill("soko")
    await page.locator("main form button").click()
    await page.wait_for_url("**/vouchers/batches/*")
    await _open_all(page)
    found += await look(page, "batch", language)
    await page.goto("/vouchers")
    await page.locator("details summary").first.click()
    found += await look(page, "vouchers", language)
    await page.locator(".vs a").first.click()
    await page.wait_for_url(re.compile(r"/vouchers/\d+$"))
    voucher = int(page.url.rsplit("/", 1)[1])
    await _open_all(page)
    found += await look(page, "voucher-unsold", language)
    await page.goto("/drawers")
    await page.locator("#float").fill("500")
    await page.locator("form:has(#float) button").click()
    await page.goto(f"/vouchers/{voucher}")
    await page.locator(f"form[action='/vouchers/{voucher}/cash'] button").click()
    await page.wait_for_selector(".big-code")
    code = await page.locator(".big-code").inner_text()
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher) == "paid"
    await _open_all(page)
    found += await look(page, "voucher-sold", language)
    await page.goto("/vouchers")
    await page.locator("#q").fill(f"soko {code.lower()}")
    await page.locator(".find button").click()
    assert await page.locator(".vs a").count() == 1
    user = await DB.value("SELECT id FROM users WHERE email = $1", owner.email)
    large = await batches.make(
        actor(standing_shop.merchant_id, user_id=user),
        standing_shop.packages["1 day"],
        count=3000,
        note_text="",
        vault=vault,
        now=clock.now(),
    )
    await page.goto(f"/vouchers/batches/{large.id}")
    if await page.locator("#progress").count():
        found += await look(page, "batch-making", language)
    assert not found, "\n".join(found)
