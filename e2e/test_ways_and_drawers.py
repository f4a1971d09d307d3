"""axe finds nothing on the ways to be paid and on the cash drawers: empty, in error and with data, small and wide, both languages.

Each page is kept as a picture on the way."""

import pytest
from playwright.async_api import ViewportSize

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, owner_of
from e2e.test_accessibility import LANGUAGES, look
from tests.flows.world import Shop


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_ways_and_drawers(
    desks: Desks, standing_shop: Shop, viewport: ViewportSize, language: str
) -> None:
    owner = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await page.wait_for_url("**/home")
    await page.goto("/ways")
    found += await look(page, "ways-empty", language)
    await page.locator("#airtel summary").click()
    await page.locator("#airtel form button").click()
    await page.wait_for_selector("[aria-invalid]")
    found += await look(page, "ways-error", language)
    await page.locator("#airtel-key_name").fill("shop")
    await page.locator("#airtel-secret").fill("a-secret-of-airtel")
    await page.locator("#airtel form button").click()
    await page.wait_for_selector("#airtel code")
    found += await look(page, "ways", language)
    await page.goto("/drawers")
    found += await look(page, "drawers-empty", language)
    await page.locator("#float").fill("some")
    await page.locator("main form button").click()
    await page.wait_for_selector("[aria-invalid]")
    found += await look(page, "drawers-error", language)
    await page.locator("#float").fill("200")
    await page.locator("main form button").click()
    await page.wait_for_selector("#counted")
    await page.locator("form[action$=sell] button").click()
    await page.wait_for_selector("[role=status]")
    found += await look(page, "drawers-sold", language)
    await page.locator("#counted").fill("150")
    await page.locator("#note").fill("change given twice")
    await page.locator("form[action$=hand-in] button").click()
    await page.wait_for_selector("#float")
    found += await look(page, "drawers", language)
    assert not found, "\n".join(found)
