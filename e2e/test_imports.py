"""Codes of another system, from the file in a browser to the internet, without JavaScript; and an operator who looks at a shop in its
owner's place. axe finds nothing on any of the pages."""

from pathlib import Path

from playwright.async_api import expect

from e2e.browsers import PHONE
from e2e.conftest import Desks, owner_of
from e2e.test_accessibility import look
from tests.flows.world import Shop
from tests.portal.web import rows

LIST = "package,price,code,duration\nKadi 3 saa,20,ab12cd,3h\nKadi 3 saa,20,ab12cd,3h\n"


async def test_a_file_becomes_vouchers_and_can_be_taken_back(desks: Desks, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_text(LIST)
    person = await owner_of(shop)
    desk = await desks.open(shop, viewport=PHONE)
    page, found = desk.page, []
    await desk.sign_in(person.email, person.password)
    await page.goto(f"{shop.portal}/imports")
    found += await look(page, "imports", "en")
    await page.get_by_label("A list of your own (CSV)").check()
    await page.locator("#file").set_input_files(file)
    await page.get_by_role("button", name="Look at it first").click()
    await expect(page.get_by_role("heading", name="What would be made")).to_be_visible()
    await expect(page.get_by_text("The same code stands in the file twice.").first).to_be_visible()
    found += await look(page, "import looked at", "en")
    await page.get_by_role("button", name="Make it so").click()
    await expect(page.get_by_role("heading", name="What became of it")).to_be_visible()
    await page.get_by_text("Take it back").first.click()
    found += await look(page, "import taken over", "en")
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.get_by_text("Taken back").first).to_be_visible()
    assert not found, "\n".join(found)


async def test_an_operator_looks_at_a_shop_and_ends_it_with_one_tap(desks: Desks, shop: Shop) -> None:
    await owner_of(shop)
    await rows.person("olive@vocha.test", None, name="Olive M.", is_operator=True)
    desk = await desks.open(shop, viewport=PHONE)
    page, found = desk.page, []
    await desk.sign_in("olive@vocha.test", rows.PASSWORD)
    for path in ("merchants", "merchants/new", "health", "payouts", f"merchants/{shop.merchant_id}"):
        await page.goto(f"{shop.portal}/operator/{path}")
        found += await look(page, f"operator {path.replace('/', ' ')}", "en")
    await page.get_by_role("button", name="Look at the shop").click()
    await expect(page.get_by_text("You only look.")).to_be_visible()
    found += await look(page, "a visit", "en")
    await page.get_by_role("button", name="End it").click()
    await expect(page.get_by_role("heading", name="People")).to_be_visible()
    assert not found, "\n".join(found)
