"""A shop's own programs, from the dashboard to the wire: a token made in a browser opens the API, and an address entered there hears
of a sale. Without JavaScript; and axe finds nothing on any of the pages."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import ViewportSize

from e2e import axe
from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, owner_of
from e2e.test_accessibility import look, sticking_out
from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from portal.webhooks import endpoints, signing
from tests import factories
from tests.flows.world import Shop
from tests.portal.api.conftest import actor_of
from tests.portal.webhooks.conftest import Listener


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    found = Listener()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


async def test_a_token_opens_the_api_and_an_address_hears_of_what_it_did(
    desks: Desks, shop: Shop, listener: Listener, vault: Vault
) -> None:
    person = await owner_of(shop)
    desk = await desks.open(shop, viewport=PHONE)
    page = desk.page
    await desk.sign_in(person.email, person.password)
    await page.goto(f"{shop.portal}/settings/tokens")
    await page.get_by_role("link", name="Make a token").click()
    await page.get_by_label("What is it for?").fill("Till")
    for words in ("See vouchers, without their codes", "Make vouchers, extend them and take them back"):
        await page.get_by_label(words).check()
    await page.get_by_role("button", name="Make the token").click()
    token = await page.locator("code.secret").inner_text()
    await page.goto(f"{shop.portal}/settings/webhooks")
    await page.get_by_label("Address").fill(listener.url)
    await page.get_by_label("Vouchers were made, all of a batch told at once").check()
    await page.get_by_role("button", name="Add").click()
    await page.get_by_role("button", name="Show the secret").click()
    secret = await page.locator("code.secret").inner_text()
    async with httpx.AsyncClient(base_url=shop.portal, headers={"authorization": f"Bearer {token}"}) as till:
        router = await DB.value("SELECT id FROM routers ORDER BY id LIMIT 1")
        body = {"package_id": shop.packages["1 day"], "count": 2}
        made = await till.post(f"/api/routers/{router}/vouchers/generate", json=body)
        assert made.status_code == 201, made.text
        assert (await till.get("/api/payments")).status_code == 403
    await listener.until(1)
    (told,) = listener.messages()
    assert (told["type"], told["data"]["size"]) == ("voucher.made", 2)
    headers, raw = listener.heard[0]
    assert signing.is_right(secret, headers, raw, now_s=int(headers["webhook-timestamp"]))
    await page.goto(f"{shop.portal}/settings/tokens")
    await page.get_by_role("button", name="Revoke").click()
    async with httpx.AsyncClient(base_url=shop.portal) as till:
        assert (await till.get("/api/me", headers={"authorization": f"Bearer {token}"})).status_code == 401
    assert vault


@pytest.mark.parametrize(("viewport", "language"), [(PHONE, "en"), (DESK, "sw")], ids=["360-en", "1280-sw"])
async def test_axe_finds_nothing_on_pages_of_tokens_and_webhooks(
    desks: Desks, standing_shop: Shop, vault: Vault, clock: Clock, viewport: ViewportSize, language: str
) -> None:
    shop, now = standing_shop, clock.now()
    person = await owner_of(shop)
    owner = await actor_of(person.email)
    webhook = await factories.webhook(vault, shop.merchant_id, note="Till", hears="voucher.paid voucher.made")
    message = await endpoints.test(owner, webhook, now=now)
    for status, why, said in ((500, "", "<b>out of order</b>"), (0, "timeout", ""), (204, "", "")):
        await DB.fetch(
            """INSERT INTO webhook_attempts (merchant_id, endpoint_id, message_id, at, took_ms, status, why, answer)
               VALUES ($1, $2, $3, $4, 12, $5, $6, $7)""",
            shop.merchant_id, webhook, message, now, status, why, said,
        )  # fmt: skip
    off = await factories.webhook(vault, shop.merchant_id, hears="router.offline", off_at=now, off_why="failing")
    dashboard = await desks.open(shop, viewport=viewport, locale=f"{language}-KE")
    page, found = dashboard.page, list[str]()
    await dashboard.sign_in(person.email, person.password)
    await page.wait_for_url("**/home")
    tokens, webhooks = "/settings/tokens", "/settings/webhooks"
    pages = [("webhook", f"{webhooks}/{webhook}"), ("webhook-message", f"{webhooks}/messages/{message}")]
    if viewport is PHONE:
        pages += [("tokens", tokens), ("webhooks", webhooks), ("webhook-off", f"{webhooks}/{off}")]
    for name, path in pages:
        await page.goto(f"{shop.portal}{path}")
        found += await look(page, name, language)
    name, path = ("token-new-error", f"{tokens}/new") if viewport is PHONE else ("webhooks-error", webhooks)
    await page.goto(f"{shop.portal}{path}")
    await page.locator("form .btn.primary").click()
    await page.wait_for_selector(".wrong")
    found += await look(page, name, language)
    if viewport is PHONE:
        await page.goto(f"{shop.portal}/api/docs")
        found += await sticking_out(page, "api-docs")
        found += await axe.findings(page, "api-docs")
    assert not found, "\n".join(found)
