"""The home, figures and search in a browser: axe finds nothing on them, and "/" leads to the search, by which a sale is found."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from e2e.browsers import PHONE
from e2e.conftest import Desks, owner_of
from e2e.test_accessibility import look
from portal.clock import Clock
from portal.db import DB
from tests.flows.world import Shop
from tests.portal.web import rows

PLACES = (
    ("home", "/home"), ("home-year", "/home?days=365"), ("sales", "/reports/sales"), ("today", "/reports/sales?days=1"),
    ("wrong-days", "/reports/sales?since=2031-01-01"), ("none", "/reports/sales?since=2020-01-01"), ("keys", "/figures"),
    ("search", "/search"), ("found", "/search?q=0712345678"), ("nothing", "/search?q=zzz"),
)  # fmt: skip


async def _a_past(shop: Shop) -> None:
    now = Clock().now()
    package = await DB.value("SELECT id FROM packages WHERE merchant_id = $1 LIMIT 1", shop.merchant_id)
    for hours in (1, 30, 200, 900):
        at = now - timedelta(hours=hours)
        await rows.payment(shop.router, package, at=at, phone="254712345678", receipt=f"SKL4H{hours:05d}")


@pytest.mark.parametrize("language", ["en", "sw"])
async def test_axe_finds_nothing_on_pages_of_figures(desks: Desks, standing_shop: Shop, language: str) -> None:
    person = await owner_of(standing_shop)
    desk = await desks.open(standing_shop, viewport=PHONE, locale=f"{language}-KE")
    await desk.sign_in(person.email, person.password)
    found = await look(desk.page, "figures-first-steps", language)
    await _a_past(standing_shop)
    await DB.fetch(
        """INSERT INTO batches (merchant_id, package_id, size, made, terms, price_cents, code_length, created_at)
           SELECT merchant_id, id, 1000, 642, '{"name": "1 day"}', 5000, 8, now() FROM packages WHERE merchant_id = $1 LIMIT 1""",
        standing_shop.merchant_id,
    )
    for name, path in PLACES:
        await desk.page.goto(path)
        for summary in await desk.page.locator("main summary").all():
            if not await summary.evaluate("each => each.parentElement.open"):
                await summary.click()
        found += await look(desk.page, f"figures-{name}", language)
    assert not found, "\n".join(found)


async def test_a_slash_leads_to_the_search_and_that_to_the_sale(desks: Desks, standing_shop: Shop) -> None:
    person = await owner_of(standing_shop)
    await _a_past(standing_shop)
    desk = await desks.open(standing_shop)
    await desk.sign_in(person.email, person.password)
    await desk.page.wait_for_load_state("load")  # from then on keys are heard
    await desk.page.keyboard.press("/")
    box = desk.page.get_by_role("searchbox")
    await expect(box).to_be_focused()
    await desk.page.keyboard.type("skl4h00030")
    await desk.page.keyboard.press("Enter")
    await desk.page.wait_for_url("**/payments/*")
    await expect(desk.page.get_by_role("heading", level=1)).to_contain_text("KES\u00a050")
