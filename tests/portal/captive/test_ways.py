"""Choosing how to pay on the captive pages: only what is set up is shown, a prefix is a hint, every page stays small."""

import gzip

import pytest

from portal.db import DB, atomic
from portal.rails import accounts
from portal.vault import Vault
from tests.portal.captive.conftest import Phone

MOST_BYTES = 6 * 1024


@pytest.fixture
async def with_ways(phone: Phone, vault: Vault) -> Phone:
    """The shop takes Airtel Money and cards too."""
    merchant = await DB.value("SELECT min(id) FROM merchants")
    now = await DB.value("SELECT now()")
    async with atomic() as tx:
        for rail, secret in (("airtel", "secret"), ("paystack", "sk_test_x")):
            await accounts.put(
                tx, rail, merchant_id=merchant, environment="sandbox", key_name="id", secret=secret, vault=vault, now=now,
                by="test",
            )  # fmt: skip
    return phone


async def test_ways_that_are_not_set_up_are_not_shown(phone: Phone) -> None:
    page = await phone.browser.get(f"{phone.buy_path()}?d={await phone.visit()}")
    assert page.status_code == 200
    assert "/by/" not in page.text
    assert (await phone.browser.get(f"{phone.buy_path()}/by/airtel?d={await phone.visit()}")).status_code == 404


async def test_every_way_that_is_set_up_is_one_tap_away(with_ways: Phone) -> None:
    visit = await with_ways.visit()
    page = await with_ways.browser.get(f"{with_ways.buy_path()}?d={visit}")
    for way in ("airtel", "paystack"):
        assert f"/by/{way}" in page.text
        for language in ("en", "sw"):
            form = await with_ways.browser.get(f"{with_ways.buy_path()}/by/{way}?d={visit}&l={language}")
            assert form.status_code == 200
            assert len(gzip.compress(form.content)) <= MOST_BYTES
            assert "<script" not in form.text


async def test_a_way_that_is_hidden_is_not_offered(with_ways: Phone) -> None:
    await DB.fetch("UPDATE rail_accounts SET is_offered = false WHERE rail = 'airtel'")
    page = await with_ways.browser.get(f"{with_ways.buy_path()}?d={await with_ways.visit()}")
    assert "/by/airtel" not in page.text
    assert "/by/paystack" in page.text


async def test_an_airtel_number_at_mpesas_form_is_asked_about_and_not_refused(with_ways: Phone) -> None:
    form = {**await with_ways.form(), "phone": "0733123456"}
    asked = await with_ways.browser.post(with_ways.buy_path(), data=form)
    assert asked.status_code == 200
    assert "/by/airtel?" in asked.text
    assert await DB.value("SELECT count(*) FROM checkouts") == 0
    sure = await with_ways.browser.post(with_ways.buy_path(), data={**form, "sure": "yes"})
    assert sure.status_code == 303
    assert await DB.value("SELECT method FROM payments") == "stk"


@pytest.mark.parametrize(("way", "typed"), [("airtel", {"phone": "0733123456"}), ("paystack", {"email": ""})])
async def test_a_checkout_by_each_way_has_its_own_words(with_ways: Phone, way: str, typed: dict[str, str]) -> None:
    form = {**await with_ways.form(), **typed}
    begun = await with_ways.browser.post(f"{with_ways.buy_path()}/by/{way}", data=form)
    assert begun.status_code == 303
    for language in ("en", "sw"):
        page = await with_ways.browser.get(f"{begun.headers['location']}&l={language}")
        assert page.status_code == 200
        assert "PESA" not in page.text
        assert len(gzip.compress(page.content)) <= MOST_BYTES
    assert await DB.value("SELECT method FROM payments") == way


async def test_a_failed_card_says_why_and_leads_back_to_its_page(with_ways: Phone) -> None:
    form = await with_ways.form()
    begun = await with_ways.browser.post(f"{with_ways.buy_path()}/by/paystack", data={**form, "email": "a@example.com"})
    await DB.fetch(
        "UPDATE payments SET status = 'failed', result_code = 'declined', pay_url = 'https://checkout.paystack.com/x1'"
    )
    page = await with_ways.browser.get(begun.headers["location"])
    assert "refused the card" in page.text
    assert "https://checkout.paystack.com/x1" in page.text


@pytest.mark.parametrize(("way", "typed"), [("airtel", {"phone": "12"}), ("paystack", {"email": "not an address"})])
async def test_what_cannot_be_used_is_said_beside_its_field(with_ways: Phone, way: str, typed: dict[str, str]) -> None:
    form = {**await with_ways.form(), **typed}
    page = await with_ways.browser.post(f"{with_ways.buy_path()}/by/{way}", data=form)
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    assert await DB.value("SELECT count(*) FROM checkouts") == 0
