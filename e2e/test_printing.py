"""Cards in a browser: the printed page is read by a machine, and a scanned card ends at the code form with its code, seen by nobody
on the way."""

import pypdfium2
import pytest
import zxingcpp
from playwright.async_api import Page, ViewportSize, expect

from e2e import axe
from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, Wifi, owner_of
from e2e.test_accessibility import look
from portal.clock import Clock
from portal.config import Settings
from portal.printing import handles, runs
from portal.vault import Vault
from tests.flows.world import Shop
from tests.portal.printing import rows


def read(pdf: bytes) -> list[list[str]]:
    """What a machine reads on each page."""
    found: list[list[str]] = []
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            picture = page.render(scale=203 / 72, grayscale=True).to_pil()
            found.append([each.text for each in zxingcpp.read_barcodes(picture)])
    return found


async def test_a_scanned_card_is_used_without_typing_and_its_code_is_in_no_address(
    wifi: Wifi, shop: Shop, vault: Vault, settings: Settings
) -> None:
    batch = await rows.batch(vault, shop.merchant_id, shop.packages["1 day"], cards=1)
    code = (await rows.codes_of(vault, batch))[0]
    phone = await wifi.join()
    await phone.page.goto(f"{shop.portal}/V/{handles.handle_of(shop.merchant_id, settings.secret_keys)}#{code}")
    await phone.wait_for_heading("Connect with your voucher")
    await phone.sees("The code goes along")
    assert code not in phone.page.url
    assert await axe.findings(phone.page, "scan") == []
    await phone.keep("scan")
    await phone.follow("Connect")
    await phone.wait_for_heading("Enter your voucher")
    await expect(phone.page.get_by_label("Enter your voucher")).to_have_value(code)
    await phone.press("Connect")
    await phone.turn_back_to("You are connected")
    assert await phone.is_online()
    assert not [request.url for request in phone.watch.requests if code in request.url]


async def signed_in(desks: Desks, shop: Shop, *, viewport: ViewportSize = DESK, language: str = "en") -> Page:
    person = await owner_of(shop)
    dashboard = await desks.open(shop, viewport=viewport, locale=f"{language}-KE")
    await dashboard.sign_in(person.email, person.password)
    await dashboard.page.wait_for_url("**/home")
    return dashboard.page


async def test_the_browser_prints_every_card_on_each_paper(desks: Desks, standing_shop: Shop, vault: Vault) -> None:
    day = standing_shop.packages["1 day"]
    many, few = [
        await rows.batch(vault, standing_shop.merchant_id, day, cards=n, prefix="MKT", length=12) for n in (43, 3)
    ]
    page = await signed_in(desks, standing_shop)
    for layout, batch, pages in (("a4-40", many, 2), ("a4-24", few, 1), ("mm80", few, 3), ("mm58", few, 3)):
        await page.goto(f"/vouchers/batches/{batch}/print?layout={layout}")
        await page.locator("main form [formaction$='/sheet']").click()
        await page.wait_for_selector(".bar")
        seen = read(await page.pdf(prefer_css_page_size=True, print_background=True))
        assert len(seen) == pages, layout
        read_codes = sorted(text.rsplit("#", 1)[1] for each in seen for text in each)
        assert read_codes == sorted(await rows.codes_of(vault, batch)), layout


@pytest.mark.parametrize(("viewport", "language"), [(PHONE, "en"), (DESK, "sw")], ids=["360-en", "1280-sw"])
async def test_axe_finds_nothing_on_pages_of_printing(
    desks: Desks,
    standing_shop: Shop,
    vault: Vault,
    settings: Settings,
    clock: Clock,
    viewport: ViewportSize,
    language: str,
) -> None:
    batch = await rows.batch(vault, standing_shop.merchant_id, standing_shop.packages["1 day"], cards=3)
    page, found = await signed_in(desks, standing_shop, viewport=viewport, language=language), list[str]()
    for layout in ("a4-40", "mm58"):
        await page.goto(f"/vouchers/batches/{batch}/print?layout={layout}")
        found += await look(page, f"print-{layout}", language)
        await page.locator("main form [formaction$='/sheet']").click()
        await page.wait_for_selector(".bar")
        found += await look(page, f"print-sheet-{layout}", language)
    await page.goto(f"/vouchers/batches/{batch}/print")
    await page.locator("main form .btn.primary").click()
    await page.wait_for_url("**/prints/*")
    found += await look(page, "print-waiting", language)
    print_id = int(page.url.rsplit("/", 1)[1])
    assert await runs.make(print_id, settings=settings, vault=vault, clock=clock)
    await page.wait_for_selector("a[href$='.pdf']")
    found += await look(page, "print-ready", language)
    for path in ("/prints", "/exports"):
        await page.goto(path)
        found += await look(page, path[1:], language)
    assert not found, "\n".join(found)
