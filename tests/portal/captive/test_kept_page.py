"""The page for buying with kept money: offered where anything is kept at all, and silent about whose and how much."""

import httpx
import pytest

from portal.clock import Clock
from portal.db import DB, atomic
from portal.ledger import Account, Entry, Kind, book
from tests.portal.captive.conftest import Phone, hidden_fields

NUMBER, OWNER = "0712 345 678", "254712345678"


async def keep(phone: Phone, cents: int, *, clock: Clock, number: str = OWNER) -> None:
    """A decision gave the number credit here; its code of an earlier payment is UKK41H7QZD."""
    merchant_id = phone.shop.router.merchant_id
    async with atomic() as tx:
        credit_id = await tx.value(
            "INSERT INTO credits (merchant_id, holder) VALUES ($1, $2) RETURNING id", merchant_id, f"phone:{number}"
        )
        await book(
            tx, Kind.RESOLUTION, [Entry(Account.MERCHANT_PAYABLE, cents), Entry(Account.CUSTOMER_CREDIT, -cents, credit_id)],
            merchant_id=merchant_id, payment_id=None, receipt=None, currency="KES", now=clock.now(),
        )  # fmt: skip
        await tx.execute(
            """INSERT INTO receipts (merchant_id, rail, receipt, amount_cents, phone, roads, created_at)
               VALUES ($1, 'mpesa', 'UKK41H7QZD', 100, $2, 'before', $3)""",
            merchant_id,
            number,
            clock.now(),
        )


async def form(phone: Phone) -> httpx.Response:
    return await phone.browser.get(f"{phone.buy_path()}/kept", params={"d": await phone.visit()})


async def post(at: Phone, /, **typed: str) -> httpx.Response:
    hidden = hidden_fields((await form(at)).text)
    return await at.browser.post(f"{at.buy_path()}/kept", data={**hidden, "phone": NUMBER, "receipt": "", **typed})


async def test_it_is_offered_only_where_money_was_ever_kept(phone: Phone, clock: Clock) -> None:
    page = await phone.browser.get(phone.buy_path(), params={"d": await phone.visit()})
    assert "Use kept money" not in page.text
    await keep(phone, 2000, clock=clock)
    page = await phone.browser.get(phone.buy_path(), params={"d": await phone.visit()})
    assert "Use kept money" in page.text


@pytest.mark.parametrize("kept", [2000, 0])
async def test_the_page_after_it_never_tells_how_much_is_kept(phone: Phone, clock: Clock, kept: int) -> None:
    if kept:
        await keep(phone, kept, clock=clock)
    sent = await post(phone)
    assert sent.status_code == 303
    page = await phone.browser.get(sent.headers["location"])
    assert "what is left to pay" in page.text
    assert "KES" not in page.text
    assert (await DB.value("SELECT credit_cents FROM payments")) == kept


async def test_a_code_of_the_number_connects_at_once(phone: Phone, clock: Clock) -> None:
    await keep(phone, 5000, clock=clock)
    sent = await post(phone, receipt="ukk41h7qzd")
    page = await phone.browser.get(sent.headers["location"])
    assert "Connecting" in page.text or "connect" in page.text
    assert "CREDIT-" not in page.text
    assert await DB.value("SELECT count(*) FROM vouchers WHERE status = 'paid'") == 1


async def test_a_wrong_code_and_no_number_are_answered_in_the_form(phone: Phone, clock: Clock) -> None:
    await keep(phone, 5000, clock=clock)
    wrong = await post(phone, receipt="UKK41H7QZE")
    assert wrong.status_code == 422
    assert "do not open anything here" in wrong.text
    nobody = await post(phone, phone="x")
    assert nobody.status_code == 422
    assert "Enter a Safaricom number" in nobody.text


async def test_a_forged_visit_buys_nothing(phone: Phone) -> None:
    sent = await phone.browser.post(
        f"{phone.buy_path()}/kept", data={"d": "forged", "phone": NUMBER, "form_key": "a" * 32}
    )
    assert sent.status_code == 400
    assert await DB.value("SELECT count(*) FROM checkouts") == 0


async def test_another_merchants_package_is_not_there(phone: Phone) -> None:
    page = await phone.browser.get(f"{phone.shop.path}/buy/999999/kept", params={"d": await phone.visit()})
    assert page.status_code == 404
