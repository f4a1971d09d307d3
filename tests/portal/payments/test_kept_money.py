"""Money kept for a number buys again: for its owner, who proves to be it by PIN or by the code of a payment, and for nobody else."""

import asyncio

import pytest

from portal import codes, credit_purchases, customer_credits
from portal.db import DB, atomic
from portal.devices import hint
from portal.errors import Invalid, TooMany
from portal.ledger import Account, Entry, Kind, book
from portal.payments import push
from portal.payments.kept import share
from tests.portal.payments.stall import Attempt, Stall, books, count, receipt, told

PHONE, LOCAL = "254712000001", "0712 000 001"


async def keep(stall: Stall, cents: int, *, code: str | None = None) -> str:
    """The number pays too much for something, so that this much is kept for it; the receipt of it."""
    code = code or receipt()
    attempt = await stall.attempt(phone=LOCAL, mac="02:00:00:00:00:99")
    assert await stall.stk(attempt, code, cents=1000 + cents) == "sold"
    return code


async def kept() -> int:
    """What is kept for the number now."""
    async with atomic() as tx:
        merchant_id = await tx.value("SELECT id FROM merchants ORDER BY id LIMIT 1")
        there = await customer_credits.found_for(tx, merchant_id, customer_credits.of_phone(PHONE))
        return there.cents if there else 0


async def asked(attempt: Attempt) -> int:
    """What the request to the phone asks for."""
    return await DB.value("SELECT amount_cents - credit_cents FROM payments WHERE id = $1", attempt.payment_id)


async def by_code(
    stall: Stall, pasted: str, *, phone: str = LOCAL, form_key: str = "", mac: str = "02:aa:aa:aa:aa:aa"
) -> str:
    return await credit_purchases.buy(
        stall.router, stall.package_id, phone=phone, pasted=pasted, device=hint(mac, "10.5.50.9"),
        form_key=form_key or codes.hex_token(16), language="en", vault=stall.vault, now=stall.clock.now(),
    )  # fmt: skip


async def voucher_of(token: str) -> int | None:
    return await DB.value("SELECT voucher_id FROM checkouts WHERE token = $1", token)


@pytest.mark.parametrize(
    ("there", "price", "counts"),
    [(400, 1000, 400), (450, 1000, 400), (1000, 1000, 900), (9000, 1000, 900), (0, 1000, 0), (500, 100, 0)],
)
def test_one_shilling_at_least_is_left_to_be_paid(there: int, price: int, counts: int) -> None:
    assert share(there, price_cents=price) == counts


async def test_the_pin_for_the_rest_spends_what_is_kept(stall: Stall) -> None:
    await keep(stall, 400)
    attempt = await stall.attempt(phone=LOCAL, uses_kept=True)
    assert await asked(attempt) == 600
    assert await kept() == 400, "a request proves nothing"
    assert await stall.stk(attempt, receipt(), cents=600) == "sold"
    assert await kept() == 0
    assert await count("vouchers", "status = 'paid'") == 2
    assert await DB.value("SELECT received_cents FROM payments WHERE id = $1", attempt.payment_id) == 1000
    assert (await books())["mpesa_clearing"] == 2000


async def test_the_request_asks_the_phone_for_the_rest_only(stall: Stall) -> None:
    await keep(stall, 400)
    attempt = await stall.attempt(phone=LOCAL, uses_kept=True)
    await DB.fetch("UPDATE payments SET status = 'created' WHERE id = $1", attempt.payment_id)
    sent: list[int] = []

    class Door:
        async def ensure_token(self) -> None: ...

        async def push(self, *, amount_cents: int, **_: object) -> None:
            sent.append(amount_cents)
            raise AssertionError("asked")

    class Doors:
        def callback_url(self, token: str) -> str:
            return token

        async def for_account(self, account_id: int) -> Door:
            return Door()

    with pytest.raises(AssertionError, match="asked"):
        await push(attempt.payment_id, Doors(), now=stall.clock.now())  # pyright: ignore[reportArgumentType]
    assert sent == [600]


async def test_a_query_without_an_amount_speaks_of_the_rest(stall: Stall) -> None:
    await keep(stall, 400)
    attempt = await stall.attempt(phone=LOCAL, uses_kept=True)
    assert await stall.stk(attempt, None) == "sold"
    assert (await books())["mpesa_clearing"] == 2000
    assert await stall.stk(attempt, receipt(), cents=600) == "receipt_added"


async def test_a_strangers_request_spends_nothing_however_it_ends(stall: Stall) -> None:
    await keep(stall, 400)
    attempt = await stall.attempt(phone=LOCAL, uses_kept=True)
    assert await stall.failed(attempt, "1032") == "failed"
    assert await kept() == 400


async def test_a_strangers_hand_cannot_pay_the_rest_for_the_number(stall: Stall) -> None:
    await keep(stall, 400)
    attempt = await stall.attempt(phone=LOCAL, uses_kept=True)
    taken = await stall.hand(attempt.reference, 600, phone="254799999999")
    assert taken.settled == "underpaid"
    masked = await stall.hand(attempt.reference, 100, payer_hint="2547 ***** 001")
    assert masked.settled == "underpaid"
    assert await kept() == 400


@pytest.mark.parametrize("speaks_of_it", ["callback", "query"])
async def test_a_confirmation_that_came_first_is_completed_by_the_prompts_own_word(
    stall: Stall, speaks_of_it: str
) -> None:
    """M-Pesa tells a push's money by C2B too, sometimes first and with the payer masked: one money, one sale."""
    await keep(stall, 400)
    attempt, code = await stall.attempt(phone=LOCAL, uses_kept=True), receipt()
    assert (await stall.hand(attempt.reference, 600, code, payer_hint="2547 ***** 001")).settled == "underpaid"
    assert await kept() == 400
    assert await stall.stk(attempt, code if speaks_of_it == "callback" else None, cents=600) == "sold"
    assert await kept() == 0
    assert await stall.stk(attempt, code, cents=600) == "known"
    assert (await books())["mpesa_clearing"] == 2000


async def test_what_was_spent_meanwhile_is_asked_for_not_lent(stall: Stall) -> None:
    await keep(stall, 400)
    first = await stall.attempt(phone=LOCAL, uses_kept=True)
    second = await stall.attempt(phone=LOCAL, uses_kept=True, mac="02:00:00:00:00:77")
    assert await stall.stk(first, receipt(), cents=600) == "sold"
    assert await stall.stk(second, receipt(), cents=600) == "underpaid"
    assert await voucher_of(second.token) is None
    assert (await stall.hand(second.reference, 400)).settled == "sold"


async def test_a_number_nothing_is_kept_for_is_asked_for_everything(stall: Stall) -> None:
    attempt = await stall.attempt(phone="0712000002", uses_kept=True)
    assert await asked(attempt) == 1000
    assert await stall.stk(attempt, receipt()) == "sold"


async def test_the_code_of_an_own_payment_spends_without_a_request(stall: Stall) -> None:
    code = await keep(stall, 1200)
    token = await by_code(stall, code)
    assert await voucher_of(token) is not None
    assert await kept() == 200
    assert await count("payments", "method = 'credit' AND status = 'paid' AND receipt LIKE 'CREDIT-%'") == 1
    assert ("credit_used", PHONE) in await told()
    assert await count("access_grants", "mac = '02:AA:AA:AA:AA:AA' AND status = 'wanted'") == 1


async def test_the_same_form_twice_spends_once(stall: Stall) -> None:
    code, key = await keep(stall, 2500), codes.hex_token(16)
    first, second = await asyncio.gather(by_code(stall, code, form_key=key), by_code(stall, code, form_key=key))
    assert first == second
    assert await kept() == 1500


async def test_two_at_once_cannot_spend_the_same_money(stall: Stall) -> None:
    code = await keep(stall, 1200)
    tokens = await asyncio.gather(by_code(stall, code), by_code(stall, code, mac="02:bb:bb:bb:bb:bb"))
    sold = [token for token in tokens if await voucher_of(token) is not None]
    assert len(sold) == 1
    assert await kept() == 200


async def test_a_proved_number_with_too_little_is_asked_for_the_rest(stall: Stall) -> None:
    code = await keep(stall, 300)
    token = await by_code(stall, code)
    row = await DB.row("SELECT p.* FROM payments p JOIN checkouts c ON c.id = p.checkout_id WHERE c.token = $1", token)
    assert row is not None
    assert (row["method"], row["amount_cents"], row["credit_cents"]) == ("stk", 1000, 300)


@pytest.mark.parametrize("whose", ["nobody's", "another number's", "another merchant's", "masked", "old"])
async def test_another_code_opens_nothing_and_says_the_same(stall: Stall, whose: str) -> None:
    code = await keep(stall, 1200)
    phone = LOCAL
    if whose == "nobody's":
        code = receipt()
    elif whose == "another number's":
        phone = "0712000002"
    elif whose == "another merchant's":
        other = await Stall.opened(stall.vault, stall.clock, account_id=stall.account_id)
        await DB.fetch("UPDATE receipts SET merchant_id = $1", other.merchant_id)
    elif whose == "masked":
        await DB.fetch("UPDATE receipts SET phone = NULL, payer_hint = '2547 ***** 001'")
    else:
        await DB.fetch("UPDATE receipts SET created_at = $1", stall.clock.now() - credit_purchases.PROVES_FOR)
    with pytest.raises(Invalid) as said:
        await by_code(stall, code, phone=phone)
    assert said.value.fields == {"receipt": credit_purchases.NOT_PROVED}
    assert await count("payments", "method = 'credit'") == 0


async def test_codes_for_one_number_are_counted_wherever_they_are_tried(stall: Stall) -> None:
    for number in range(credit_purchases.TRIES_PER_NUMBER[0]):
        with pytest.raises(Invalid):
            await by_code(stall, receipt(), mac=f"02:00:00:00:01:{number:02}")
    with pytest.raises(TooMany):
        await by_code(stall, receipt(), mac="02:00:00:00:02:00")


async def test_a_decided_credit_needs_the_pin(stall: Stall) -> None:
    """Credit a person gave to a number that never paid here has no code: the request of a shilling proves the number."""
    async with atomic() as tx:
        credit = await customer_credits.opened(
            tx, stall.merchant_id, customer_credits.of_phone(PHONE), now=stall.clock.now()
        )
        await book(
            tx, Kind.RESOLUTION, [Entry(Account.MERCHANT_PAYABLE, 5000), Entry(Account.CUSTOMER_CREDIT, -5000, credit.id)],
            merchant_id=stall.merchant_id, payment_id=None, receipt=None, currency="KES", now=stall.clock.now(),
        )  # fmt: skip
    attempt = await stall.attempt(phone=LOCAL, uses_kept=True)
    assert await asked(attempt) == 100
    assert await stall.stk(attempt, receipt(), cents=100) == "sold"
    assert await kept() == 4100
