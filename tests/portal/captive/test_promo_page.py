"""The page for a promo code: the price is shown before it is asked for, what was typed stays, and nothing needs script."""

import gzip
from datetime import timedelta

import httpx
import pytest

from portal.clock import Clock
from portal.db import DB
from portal.promos.redeeming import TRIES_PER_DEVICE
from tests.portal.captive.conftest import Phone, Shop, hidden_fields

NBSP = "\u00a0"


async def promo(shop: Shop, clock: Clock, **columns: object) -> int:
    values: dict[str, object] = {
        "merchant_id": shop.router.merchant_id, "code": "KARIBU20", "kind": "percent", "percent": 20,
        "starts_at": clock.now() - timedelta(days=1), "package_ids": [], "most_per_customer": 1,
    } | columns  # fmt: skip
    names = ", ".join(values)
    marks = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    return await DB.value(f"INSERT INTO promos ({names}) VALUES ({marks}) RETURNING id", *values.values())


async def used(phone: Phone, typed: str = "karibu 20", /, **fields: str) -> httpx.Response:
    """Send the code from the page for it."""
    path = f"{phone.buy_path()}/promo"
    page = await phone.browser.get(path, params={"d": await phone.visit()})
    return await phone.browser.post(path, data={**hidden_fields(page.text), "promo": typed, **fields})


async def test_the_link_is_there_only_while_a_promo_runs(phone: Phone, shop: Shop, clock: Clock) -> None:
    async def is_offered() -> bool:
        return "/promo?" in (await phone.browser.get(phone.buy_path(), params={"d": await phone.visit()})).text

    assert not await is_offered()
    await promo(shop, clock)
    assert await is_offered()
    clock.shift(timedelta(seconds=1))
    await DB.fetch("UPDATE promos SET ends_at = $1", clock.now())
    assert not await is_offered()


async def test_where_money_is_kept_the_page_says_that_a_code_does_not_spend_it(
    phone: Phone, shop: Shop, clock: Clock
) -> None:
    await promo(shop, clock)
    assert "Your money stays kept" not in (await used(phone)).text
    await DB.fetch(
        "INSERT INTO credits (merchant_id, holder) VALUES ($1, 'phone:254711000111')", shop.router.merchant_id
    )
    assert "Your money stays kept" in (await used(phone)).text
    await DB.fetch("UPDATE promos SET percent = 100, most_uses = 1")
    assert "Your money stays kept" not in (await used(phone)).text, "where nothing is paid nothing is missed"


async def test_the_price_is_shown_first_and_then_asked_for(phone: Phone, shop: Shop, clock: Clock) -> None:
    await promo(shop, clock)
    shown = await used(phone)
    assert shown.status_code == 200
    assert f"Pay KES{NBSP}40" in shown.text
    assert f"KES{NBSP}50" in shown.text, "what it costs without"
    assert await DB.value("SELECT count(*) FROM checkouts") == 0
    begun = await phone.browser.post(
        f"{phone.buy_path()}/promo", data={**hidden_fields(shown.text), "phone": "0712345678", "way": "mpesa"}
    )
    assert begun.status_code == 303
    assert await DB.value("SELECT amount_cents FROM payments") == 4000
    waiting = await phone.browser.get(begun.headers["location"])
    assert f"KES{NBSP}40" in waiting.text
    assert f"KES{NBSP}50" not in waiting.text


async def test_a_price_that_changed_meanwhile_is_shown_again(phone: Phone, shop: Shop, clock: Clock) -> None:
    await promo(shop, clock)
    shown = await used(phone)
    await DB.fetch("UPDATE promos SET percent = 10")
    again = await phone.browser.post(
        f"{phone.buy_path()}/promo", data={**hidden_fields(shown.text), "phone": "0712345678"}
    )
    assert again.status_code == 200
    assert f"Pay KES{NBSP}45" in again.text
    assert await DB.value("SELECT count(*) FROM checkouts") == 0


async def test_a_forged_price_buys_nothing_cheaper(phone: Phone, shop: Shop, clock: Clock) -> None:
    await promo(shop, clock)
    for price in ("1", "0", "-4000", "4000.0", "x"):
        answer = await used(phone, price=price, phone="0712345678")
        assert answer.status_code == 200
        assert f"Pay KES{NBSP}40" in answer.text
    assert await DB.value("SELECT count(*) FROM checkouts") == 0


async def test_a_wrong_code_keeps_what_was_typed(phone: Phone, shop: Shop, clock: Clock) -> None:
    await promo(shop, clock)
    answer = await used(phone, '"><b>nope', phone="0712 345 678")
    assert answer.status_code == 422
    assert "This promo code does not work" in answer.text
    assert 'value="&#34;&gt;&lt;b&gt;nope"' in answer.text
    assert 'value="0712 345 678"' in answer.text
    assert "aria-invalid" in answer.text


async def test_a_wrong_number_keeps_the_code_and_its_price(phone: Phone, shop: Shop, clock: Clock) -> None:
    await promo(shop, clock)
    shown = await used(phone)
    answer = await phone.browser.post(f"{phone.buy_path()}/promo", data={**hidden_fields(shown.text), "phone": "12"})
    assert answer.status_code == 422
    assert f"Pay KES{NBSP}40" in answer.text
    assert 'value="12"' in answer.text


async def test_free_is_one_tap_and_needs_no_number(phone: Phone, shop: Shop, clock: Clock) -> None:
    await promo(shop, clock, code="GIFT100", percent=100, most_uses=5)
    shown = await used(phone, "gift100")
    assert "Get it free" in shown.text
    assert 'type="tel"' not in shown.text
    begun = await phone.browser.post(f"{phone.buy_path()}/promo", data=hidden_fields(shown.text))
    page = await phone.browser.get(begun.headers["location"])
    assert page.status_code == 200
    assert "We are connecting you" in page.text
    assert "You have paid" not in page.text
    assert await DB.value("SELECT count(*) FROM payments") == 0
    assert await DB.value("SELECT count(*) FROM access_grants") == 1


async def test_trying_again_after_a_failure_keeps_the_promo(phone: Phone, shop: Shop, clock: Clock) -> None:
    await promo(shop, clock)
    shown = await used(phone)
    begun = await phone.browser.post(
        f"{phone.buy_path()}/promo", data={**hidden_fields(shown.text), "phone": "0712345678"}
    )
    await DB.fetch("UPDATE payments SET status = 'failed', result_code = '1032'")
    clock.shift(timedelta(minutes=3))
    failed = await phone.browser.get(begun.headers["location"])
    assert f'action="{phone.buy_path()}"' not in failed.text, "not at the full price"
    link = failed.text.split("/promo?", 1)[1].split('"', 1)[0].replace("&amp;", "&")
    again = await phone.browser.get(f"{phone.buy_path()}/promo?{link}")
    assert f"Pay KES{NBSP}40" in again.text


async def test_guessers_are_told_to_wait_in_the_form(phone: Phone, shop: Shop, clock: Clock) -> None:
    await promo(shop, clock)
    for n in range(TRIES_PER_DEVICE[0]):
        assert (await used(phone, f"guess{n}")).status_code == 422
    answer = await used(phone, "karibu20")
    assert answer.status_code == 429
    assert "Too many promo codes were tried" in answer.text
    assert 'value="karibu20"' in answer.text


@pytest.mark.parametrize("code", ["en", "sw"])
async def test_the_pages_fit_in_six_kilobytes(phone: Phone, shop: Shop, clock: Clock, code: str) -> None:
    await promo(shop, clock)
    await DB.fetch("INSERT INTO reminder_choices (merchant_id, win_back) VALUES ($1, true)", shop.router.merchant_id)
    path, visit = f"{phone.buy_path()}", await phone.visit(link_orig="https://news.example.co.ke/" + "a1b2" * 100)
    for address in (path, f"{path}/promo", f"{path}/promo?code=karibu20", f"{path}/promo?code=wrong"):
        page = await phone.browser.get(f"{address}{'&' if '?' in address else '?'}l={code}&d={visit}")
        assert page.status_code in (200, 422), address
        assert len(gzip.compress(page.content, 9)) <= 6 * 1024, address
        assert "onclick" not in page.text


async def test_the_box_for_offers_is_kept_with_the_purchase(phone: Phone, shop: Shop, clock: Clock) -> None:
    await promo(shop, clock)
    bare = await phone.browser.get(phone.buy_path(), params={"d": await phone.visit()})
    assert 'name="offers"' not in bare.text, "nobody is asked where nothing would be sent"
    await DB.fetch("INSERT INTO reminder_choices (merchant_id, win_back) VALUES ($1, true)", shop.router.merchant_id)
    asked = await phone.browser.get(phone.buy_path(), params={"d": await phone.visit()})
    assert 'name="offers"' in asked.text
    await phone.buy(offers="1")
    await DB.fetch("UPDATE payments SET status = 'failed'")
    shown = await used(phone)
    await phone.browser.post(
        f"{phone.buy_path()}/promo", data={**hidden_fields(shown.text), "phone": "0722345678", "offers": "1"}
    )
    assert await DB.value("SELECT count(*) FROM checkouts WHERE wants_offers") == 2
