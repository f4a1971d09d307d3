"""A router that asks us: a phone's page waits with it and goes online by itself; its merchant's pages say how it stands."""

from datetime import timedelta

import pytest
from playwright.async_api import ViewportSize

from e2e.browsers import DESK, PHONE
from e2e.conftest import Desks, Wifi, owner_of
from e2e.surroundings import MSISDN, NUMBER
from e2e.test_accessibility import LANGUAGES, look
from portal.clock import Clock
from portal.db import DB
from portal.vault import Vault
from tests.flows.test_pull import asks, from_now_on_it_asks
from tests.flows.world import Shop


async def test_the_page_knows_to_wait_and_turns_back_without_a_touch(wifi: Wifi, shop: Shop, vault: Vault) -> None:
    await from_now_on_it_asks(shop, vault, "7.16")
    await asks(shop)
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.choose("1 hour")
    await phone.pay(NUMBER)
    await shop.daraja.approve(MSISDN)
    await phone.turn_back_to("You have paid. We are connecting you")
    await phone.sees("This can take 20 seconds.")
    assert await look(phone.page, "captive-pull-connecting", "en") == []
    await asks(shop)
    await phone.turn_back_to("You are connected")
    assert await phone.is_online()


@pytest.mark.parametrize(("language", "viewport"), [(LANGUAGES[0], PHONE), (LANGUAGES[0], DESK), (LANGUAGES[1], PHONE)])
async def test_axe_finds_nothing_on_the_pages_of_a_router_that_asks(
    desks: Desks, standing_shop: Shop, clock: Clock, language: str, viewport: ViewportSize
) -> None:
    who, router = await owner_of(standing_shop), standing_shop.router.id
    desk = await desks.open(standing_shop, viewport=viewport, locale=f"{language}-KE")
    await desk.sign_in(who.email, who.password)
    await DB.fetch("UPDATE routers SET way = 'pull', status = 'new', last_seen_at = NULL WHERE id = $1", router)
    wrong: list[str] = []
    for name, path in (("add", "/routers/new"), ("setup", f"/routers/{router}/setup"), ("new", f"/routers/{router}")):
        await desk.page.goto(path)
        wrong += await look(desk.page, f"router-pull-{name}", language)
    for status, minutes in (("online", 0), ("late", 1), ("offline", 190)):
        since = clock.now() - timedelta(minutes=minutes)
        await DB.fetch("UPDATE routers SET status = $1, last_seen_at = $2, offline_since = $2", status, since)
        await desk.page.goto(f"/routers/{router}")
        wrong += await look(desk.page, f"router-pull-{status}", language)
    assert wrong == []
