"""The main job at a router nobody can dial: it asks us, its agent does the rest, and the phone's page knows to wait."""

import re
from collections.abc import AsyncIterator

import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.routers import scripts, setup
from portal.routers.forms import Connection, ScriptOptions
from portal.vault import Vault
from routeros.simulator.scripting.engine import ScriptEngine
from routeros.simulator.scripting.loopback import LoopbackFetcher
from tests.flows.test_sale import MSISDN, captive_page, is_online, page_says, pay_for, until
from tests.flows.world import Shop, shop_open
from tests.portal.pulls.site import VERSIONS, owner_of

EVERYWHERE = pytest.mark.parametrize("version", ["6.49", "7.16", "7.18"])


@pytest.fixture
def version() -> str:
    return "7.16"


@pytest.fixture
async def shop(db: str, settings: Settings, vault: Vault, clock: Clock, version: str) -> AsyncIterator[Shop]:
    async with shop_open(settings, vault, clock, version=version) as open_shop:
        await from_now_on_it_asks(open_shop, vault, version)
        yield open_shop


async def from_now_on_it_asks(shop: Shop, vault: Vault, version: str) -> None:
    """The merchant chooses the way, pastes the script, and closes the API."""
    assert shop.doors
    owner, (family, agent) = await owner_of(shop.merchant_id), VERSIONS[version]
    now, settings = shop.clock.now(), shop.doors.settings
    await setup.reconnect(owner, shop.router.id, Connection(way="pull"), vault=vault, tunnel=None, now=now)
    chosen = ScriptOptions(family=family, interface="bridge", agent=agent)
    issued = await scripts.issue(owner, shop.router.id, chosen, settings=settings, now=now)
    text = await scripts.fetch(issued.code, settings=settings, vault=vault, now=now)
    engine = ScriptEngine(shop.board)
    engine.paste("/ip dns set allow-remote-requests=no\n/system ntp client set enabled=no\n")
    pasted = engine.paste(text)
    assert pasted.error is None, pasted.output
    host, port = shop.portal.removeprefix("http://").split(":")
    shop.board.scripts.fetcher = LoopbackFetcher({f"{host}:{port}": (host, int(port))})
    await shop.board.set_online(False)


async def asks(shop: Shop) -> None:
    """One interval, and the agent's run to its end."""
    shop.shift(seconds=15)

    async def is_over() -> bool:
        return not shop.board.scripts.jobs

    await until(is_over)


@EVERYWHERE
async def test_a_paid_phone_is_online_and_off_when_its_time_is_over(shop: Shop) -> None:
    await asks(shop)
    async with shop.browser() as browser:
        waiting = await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        await shop.daraja.approve(MSISDN)
        await until(page_says(browser, waiting, "This can take 20"))
        assert not await is_online(browser)
        await asks(shop)
        assert await is_online(browser)
        assert "You are connected" in (await browser.get(waiting)).text
        shop.shift(minutes=59)
        assert await is_online(browser)
        shop.shift(minutes=2)
        assert not await is_online(browser), "the router ends it by itself, asked or not"

        async def is_expired() -> bool:
            return await DB.value("SELECT status FROM vouchers") == "expired"

        await until(is_expired)
        await asks(shop)
        assert "Your time is up" in (await browser.get(waiting)).text
    assert await DB.value("SELECT bool_and(status = 'gone') FROM access_grants")
    assert not [row for row in shop.board.hotspot.users if row.values["name"].startswith("vocha-")]


async def test_the_waiting_page_looks_as_often_as_that_is_worth(shop: Shop) -> None:
    await asks(shop)
    await DB.fetch("UPDATE routers SET pull_interval_s = 60")
    async with shop.browser() as browser:
        waiting = await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        assert 'data-p="3"' in (await browser.get(waiting)).text, "M-PESA does not wait for the router"
        await shop.daraja.approve(MSISDN)
        await until(page_says(browser, waiting, "This can take"))
        page = (await browser.get(waiting)).text.replace("\xa0", " ")
        assert "This can take 1 minute 5 seconds." in page
        assert 'data-p="10"' in page
        assert 'http-equiv="refresh" content="10"' in page
        swahili = (await browser.get(waiting, params={"l": "sw"})).text
        assert "This can take" not in swahili


async def test_a_phone_that_comes_back_is_told_how_long_and_let_in_without_a_code(shop: Shop) -> None:
    await asks(shop)
    async with shop.browser() as browser:
        await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        await shop.daraja.approve(MSISDN)

        async def is_paid() -> bool:
            return await DB.value("SELECT count(*) FROM access_grants") == 1

        await until(is_paid)
        await asks(shop)
        assert await is_online(browser)
        shop.board.hotspot.logout(shop.phone.ip, cause="admin reset")
        shop.board.hotspot.cookies.cookies.clear()
        page = await captive_page(browser)
        assert "Welcome back" in page.text
        assert "This can take 20" in page.text
        assert re.search(r'data-g="[^"]+" data-w="20"', page.text), (
            "nobody is sent back to the router before it has asked"
        )
        await asks(shop)
        assert await is_online(browser)
