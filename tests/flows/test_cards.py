"""A printed card from the form to the internet: made by the worker, typed at the captive page, sold by that, and taken back."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from portal import batches, codes, voucher_deeds
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.vault import Vault
from tests import factories
from tests.flows.test_sale import captive_page, is_online, until
from tests.flows.world import Shop, shop_open
from tests.portal.payments.stall import actor, all_is_well, books


@pytest.fixture
async def shop(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Shop]:
    async with shop_open(settings, vault, clock) as open_shop:
        yield open_shop


async def _type(browser: httpx.AsyncClient, code: str) -> httpx.Response:
    """From the captive page to its form for codes, filled in."""
    page = await captive_page(browser)
    link = re.search(r'href="([^"]*/code\?[^"]*)"', page.text)
    assert link, page.text
    form = await browser.get(httpx.URL(str(page.url)).join(link.group(1).replace("&amp;", "&")))
    hidden = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', form.text))
    return await browser.post(str(form.url), data={**hidden, "code": code})


async def test_a_card_is_made_typed_sold_and_taken_back(shop: Shop, vault: Vault, clock: Clock) -> None:
    owner = actor(shop.merchant_id, user_id=await factories.user("owner@cards.test", shop.merchant_id))
    made = await batches.make(
        owner,
        shop.packages["1 hour"],
        count=1200,
        note_text="",
        vault=vault,
        now=clock.now(),
        kind="cash",
        prefix="SOKO",
    )

    async def all_made() -> bool:
        return await DB.value("SELECT done_at IS NOT NULL FROM batches WHERE id = $1", made.id)

    await until(all_made)
    assert await DB.value("SELECT count(*) FROM vouchers WHERE batch_id = $1", made.id) == 1200
    voucher = await DB.value("SELECT max(id) FROM vouchers")
    code = await batches.reveal_code(owner, voucher, vault=vault, now=clock.now())
    async with shop.browser() as browser:
        typed = await _type(browser, codes.print_code(code, prefix="SOKO").lower())
        assert typed.status_code == 303, typed.text
        await until(lambda: is_online(browser))
        assert (await books())["cash"] > 0
        assert await DB.value("SELECT count(*) FROM payments WHERE method = 'cash' AND status = 'paid'") == 1

        async def in_use() -> bool:
            return await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher) == "in_use"

        await until(in_use)
        await all_is_well()
        await voucher_deeds.revoke(owner, voucher, why="stolen", now=clock.now())

        async def is_off() -> bool:
            return not await is_online(browser)

        await until(is_off)
        assert (await _type(browser, code)).status_code == 422
