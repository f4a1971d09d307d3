"""The main job, without a browser: a phone on the Wi-Fi buys, is let in, and is off when its time is over."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.vault import Vault
from tests.flows.world import Shop, shop_open

NUMBER = "0712345678"
MSISDN = "254712345678"


@pytest.fixture
async def shop(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Shop]:
    async with shop_open(settings, vault, clock) as open_shop:
        yield open_shop


async def until(holds: Callable[[], Awaitable[object]], *, within: float = 8.0) -> object:
    """Wait until something holds; fails the test when it does not in time."""
    async with asyncio.timeout(within):
        while not (found := await holds()):  # noqa: ASYNC110  (what we wait for is on the other side of a socket)
            await asyncio.sleep(0.02)
        return found


async def captive_page(browser: httpx.AsyncClient) -> httpx.Response:
    """What a phone meets that wants the internet: the router's login page sends it to ours."""
    met = await browser.get("http://news.example/", follow_redirects=True)
    sent_to = re.search(r'url=([^"]+)"', met.text)
    assert sent_to, met.text
    return await browser.get(sent_to.group(1), follow_redirects=True)


async def pay_for(browser: httpx.AsyncClient, shop: Shop, package: str = "1 hour", number: str = NUMBER) -> str:
    """From the list of packages to the waiting page; returns its address."""
    page = await captive_page(browser)
    link = re.search(rf'href="([^"]*/buy/{shop.packages[package]}\?[^"]*)"', page.text)
    assert link, page.text
    form = await browser.get(httpx.URL(str(page.url)).join(link.group(1).replace("&amp;", "&")))
    hidden = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', form.text))
    posted = await browser.post(str(form.url), data={**hidden, "phone": number})
    assert posted.status_code == 303, posted.text
    return str(httpx.URL(str(form.url)).join(posted.headers["location"]))


async def is_online(browser: httpx.AsyncClient) -> bool:
    answer = await browser.get("http://news.example/")
    return answer.status_code == 200 and "You are on the internet" in answer.text


def page_says(browser: httpx.AsyncClient, address: str, words: str) -> Callable[[], Awaitable[bool]]:
    """The router lets a phone in a moment before we have noted it, so a page is asked again for a while."""

    async def look() -> bool:
        return words in (await browser.get(address)).text

    return look


async def test_a_paid_phone_is_online_and_off_when_its_time_is_over(shop: Shop) -> None:
    async with shop.browser() as browser:
        assert not await is_online(browser)
        waiting = await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        assert not await is_online(browser)
        await shop.daraja.approve(MSISDN)
        await until(lambda: is_online(browser))
        await until(page_says(browser, waiting, "You are connected"))
        shop.shift(minutes=59)
        assert await is_online(browser)
        shop.shift(minutes=2)
        await until(lambda: _is_captive(browser))
        await until(_nothing_of_ours_is_left(shop))
        assert await DB.value("SELECT ended_why FROM vouchers") == "usage"
        assert "Your time is up" in (await browser.get(waiting)).text


def _nothing_of_ours_is_left(shop: Shop) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await DB.value("SELECT bool_and(status = 'gone') FROM access_grants") and not [
            row for row in shop.board.hotspot.users if row.values["name"].startswith("vocha-")
        ]

    return look


async def _is_captive(browser: httpx.AsyncClient) -> bool:
    return not await is_online(browser)


async def test_the_money_is_split_and_sums_to_zero(shop: Shop) -> None:
    async with shop.browser() as browser:
        await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        await shop.daraja.approve(MSISDN)
        await until(lambda: is_online(browser))
    entries = await DB.fetch("SELECT account, amount_cents FROM ledger_entries ORDER BY account")
    assert [tuple(row) for row in entries] == [
        ("commission", -200),
        ("merchant_payable", -800),
        ("mpesa_clearing", 1000),
    ]


@pytest.mark.parametrize(
    ("act", "words"),
    [("cancel", "You cancelled the payment"), ("no_money", "Not enough money")],
)
async def test_an_unpaid_phone_stays_outside_and_is_told_why(shop: Shop, act: str, words: str) -> None:
    async with shop.browser() as browser:
        if act == "no_money":
            shop.daraja.do(MSISDN, "no_money")
        waiting = await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        await (shop.daraja.cancel(MSISDN) if act == "cancel" else shop.daraja.approve(MSISDN))

        async def says() -> bool:
            return words in (await browser.get(waiting)).text

        await until(says)
        assert not await is_online(browser)
        assert await DB.value("SELECT count(*) FROM ledger_entries") == 0


async def test_a_second_phone_is_refused(shop: Shop) -> None:
    async with shop.browser() as browser:
        await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        await shop.daraja.approve(MSISDN)
        await until(lambda: is_online(browser))
    other = await shop.network.attach()
    async with shop.browser(other) as browser:
        assert not await is_online(browser)


async def test_a_router_that_was_away_lets_the_paid_phone_in_when_it_is_back(shop: Shop) -> None:
    """Case 33."""
    async with shop.browser() as browser:
        waiting = await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        await shop.board.set_online(False)
        await shop.daraja.approve(MSISDN)

        async def is_away() -> bool:
            return await DB.value("SELECT status FROM routers") == "offline"

        await until(is_away)
        assert "You have paid" in (await browser.get(waiting)).text
        assert await DB.value("SELECT started_at FROM vouchers") is None, (
            "the clock must not run while the router is away"
        )
        await shop.board.set_online(True)
        await until(lambda: is_online(browser), within=15)
        await until(page_says(browser, waiting, "You are connected"))


async def test_a_paid_phone_that_comes_back_is_let_in_without_a_code(shop: Shop) -> None:
    async with shop.browser() as browser:
        await pay_for(browser, shop)
        await shop.daraja.wait_prompt(MSISDN)
        await shop.daraja.approve(MSISDN)
        await until(lambda: is_online(browser))
        shop.board.hotspot.logout(shop.phone.ip, cause="admin reset")
        shop.board.hotspot.cookies.cookies.clear()
        assert not await is_online(browser)
        page = await captive_page(browser)
        assert "Welcome back" in page.text
        assert not re.search(r"[2-9A-Z]{5}-[2-9A-Z]{5}", page.text), "a code is never told by a MAC"
        await until(lambda: is_online(browser))
        assert await DB.value("SELECT count(*) FROM vouchers") == 1
