"""Monthly customers from money to access: one who dials in over PPPoE, and a family on the hotspot."""

import re
from datetime import timedelta

import httpx
import pytest

from portal import batches
from portal.callbacks import addresses
from portal.db import DB, atomic
from portal.errors import Conflict
from portal.identity import Actor
from portal.mpesa.simulator.world import SANDBOX_SHORTCODE
from portal.signing import Signer
from portal.subscribers import deciding, links, looks, opening
from portal.vault import Vault
from routeros.simulator.ppp.clients import PppoeClient
from routeros.simulator.proxy.phones import Phone
from tests import factories
from tests.flows.test_sale import MSISDN, NUMBER, captive_page, is_online, until
from tests.flows.world import Shop
from tests.jobs.dialing import pppoe_on
from tests.portal.payments.stall import actor

MAC = "02:00:00:00:00:09"


async def hears_of_payments_by_hand(shop: Shop) -> None:
    """As `vocha mpesa register-urls` does."""
    assert shop.doors is not None
    account_id = await DB.value("SELECT id FROM mpesa_accounts")
    async with atomic() as tx:
        name = await addresses.of_account(tx, account_id, now=shop.clock.now())
    daraja = await shop.doors.mpesa.for_account(account_id)
    await daraja.register_urls(
        confirmation_url=shop.doors.mpesa.address(addresses.path(name, addresses.CONFIRMATION)),
        validation_url=shop.doors.mpesa.address(addresses.path(name, addresses.VALIDATION)),
    )


async def moves_in(shop: Shop, vault: Vault, **fields: str) -> tuple[Actor, int]:
    """The shop's owner, and a subscriber for two devices whose next bill is tomorrow, with one day of grace."""
    user = await factories.user("amina@example.com", shop.merchant_id)
    owner = actor(shop.merchant_id, user_id=user)
    package = await factories.package(
        shop.merchant_id, name="Home", price_cents=150_000, duration_s=2_678_400, period="month", devices=2,
        clock_from="purchase",
    )  # fmt: skip
    zone = (await DB.value("SELECT timezone FROM merchants WHERE id = $1", shop.merchant_id)) == "Africa/Nairobi"
    assert zone, "the days below are Nairobi's"
    tomorrow = shop.clock.now() + timedelta(hours=3 + 24)
    wish = opening.Wish(
        name="Njeri", phone=NUMBER, router=str(shop.router.id), package=str(package), billing_day=str(tomorrow.day),
        grace_days="1", **fields,
    )  # fmt: skip
    return owner, await opening.open_account(owner, wish, form_key="k" * 32, vault=vault, now=shop.clock.now())


async def stands(subscriber_id: int, status: str) -> None:
    async def look() -> bool:
        return await DB.value("SELECT status FROM subscribers WHERE id = $1", subscriber_id) == status

    await until(look, within=25)


async def test_a_pppoe_customer_pays_dials_in_is_off_after_grace_and_back_by_the_own_page(
    shop: Shop, vault: Vault, signer: Signer
) -> None:
    pppoe_on(shop.board)
    await hears_of_payments_by_hand(shop)
    owner, who = await moves_in(shop, vault, kind="pppoe", user_name="njeri", password="abcdefgh12")
    one = await looks.one(owner, who, now=shop.clock.now())
    assert one.line.status == "grace"
    shillings = one.missing_cents // 100
    shop.daraja.pay_by_hand(MSISDN, SANDBOX_SHORTCODE, amount=shillings, account=one.line.account_number)
    await stands(who, "active")
    assert await DB.value("SELECT count(*) FROM subscriber_bills WHERE status = 'paid'") == 1

    async def is_there() -> bool:
        return bool(shop.board.tables["/ppp/secret"].named("njeri"))

    await until(is_there, within=25)
    home = shop.board.ppp.clients[MAC] = PppoeClient(MAC, "njeri", "abcdefgh12")
    shop.shift(seconds=1)
    assert shop.board.ppp.of("njeri"), home.said
    shop.shift(days=1)
    await stands(who, "grace")
    assert shop.board.ppp.of("njeri")
    shop.shift(days=1)
    await stands(who, "suspended")

    async def is_off() -> bool:
        return not shop.board.ppp.of("njeri")

    await until(is_off, within=25)
    shop.shift(seconds=6)
    assert home.said, "it is refused when it dials again"
    await pays_on_own_page(shop, who, signer)
    await stands(who, "active")

    async def is_back() -> bool:
        shop.shift(seconds=6)
        return bool(shop.board.ppp.of("njeri"))

    await until(is_back, within=25)


async def pays_on_own_page(shop: Shop, who: int, signer: Signer) -> None:
    now = shop.clock.now()
    address = shop.portal + links.path(await looks.full(who, now=now), signer, now=now)
    async with httpx.AsyncClient(trust_env=False) as customer:
        page = (await customer.get(address)).text
        hidden = re.search(r'name="form_key" value="(\w+)"', page)
        amount = re.search(r'name="amount"[^>]* value="(\d+)"', page)
        assert hidden, page
        assert amount, page
        asked = await customer.post(
            f"{address}/pay", data={"form_key": hidden[1], "phone": NUMBER, "amount": amount[1]}
        )
        assert asked.status_code == 303, asked.text
    await shop.daraja.wait_prompt(MSISDN)
    await shop.daraja.approve(MSISDN)


async def types(shop: Shop, phone: Phone, code: str) -> None:
    """A phone types the code on the captive page."""
    async with shop.browser(phone) as browser:
        page = await captive_page(browser)
        link = re.search(r'href="([^"]*/code\?[^"]*)"', page.text)
        assert link, page.text
        form = await browser.get(httpx.URL(str(page.url)).join(link[1].replace("&amp;", "&")))
        hidden = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', form.text))
        await browser.post(str(form.url), data={**hidden, "code": code})


async def test_a_family_has_two_online_never_three_not_who_is_taken_out_and_none_when_suspended(
    shop: Shop, vault: Vault
) -> None:
    owner, who = await moves_in(shop, vault)
    first, second, third = shop.phone, await shop.network.attach(), await shop.network.attach()
    for phone in (first, second):
        await deciding.add_device(owner, who, phone.mac, name=phone.label, now=shop.clock.now())
    with pytest.raises(Conflict):
        await deciding.add_device(owner, who, third.mac, name=third.label, now=shop.clock.now())
    _, code = await links.secret(owner, who, reveal=batches.reveal_code, vault=vault, now=shop.clock.now())
    async with shop.browser(first) as one, shop.browser(second) as two, shop.browser(third) as three:
        for browser in (one, two):
            await captive_page(browser)
            await until(lambda browser=browser: is_online(browser), within=25)
        await captive_page(three)
        assert [await is_online(each) for each in (one, two, three)] == [True, True, False], "nobody knows the third"
        await types(shop, third, code)
        await until(lambda: is_online(three), within=25)
        online = [await is_online(each) for each in (one, two, three)]
        assert online.count(True) == 2, "who has the code takes a place; there are two"
        gone = await DB.value("SELECT id FROM subscriber_devices WHERE mac = $1", second.mac)
        await deciding.remove_device(owner, who, gone, vault=vault, now=shop.clock.now())

        async def are_off() -> bool:
            return not any([await is_online(each) for each in (one, two, three)])

        await until(are_off, within=25)
        for browser in (two, one):
            await captive_page(browser)
        await until(lambda: is_online(one), within=25)
        assert not await is_online(two), "it was taken out"
        await deciding.suspend(owner, who, why="a holiday", now=shop.clock.now())
        await until(are_off, within=25)
