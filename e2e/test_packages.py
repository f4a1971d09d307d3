"""Packages in a browser: a shop reads what it makes while it types, and a phone sees it; axe finds nothing on their pages."""

import pytest
from playwright.async_api import expect

from e2e.browsers import PHONE
from e2e.conftest import Desks, Wifi, owner_of
from e2e.test_accessibility import Tour, look
from portal.db import DB
from tests import factories
from tests.flows.world import Shop


@pytest.mark.parametrize("language", ["en", "sw"])
async def test_axe_finds_nothing_on_pages_of_packages(
    desks: Desks, standing_wifi: Wifi, standing_shop: Shop, language: str
) -> None:
    merchant = standing_shop.merchant_id
    trial = await factories.package(merchant, name="Try it", price_cents=0, duration_s=900, description="See how fast.")
    night = await factories.package(
        merchant, name="ليلة كاملة 🌙", price_cents=3000, duration_s=28_800, rate_down_kbps=4000, burst_down_kbps=8000,
        use_from_min=1320, use_until_min=360, router_ids=[standing_shop.router.id], is_active=False,
    )  # fmt: skip
    person = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=PHONE, locale=f"{language}-KE")
    await dashboard.sign_in(person.email, person.password)
    page, found = dashboard.page, list[str]()
    places = (
        ("list", "/packages"),
        ("archived", "/packages?show=archived"),
        ("new", "/packages/new"),
        ("one", f"/packages/{night}"),
    )
    for name, path in places:
        await page.goto(path)
        for summary in await page.locator("main summary").all():
            if not await summary.evaluate("each => each.parentElement.open"):
                await summary.click()
        found += await look(page, f"packages-{name}", language)
    await page.locator("#price").fill("-5")
    await page.locator("button.primary").click()
    await page.wait_for_selector("[aria-invalid]")
    found += await look(page, "packages-wrong", language)
    tour = Tour(await standing_wifi.join(), standing_shop, language)
    await tour.arrive()
    await tour.open("free", f"/c/{standing_shop.router.site}/buy/{trial}/free")
    assert not found + tour.found, "\n".join(found + tour.found)


async def test_what_a_shop_types_stands_in_plain_words_and_then_on_phones(
    desks: Desks, standing_wifi: Wifi, standing_shop: Shop
) -> None:
    person = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=PHONE)
    await dashboard.sign_in(person.email, person.password)
    page = dashboard.page
    await page.goto("/packages/new")
    await page.get_by_label("Name", exact=True).fill("Three hours")
    await page.get_by_label("Price, KES", exact=True).fill("25")
    await page.get_by_label("How long it lasts", exact=True).fill("3")
    await page.get_by_label("Download, Mbps").fill("5")
    words = page.locator("#words")
    await expect(words).to_contain_text("For KES\u00a025, one device is online for 3\u00a0hours from its first minute.")
    await page.get_by_label("Devices at once").fill("2")
    await expect(words).to_contain_text("2 devices are online together")
    await page.get_by_role("button", name="Make the package").click()
    await page.wait_for_url("**/packages")
    assert await DB.value("SELECT price_cents FROM packages WHERE name = 'Three hours'") == 2500
    phone = await standing_wifi.join()
    await phone.open_any_site()
    await phone.page.get_by_role("link", name="Three hours").tap()
    await expect(phone.page.locator("main")).to_contain_text("2 devices are online together for 3\u00a0hours")
