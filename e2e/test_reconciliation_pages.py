"""Daily closes and M-Pesa lists as people see them: axe finds nothing, nothing sticks out, light and dark, English and Swahili."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, ViewportSize

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, owner_of
from e2e.test_accessibility import LANGUAGES, look
from portal.clock import Clock
from portal.mpesa.fields import EAT
from portal.reconciliation import closes
from portal.vault import Vault
from tests import factories
from tests.flows.world import Shop
from tests.portal.reconciliation.sheets import as_csv, drawn, paid


async def fill(page: Page, shop: Shop, vault: Vault, clock: Clock, folder: Path) -> dict[str, str]:
    """A statement sent by the form, and days closed with and without it; addresses by name."""
    account = await factories.mpesa_account(vault, merchant_id=shop.merchant_id, shortcode="600123")
    now = clock.now()
    day = await closes.day_of(account, (now - timedelta(days=1)).astimezone(EAT).date())
    noon = day.since + timedelta(hours=12)
    sheet = as_csv(
        folder / "kilimani-november.csv",
        [
            paid("UKJ41H7Q01", noon, 1250, "VK7Q2", balance="6,250"), paid("UKJ41H7Q02", noon, 50, "typo here", balance="6,300"),
            paid("UKJ41H7Q03", noon, 50, "VK7Q9", status="Declined"), drawn("UKJ41H7Q04", noon, 5000, balance="1,300"),
            drawn("UKJ41H7Q01", noon, 14, balance="1,286", reason="Pay Bill Charge"),
        ],
    )  # fmt: skip
    [bare] = await closes.close(day, by="e2e", now=now)
    await page.goto("/lists")
    await page.locator("input[type=file]").set_input_files(sheet)
    await page.locator("form[action='/lists'] button").click()
    await page.wait_for_url("**/lists/*")
    sent = page.url
    [differs] = await closes.close(day, by="e2e", now=now)
    return {
        "lists": "/lists",
        "list": sent,
        "closes": "/closes",
        "close": f"/closes/{differs}",
        "close-bare": f"/closes/{bare}",
    }


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_closes_and_lists(
    desks: Desks, standing_shop: Shop, vault: Vault, clock: Clock, viewport: ViewportSize, language: str, tmp_path: Path
) -> None:
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await dashboard.sign_in(*await owner_of(standing_shop))
    for name in ("closes", "lists"):
        await page.goto(f"/{name}")
        found += await look(page, f"recon-{name}-empty", language)
    for name, path in (await fill(page, standing_shop, vault, clock, tmp_path)).items():
        await page.goto(path)
        found += await look(page, f"recon-{name}", language)
    await page.goto("/lists")
    await page.locator("form[action='/lists'] button").click()
    await page.wait_for_selector("[role=alert]")
    found += await look(page, "recon-lists-error", language)
    assert not found, "\n".join(found)
