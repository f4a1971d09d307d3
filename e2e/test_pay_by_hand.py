"""Paying without the prompt: by hand for the same purchase, in two parts, and by naming the M-Pesa code on another phone; and the
merchant finds all of it."""

import re

import pytest
from playwright.async_api import expect

from e2e.conftest import Desks, Person, Wifi
from e2e.pages import CaptivePhone
from e2e.surroundings import MSISDN, comes_online, has_internet, until
from e2e.test_captive import ask_to_pay
from portal.callbacks import addresses
from portal.db import DB, atomic
from portal.mpesa.simulator.world import SANDBOX_SHORTCODE
from tests.flows.world import Shop


async def register(shop: Shop) -> None:
    """Let M-Pesa announce payments by hand to this shop, as `vocha mpesa register-urls` does."""
    assert shop.doors is not None
    account_id = await DB.value("SELECT id FROM mpesa_accounts")
    async with atomic() as tx:
        name = await addresses.of_account(tx, account_id, now=shop.clock.now())
    daraja = await shop.doors.mpesa.for_account(account_id)
    await daraja.register_urls(
        confirmation_url=shop.doors.mpesa.address(addresses.path(name, addresses.CONFIRMATION)),
        validation_url=shop.doors.mpesa.address(addresses.path(name, addresses.VALIDATION)),
    )


async def prompt_that_never_comes(phone: CaptivePhone, shop: Shop) -> None:
    """The prompt times out on the payer's phone."""
    await ask_to_pay(phone, shop)
    await shop.daraja.ignore(MSISDN)
    shop.shift(seconds=27)
    await phone.wait_for_heading("Your phone did not answer")


async def typed_by_hand(phone: CaptivePhone) -> tuple[str, str]:
    """Business and account number as the page tells them."""
    await phone.wait_for_heading("Pay by hand")
    number, account = await phone.page.locator(".s").all_inner_texts()
    return number, account


@pytest.mark.parametrize("scripts", [True, False], ids=["js", "no-js"])
async def test_who_got_no_prompt_pays_by_hand_and_is_online(wifi: Wifi, shop: Shop, scripts: bool) -> None:
    await register(shop)
    phone = await wifi.join(scripts=scripts)
    await ask_to_pay(phone, shop)
    await shop.daraja.ignore(MSISDN)
    shop.shift(seconds=27)
    await phone.wait_for_heading("Your phone did not answer")
    await phone.follow("Pay by hand")
    number, account = await typed_by_hand(phone)
    assert number == SANDBOX_SHORTCODE
    await phone.keep("hand", variant="" if scripts else "noscript")
    shop.daraja.pay_by_hand(MSISDN, number, amount=10, account=account.lower())
    await phone.wait_for_heading("You are connected")
    assert await has_internet(shop)
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_who_pays_too_little_pays_the_rest_and_is_online(wifi: Wifi, shop: Shop) -> None:
    await register(shop)
    phone = await wifi.join()
    await prompt_that_never_comes(phone, shop)
    await phone.follow("Pay by hand")
    number, account = await typed_by_hand(phone)
    shop.daraja.pay_by_hand(MSISDN, number, amount=6, account=account)
    await phone.sees(re.compile("KES\u00a06 came in and is kept. Pay KES\u00a04 more."))
    await phone.follow("Back")
    await phone.wait_for_heading("KES\u00a04 more")
    await phone.keep("underpaid")
    assert not await has_internet(shop)
    shop.daraja.pay_by_hand(MSISDN, number, amount=4, account=account)
    await phone.wait_for_heading("You are connected")
    assert await has_internet(shop)


async def test_a_code_typed_on_another_phone_opens_what_was_paid(
    wifi: Wifi, shop: Shop, desks: Desks, owner: Person
) -> None:
    await register(shop)
    first = await wifi.join()
    await ask_to_pay(first, shop)
    await shop.daraja.approve(MSISDN)
    await first.turn_back_to("You are connected")
    receipt = await DB.value("SELECT receipt FROM receipts")
    other_phone = await shop.network.attach()
    other = await wifi.join(other_phone)
    await other.open_any_site()
    await other.follow("I already paid")
    await other.wait_for_heading("I already paid")
    await other.page.get_by_label("Phone number that paid").fill("0700 000 126")
    await other.page.get_by_label("M‑PESA code").fill(receipt)
    await other.press("Find my payment")
    await other.sees("do not open anything here")
    await other.keep("claim-wrong")
    assert not await has_internet(shop, other_phone)
    await other.page.get_by_label("Phone number that paid").fill("0712 345 678")
    await other.page.get_by_label("M‑PESA code").fill(f"{receipt} Confirmed. Ksh10.00 paid to SHOP on 20/11/26")
    await other.press("Find my payment")
    await other.wait_for_heading("You are connected")
    await comes_online(shop, other_phone)


async def test_a_wrong_account_number_is_put_right_by_the_code_on_the_page(wifi: Wifi, shop: Shop) -> None:
    await register(shop)
    phone = await wifi.join()
    await prompt_that_never_comes(phone, shop)
    made = shop.daraja.pay_by_hand(MSISDN, SANDBOX_SHORTCODE, amount=10, account="NANCY")
    await until(lambda: DB.value("SELECT id FROM suspense"), "the money waits")
    await phone.follow("I already paid")
    await phone.page.get_by_label("Enter the M‑PESA code").fill(made.receipt.lower())
    await phone.press("Check this code")
    await phone.wait_for_heading("You are connected")
    assert await has_internet(shop)


async def test_an_unknown_code_is_looked_for_and_opens_nothing(wifi: Wifi, shop: Shop) -> None:
    phone = await wifi.join()
    await prompt_that_never_comes(phone, shop)
    await phone.follow("I already paid")
    await phone.page.get_by_label("Enter the M‑PESA code").fill("i paid")
    await phone.press("Check this code")
    await phone.sees("Type the 10 letters and digits")
    await phone.page.get_by_label("Enter the M‑PESA code").fill("UE92Q3N5H7")
    await phone.press("Check this code")
    await phone.wait_for_heading("We are looking for this payment")
    await phone.keep("looking")
    assert not await has_internet(shop)


async def test_the_merchant_finds_all_of_it_and_decides(wifi: Wifi, shop: Shop, desks: Desks, owner: Person) -> None:
    await register(shop)
    await DB.fetch("UPDATE mpesa_accounts SET merchant_id = $1", shop.merchant_id)
    phone = await wifi.join()
    await prompt_that_never_comes(phone, shop)
    await phone.follow("Pay by hand")
    number, account = await typed_by_hand(phone)
    paid = shop.daraja.pay_by_hand(MSISDN, number, amount=10, account=account)
    await phone.wait_for_heading("You are connected")
    lost = shop.daraja.pay_by_hand("254700000126", number, amount=50, account="NANCY")
    await until(lambda: DB.value("SELECT id FROM suspense"), "the money waits")
    dashboard = await desks.open(shop)
    await dashboard.page.goto("/sign-in")
    await dashboard.fill_in(owner.email, owner.password)
    await dashboard.page.wait_for_url("**/home")
    await dashboard.page.goto("/sales")
    await dashboard.page.get_by_role("searchbox").fill(paid.receipt)
    await dashboard.page.get_by_role("button", name="Find").click()
    await dashboard.page.locator(".payments a").first.click()
    body = dashboard.page.locator("main")
    for words in ("We asked M-Pesa to ask the phone", "M-Pesa told the outcome", "M-Pesa told of a payment by hand",
                  "Booked as a sale", "Ready on the router", "Online"):  # fmt: skip
        await expect(body).to_contain_text(words)
    await dashboard.page.get_by_role("link", name="To decide").first.click()
    await dashboard.page.get_by_role("link", name=lost.receipt).click()
    await dashboard.page.get_by_label("A new voucher").check()
    await dashboard.page.get_by_label("Package").select_option(label="1 day, KES\u00a050")
    await dashboard.page.get_by_label("Customer's phone number").fill("0700 000 126")
    await dashboard.page.get_by_label("to confirm").fill("50")
    await dashboard.page.get_by_role("button", name="Decide").click()
    await expect(body).to_contain_text("Decided by Amina W.")
    assert (
        await DB.value("SELECT count(*) FROM messages WHERE kind = 'voucher_code' AND recipient = '254700000126'") == 1
    )
