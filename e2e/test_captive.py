"""Buying on a phone behind the walled garden: what customers see, and that who has paid is online.

Each test promises more than its name: the fixture `wifi` fails it for a cookie, storage, a foreign request, an error in
the console or a broken policy.
"""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from e2e.conftest import Wifi
from e2e.pages import CaptivePhone
from e2e.surroundings import MSISDN, NUMBER, comes_online, has_internet
from portal.db import DB
from tests.flows.world import Shop


async def ask_to_pay(phone: CaptivePhone, shop: Shop, package: str = "1 hour") -> None:
    """From any site to the prompt on the payer's phone."""
    await phone.open_any_site()
    await phone.choose(package)
    await phone.pay(NUMBER)
    await phone.wait_for_heading("Check your phone")
    await shop.daraja.wait_prompt(MSISDN)


async def test_a_phone_that_pays_is_online_after_a_full_navigation(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.wait_for_heading("Choose a package")
    await phone.keep("flow-1-packages")
    await phone.choose("1 hour")
    await phone.keep("flow-2-buy")
    await phone.pay(NUMBER)
    await phone.wait_for_heading("Check your phone")
    await phone.keep("flow-3-waiting")
    await shop.daraja.wait_prompt(MSISDN)
    assert not await has_internet(shop)
    before = len(phone.watch.documents("/w/"))
    await phone.page.evaluate("window.isTheOldPage = true")
    await shop.daraja.approve(MSISDN)
    await phone.wait_for_heading("You are connected")
    # Phones look again whether they are online only when a whole page has loaded.
    assert len(phone.watch.documents("/w/")) > before
    assert not await phone.page.evaluate("'isTheOldPage' in window")
    await phone.sees("1 hour, until")
    assert re.fullmatch(r"[A-Z0-9]{5}\W[A-Z0-9]{5}", await phone.code())
    await phone.keep("flow-4-connected")
    await phone.follow("Start browsing")
    await phone.sees("You are on the internet: news.example")
    assert await phone.is_online()
    assert "Connected for" in await phone.browse("http://10.5.50.1/status")


@pytest.mark.parametrize(
    ("act", "heading"),
    [
        ("cancel", "You cancelled the payment"),
        ("wrong_pin", "The PIN was not right"),
        ("no_money", "Not enough money in M‑PESA"),
    ],
)
async def test_who_does_not_pay_is_told_why_and_stays_outside(wifi: Wifi, shop: Shop, act: str, heading: str) -> None:
    phone = await wifi.join()
    await ask_to_pay(phone, shop)
    shop.daraja.do(MSISDN, act)
    await phone.turn_back_to(heading)
    await phone.sees("Nothing was taken.")
    await expect(phone.page.get_by_role("button", name="Try again")).to_be_visible()
    await phone.keep(f"flow-{act.replace('_', '-')}")
    assert not await has_internet(shop)
    await phone.open_any_site()
    assert await DB.value("SELECT count(*) FROM vouchers") == 0


async def test_who_cancelled_by_mistake_tries_again_with_one_tap(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await ask_to_pay(phone, shop)
    await shop.daraja.cancel(MSISDN)
    await phone.turn_back_to("You cancelled the payment")
    shop.shift(minutes=2, seconds=1)  # sooner, M-Pesa itself refuses the same amount again
    await phone.press("Try again")
    await phone.wait_for_heading("Check your phone")
    await shop.daraja.approve(MSISDN)
    await phone.turn_back_to("You are connected")
    assert await has_internet(shop)


async def test_late_money_still_connects_a_phone_that_did_not_answer(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await ask_to_pay(phone, shop)
    await shop.daraja.ignore(MSISDN)
    shop.shift(seconds=27)
    await phone.turn_back_to("Your phone did not answer")
    await phone.sees("We keep watching")
    await phone.keep("flow-no-answer")
    assert not await has_internet(shop)
    shop.daraja.do(MSISDN, "late_pin")
    await phone.turn_back_to("You are connected")
    assert await has_internet(shop)


async def test_a_phone_without_javascript_buys_and_is_online(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join(scripts=False)
    await ask_to_pay(phone, shop)
    await phone.keep("flow-waiting-noscript")
    before = len(phone.watch.documents("/w/"))
    await shop.daraja.approve(MSISDN)
    await phone.wait_for_heading("You are connected")
    assert len(phone.watch.documents("/w/")) > before
    await phone.follow("Start browsing")
    await phone.sees("You are on the internet: news.example")


async def test_the_whole_sale_is_in_swahili_for_who_asked_for_it_once(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.follow("Kiswahili")
    await phone.wait_for_heading("Chagua kifurushi")
    await phone.choose("Saa 1")
    await phone.wait_for_heading("Nambari ya simu ya M‑PESA")
    await phone.pay(NUMBER)
    await phone.wait_for_heading("Angalia simu yako")
    await shop.daraja.approve(MSISDN)
    await phone.turn_back_to("Umeunganishwa")
    await phone.keep("flow-4-connected-sw")
    await phone.follow("Anza kuvinjari")
    await phone.sees("You are on the internet: news.example")


async def test_a_phone_that_speaks_swahili_is_spoken_to_in_swahili(wifi: Wifi) -> None:
    phone = await wifi.join(locale="sw-KE")
    await phone.open_any_site()
    await phone.wait_for_heading("Chagua kifurushi")
    await phone.follow("English")
    await phone.wait_for_heading("Choose a package")


async def test_a_page_closed_after_the_pin_still_brings_the_phone_online(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await ask_to_pay(phone, shop)
    await phone.context.close()
    await shop.daraja.approve(MSISDN)
    await comes_online(shop)
    again = await wifi.join()
    assert await again.is_online()


async def test_a_double_tap_on_pay_sends_one_prompt(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.choose("1 hour")
    await phone.type_number(NUMBER)
    shop.daraja.world.turn(repeat_rule="off")  # M-Pesa shall not save us here
    led_to: list[str] = []

    async def twice(route: Route) -> None:
        """Chromium swallows most second taps; older browsers send the form again, so it goes out twice at once."""
        answers = await asyncio.gather(route.fetch(max_redirects=0), route.fetch(max_redirects=0))
        led_to.extend(answer.headers["location"] for answer in answers)
        await route.fulfill(response=answers[0])

    await phone.page.route("**/buy/*", twice)
    await phone.page.get_by_role("button", name=re.compile("^Pay ")).dblclick()
    await phone.wait_for_heading("Check your phone")
    await shop.daraja.approve(MSISDN)
    await phone.turn_back_to("You are connected")
    assert len(led_to) >= 2
    assert len(set(led_to)) == 1
    assert len(shop.daraja.world.pushes) == 1
    assert await DB.value("SELECT count(*) FROM checkouts") == 1


async def test_going_back_and_paying_again_joins_the_open_prompt(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await ask_to_pay(phone, shop)
    first = phone.page.url
    await phone.page.go_back()
    await phone.pay(NUMBER)
    await phone.wait_for_heading("Check your phone")
    assert phone.page.url.split("?")[0] == first.split("?")[0]
    assert len(shop.daraja.world.pushes) == 1


@pytest.mark.parametrize("number", ["+256 772 123 456", "0712 345 67", "hello"])
async def test_a_number_that_cannot_pay_is_an_error_beside_the_field(wifi: Wifi, shop: Shop, number: str) -> None:
    phone = await wifi.join()
    await phone.open_any_site()
    await phone.choose("1 hour")
    await phone.pay(number)
    field = phone.page.get_by_label("M‑PESA phone number")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description(re.compile("Enter a Safaricom number, like 0712.345.678"))
    await expect(field).to_be_focused()
    await expect(field).to_have_value(number)
    assert not shop.daraja.world.pushes
    await phone.pay(NUMBER)
    await phone.wait_for_heading("Check your phone")
