"""axe finds nothing on the routers' pages, in any state: light and dark, English and Swahili, desk and phone; nor does
anything stick out sideways. And a merchant without JavaScript gets from "Add router" to the script."""

import json
from datetime import timedelta

import pytest
from playwright.async_api import ViewportSize, expect

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, owner_of
from e2e.test_accessibility import LANGUAGES, look
from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.flows.world import Shop
from tests.portal.web import rows

FINDINGS = [
    {"code": "garden_closed", "severity": "bad", "params": {"host": "wifi.a-rather-long-name.example.co.ke"},
     "fix": "/ip hotspot walled-garden add dst-host=\"wifi.a-rather-long-name.example.co.ke\" action=allow comment=vocha"},
    {"code": "clock_wrong", "severity": "warn", "params": {"minutes": "12"}, "fix": ""},
    {"code": "zone", "severity": "note", "params": {"is": "UTC", "wanted": "Africa/Nairobi"}, "fix": "/system clock set"},
]  # fmt: skip


async def fill(shop: Shop, vault: Vault, clock: Clock) -> dict[str, int]:
    """Routers in every state, one with people, findings and settings that changed."""
    now, router = clock.now(), shop.router
    for minutes in range(9):
        at = now - timedelta(minutes=5 * minutes + 1)
        paid = await rows.payment(router, shop.packages["1 day"], at=at)
        grant = await rows.access(paid, vault, at=at, is_open=minutes < 3)
    await DB.fetch("UPDATE access_grants SET last_error = 'failure: already have user' WHERE id = $1", grant)
    for facts in ({"service telnet": "port 23 for everybody"}, {"service telnet": "off"}):
        await DB.fetch(
            """INSERT INTO router_checks (merchant_id, router_id, at, worst, findings, facts)
               VALUES ($1, $2, $3, 'bad', $4::jsonb, $5::jsonb)""",
            shop.merchant_id, router.id, now, json.dumps(FINDINGS), json.dumps(facts),
        )  # fmt: skip
    states = {"online": router.id}
    for status in ("new", "late", "offline", "paused"):
        columns = {"last_error": "no answer within 5 s", "offline_since": now - timedelta(hours=3)}
        made = await factories.router(
            vault, shop.merchant_id, name=f"Kiosk by the bus stage, {status}", status=status,
            **(columns if status == "offline" else {}),
        )  # fmt: skip
        states[status] = made.id
    return states


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_the_routers_pages(
    desks: Desks, standing_shop: Shop, vault: Vault, clock: Clock, viewport: ViewportSize, language: str
) -> None:
    owner = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await page.wait_for_url("**/home")
    states = await fill(standing_shop, vault, clock)
    await page.goto("/routers")
    found += await look(page, "routers-list", language)
    for status, router_id in states.items():
        await page.goto(f"/routers/{router_id}")
        found += await look(page, f"router-{status}", language)
    for part in ("connection", "setup", "replace", "remove", "undo", "history"):
        await page.goto(f"/routers/{states['online']}/{part}")
        found += await look(page, f"router-{part}", language)
    await page.goto("/routers/new")
    found += await look(page, "router-new", language)
    await page.locator("main form button[type=submit]").click()
    await expect(page.locator("[role=alert]")).to_be_visible()
    found += await look(page, "router-new-wrong", language)
    await page.goto(f"/routers/{states['new']}/setup")
    await page.locator("main form button[type=submit]").click()
    await page.wait_for_selector("input[name=code]", state="attached")
    found += await look(page, "router-script-ready", language)
    await page.locator("main form button[type=submit]").click()
    await page.wait_for_selector("#script")
    found += await look(page, "router-script", language)
    dashboard.watch.said[:] = [said for said in dashboard.watch.said if "422" not in said]
    assert not found, "\n".join(found)


async def test_without_javascript_a_router_is_added_and_its_script_shown_once(
    desks: Desks, standing_shop: Shop
) -> None:
    owner = await owner_of(standing_shop)
    dashboard = await desks.open(standing_shop, viewport=PHONE, scripts=False)
    page = dashboard.page
    await page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await page.goto("/routers")
    await page.get_by_role("link", name="Add router").click()
    await page.get_by_label("Name", exact=True).fill("Beach bar")
    await page.get_by_label("Address", exact=True).fill("127.0.0.1")
    await page.get_by_role("button", name="Add router").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Set up the router")
    await page.get_by_role("button", name="Make the script").click()
    await page.get_by_role("button", name="Show the script").click()
    assert (await page.get_by_label("Script").input_value()).startswith("# Vocha sets up the router Beach bar")
    await page.get_by_role("link", name="I have pasted it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Beach bar")
