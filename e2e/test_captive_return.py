"""After the sale: time runs out, phones change their address, others try, the router goes away and comes back."""

from e2e import axe
from e2e.conftest import Wifi
from e2e.pages import CaptivePhone
from e2e.surroundings import MSISDN, NUMBER, comes_online, has_internet, router_is, turns_captive
from portal import codes
from portal.db import DB
from tests.flows.world import Shop


async def buy(phone: CaptivePhone, shop: Shop) -> None:
    """One hour, from any site to the page that says so."""
    await phone.open_any_site()
    await phone.choose("1 hour")
    await phone.pay(NUMBER)
    await shop.daraja.approve(MSISDN)
    await phone.turn_back_to("You are connected")


async def test_when_time_is_up_the_phone_is_captive_and_buys_again(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await buy(phone, shop)
    page = phone.page.url
    shop.shift(minutes=59)
    assert await phone.is_online()
    shop.shift(minutes=2)
    await turns_captive(shop)
    await phone.open_any_site()
    await phone.wait_for_heading("Choose a package")
    await phone.page.goto(page)
    await phone.wait_for_heading("Your time is up")
    await phone.keep("flow-over")
    await phone.follow("Buy 1 hour again")
    await phone.pay(NUMBER)
    await phone.wait_for_heading("Check your phone")
    await shop.daraja.approve(MSISDN)
    await phone.turn_back_to("You are connected")
    assert await phone.is_online()
    assert await DB.value("SELECT count(*) FROM ledger_postings WHERE kind = 'sale'") == 2


async def test_second_phone_is_refused(wifi: Wifi, shop: Shop) -> None:
    await buy(await wifi.join(), shop)
    stranger = await shop.network.attach()
    second = await wifi.join(stranger)
    await second.open_any_site()
    await second.wait_for_heading("Choose a package")
    assert not await has_internet(shop, stranger)
    assert await has_internet(shop)


async def test_the_page_of_a_sale_opened_on_another_phone_lets_it_not_in(wifi: Wifi, shop: Shop) -> None:
    buyer = await wifi.join()
    await buy(buyer, shop)
    stranger = await shop.network.attach()
    second = await wifi.join(stranger)
    await second.page.goto(buyer.page.url.split("?")[0])
    await second.turn_back_to("You are connected")
    assert not await has_internet(shop, stranger)


async def test_the_code_brings_a_phone_back_that_changed_its_mac_address(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await buy(phone, shop)
    code = await phone.code()
    shop.phone.change_mac()
    await turns_captive(shop)
    await phone.open_any_site()
    await phone.type_code(code)
    await phone.turn_back_to("You are connected")
    await phone.keep("flow-voucher")
    assert await phone.is_online()
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_a_wrong_code_lets_nobody_in(wifi: Wifi, shop: Shop) -> None:
    await buy(await wifi.join(), shop)
    stranger = await shop.network.attach()
    phone = await wifi.join(stranger)
    await phone.open_any_site()
    await phone.type_code(codes.print_code(codes.voucher_code()))
    await phone.sees("This code does not work")
    await phone.keep("flow-wrong-code")
    assert not await has_internet(shop, stranger)


async def test_a_router_that_was_away_when_the_money_came_connects_when_it_is_back(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.choose("1 hour")
    await phone.pay(NUMBER)
    await shop.daraja.wait_prompt(MSISDN)
    await shop.board.set_online(False)
    await shop.daraja.approve(MSISDN)
    await phone.turn_back_to("You have paid. The WiFi is down")
    await phone.keep("flow-router-away")
    assert not await has_internet(shop)
    assert await DB.value("SELECT started_at FROM vouchers") is None, "the clock must not run while the router is away"
    await shop.board.set_online(True)
    shop.shift(seconds=10)  # until the next try
    await phone.turn_back_to("You are connected")
    assert await phone.is_online()


async def test_a_router_known_to_be_away_takes_no_money(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.choose("1 hour")
    await DB.fetch("UPDATE routers SET status = 'offline', next_try_at = $1", shop.clock.now().replace(year=2100))
    await phone.pay(NUMBER)
    await phone.wait_for_heading("The WiFi is down right now")
    assert not shop.daraja.world.pushes
    assert await DB.value("SELECT count(*) FROM checkouts") == 0
    await DB.fetch("UPDATE routers SET next_try_at = now()")
    await router_is("online")
    await phone.follow("Try again")
    await phone.pay(NUMBER)
    await phone.wait_for_heading("Check your phone")


async def test_a_phone_that_is_owed_time_is_logged_in_again_from_its_page(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await buy(phone, shop)
    page = phone.page.url
    shop.phone.change_mac()
    await turns_captive(shop)
    await phone.page.goto(page)
    await phone.follow("Connect this phone again")
    await phone.turn_back_to("You are connected")
    await comes_online(shop)


async def test_a_phone_with_time_left_is_let_back_in_without_a_code(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await buy(phone, shop)
    shop.board.hotspot.logout(shop.phone.ip, cause="admin reset")
    shop.board.hotspot.cookies.cookies.clear()
    await turns_captive(shop)
    await phone.browse()
    await phone.wait_for_heading("Welcome back")
    await phone.keep("flow-welcome-back")
    assert await axe.findings(phone.page, "back") == []
    await phone.sees("You are on the internet: news.example")
    assert await DB.value("SELECT count(*) FROM vouchers") == 1
