"""A receipt from the sale to the customer's phone, without JavaScript's help; axe finds nothing on any page of papers."""

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
    ("list", "/invoices"), ("none", "/invoices?kind=credit&month=2020-01"), ("taxes", "/settings/taxes"),
    ("commission", "/payouts/commission"),
)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "sw"])
async def test_a_receipt_is_made_and_read_by_the_customer(desks: Desks, standing_shop: Shop, language: str) -> None:
    person = await owner_of(standing_shop)
    package = await DB.value("SELECT id FROM packages WHERE merchant_id = $1 LIMIT 1", standing_shop.merchant_id)
    payment = await rows.payment(standing_shop.router, package, at=Clock().now(), receipt="SKL4H00030")
    desk = await desks.open(standing_shop, viewport=PHONE, locale=f"{language}-KE")
    page, found = desk.page, []
    await desk.sign_in(person.email, person.password)
    await page.goto(f"/payments/{payment}/receipt")
    found += await look(page, "receipt-new", language)
    await page.locator("main form .btn.primary").click()
    await expect(page.locator("article.receipt")).to_contain_text("SKL4H00030")
    found += await look(page, "receipt", language)
    link = await page.locator(".link-out a").get_attribute("href")
    for name, path in PLACES:
        await page.goto(path)
        found += await look(page, f"papers-{name}", language)
    for size in ("a4", "mm58"):
        await page.goto(f"{link}?paper={size}")
        await expect(page.locator("article.receipt")).to_contain_text("0712 ••• 678")
        found += await look(page, f"receipt-customer-{size}", language)
    assert not found, "\n".join(found)
