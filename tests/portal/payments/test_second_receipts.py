"""A second receipt for the same thing is never swallowed: more time, credit, or back to the payer, as the merchant chose."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal import checkouts, hand_payments, ledger, vouchers
from portal.clock import Clock
from portal.db import DB, atomic
from portal.states import E, move
from portal.vault import Vault
from tests.portal.payments.stall import Attempt, Stall, all_is_well, books, count, receipt, told


async def _both_paid(stall: Stall) -> tuple[Attempt, Attempt, str]:
    """Two prompts of one checkout, both approved; the second's outcome."""
    first = await stall.attempt()
    await stall.failed(first)
    second = await stall.second_push(first)
    assert await stall.stk(second, receipt()) == "sold"
    return first, second, await stall.stk(first, receipt())


async def _voucher() -> Any:
    row = await DB.row("SELECT *, (terms ->> 'duration_s')::int AS seconds FROM vouchers")
    assert row is not None
    return row


async def test_approving_both_prompts_adds_a_second_period(stall: Stall) -> None:
    """Case 12: the first provisions, the second extends."""
    _, _, settled = await _both_paid(stall)
    assert settled == "extended"
    assert await count("vouchers") == await count("access_grants") == 1
    assert (await _voucher())["seconds"] == 7200
    assert await DB.value("SELECT terms ->> 'duration_s' FROM access_grants") == "7200"
    assert await books() == {"mpesa_clearing": 2000, "merchant_payable": -1600, "commission": -400}
    assert await count("payments", "status = 'paid'") == 2


async def test_time_in_use_grows_at_its_end(stall: Stall) -> None:
    first = await stall.attempt()
    await stall.stk(first, receipt())
    voucher_id = (await _voucher())["id"]
    async with atomic() as tx:
        await vouchers.start(tx, voucher_id, at=stall.clock.now(), actor="test")
    ends: datetime = (await _voucher())["expires_at"]
    stall.clock.shift(timedelta(minutes=50))
    assert (await stall.hand(first.reference)).settled == "extended"
    assert (await _voucher())["expires_at"] == ends + timedelta(hours=1)


async def test_limits_grow_with_the_time(db: str, vault: Vault, clock: Clock) -> None:
    stall = await Stall.opened(vault, clock, uptime_s=1800, data_bytes=500)
    first = await stall.attempt()
    await stall.stk(first, receipt())
    await stall.hand(first.reference)
    terms = await DB.row("SELECT terms ->> 'uptime_s' AS up, terms ->> 'data_bytes' AS bytes FROM access_grants")
    assert terms is not None
    assert tuple(terms) == ("3600", "1000")


async def test_a_second_receipt_for_time_that_is_over_is_kept(stall: Stall) -> None:
    first = await stall.attempt()
    await stall.stk(first, receipt())
    await DB.fetch("UPDATE vouchers SET status = 'expired', ended_at = now(), ended_why = 'usage'")
    assert (await stall.hand(first.reference)).settled == "credited"
    assert (await books())["customer_credit"] == -1000
    assert ("money_kept", "254712345601") in await told()


async def test_a_second_receipt_that_is_too_small_is_kept(stall: Stall) -> None:
    first = await stall.attempt()
    await stall.stk(first, receipt())
    assert (await stall.hand(first.reference, 300)).settled == "credited"
    assert (await _voucher())["seconds"] == 3600


async def test_by_policy_a_second_receipt_is_credited(db: str, vault: Vault, clock: Clock) -> None:
    """Case 12 at a merchant who chose credit."""
    stall = await Stall.opened(vault, clock, policy="credit")
    _, _, settled = await _both_paid(stall)
    assert settled == "credited"
    assert (await _voucher())["seconds"] == 3600
    assert (await books())["customer_credit"] == -1000
    await all_is_well()


async def test_by_policy_a_second_receipt_goes_back(db: str, vault: Vault, clock: Clock) -> None:
    """Case 12 at a merchant who chose refund: queued, once."""
    stall = await Stall.opened(vault, clock, policy="refund")
    first, _, settled = await _both_paid(stall)
    assert settled == "refunding"
    assert await DB.value("SELECT status FROM payments WHERE id = $1", first.payment_id) == "refund_pending"
    row = await DB.row("SELECT status, amount_cents, payment_id FROM refunds")
    assert row is not None
    assert tuple(row) == ("wanted", 1000, first.payment_id)
    assert (await books())["refunds"] == -1000
    await all_is_well()


async def test_a_repeat_after_a_refund_stays_refunded(db: str, vault: Vault, clock: Clock) -> None:
    """Case 44: duplicate confirmation after a refund."""
    stall = await Stall.opened(vault, clock, policy="refund")
    first = await stall.attempt()
    await stall.stk(first, receipt())
    code = receipt()
    assert (await stall.hand(first.reference, code=code)).settled == "refunding"
    assert (await stall.hand(first.reference, code=code)).settled == "known"
    assert await stall.stk(first, code) == "known"
    assert await count("refunds") == 1
    assert (await books())["refunds"] == -1000
    await all_is_well()


async def test_a_second_receipt_of_one_attempt_is_a_payment_of_its_own(stall: Stall) -> None:
    attempt = await stall.attempt()
    codes = [receipt(), receipt(), receipt()]
    assert await stall.stk(attempt, codes[0]) == "sold"
    assert [await stall.stk(attempt, code) for code in codes[1:]] == ["extended"] * 2
    assert [await stall.stk(attempt, code) for code in codes] == ["known"] * 3
    rows = await DB.fetch("SELECT receipt, amount_cents, checkout_id FROM payments WHERE status = 'paid' ORDER BY id")
    assert [tuple(row) for row in rows] == [(code, 1000, attempt.checkout_id) for code in codes]


async def two_phones(stall: Stall) -> tuple[Attempt, Attempt]:
    """Two phones are asked for the same device."""
    first, second = await stall.attempt(phone="0712345601"), await stall.attempt(phone="0712345602")
    assert first.checkout_id != second.checkout_id
    return first, second


async def test_two_phones_that_pay_for_one_device_are_both_recorded_and_the_second_adds_time(stall: Stall) -> None:
    """Case 13: by the default policy the second lengthens what the first bought."""
    first, second = await two_phones(stall)
    one, two = receipt(), receipt()
    assert await stall.stk(first, one) == "sold"
    before = await DB.value("SELECT terms FROM vouchers")
    assert await stall.stk(second, two) == "extended"
    assert await stall.stk(second, two) == "known"
    assert await count("vouchers", "status = 'paid'") == 1
    assert await DB.value("SELECT terms FROM vouchers") != before
    rows = await DB.fetch("SELECT receipt, status, phone FROM payments ORDER BY id")
    assert [tuple(row) for row in rows] == [(one, "paid", "254712345601"), (two, "paid", "254712345602")]
    assert (await books())["mpesa_clearing"] == 2000


@pytest.mark.parametrize(("policy", "expected"), [("credit", "credited"), ("refund", "refunding")])
async def test_the_second_phones_money_is_kept_or_goes_back_where_the_shop_wants_that(
    stall: Stall, policy: str, expected: str
) -> None:
    """Case 13, the other policies."""
    await DB.fetch("UPDATE merchants SET second_receipt = $1", policy)
    first, second = await two_phones(stall)
    assert await stall.stk(first, receipt()) == "sold"
    assert await stall.stk(second, receipt()) == expected
    assert await count("vouchers", "status = 'paid'") == 1


async def test_two_phones_that_pay_at_the_same_moment_do_not_burn_time_side_by_side(stall: Stall) -> None:
    """Case 13, settled by two workers at once."""
    attempts = await two_phones(stall)
    settled = await asyncio.gather(*(stall.stk(attempt, receipt()) for attempt in attempts))
    assert sorted(settled) == ["extended", "sold"]


async def test_the_second_phones_page_is_online_without_the_first_ones_code(stall: Stall) -> None:
    """Case 13: whoever copies a device's address and pays gets no code of somebody else's."""
    first, second = await two_phones(stall)
    await stall.stk(first, receipt())
    await stall.stk(second, receipt())
    now = stall.clock.now()
    theirs = await checkouts.look(first.token, vault=stall.vault, now=now)
    page = await checkouts.look(second.token, vault=stall.vault, now=now)
    assert page.state is theirs.state is checkouts.CheckoutState.CONNECTING
    assert theirs.code is not None
    assert page.code is None
    assert await hand_payments.of_checkout(second.token) is None, "nothing is left to be paid"


async def test_a_device_that_had_bought_before_buys_another_one(stall: Stall) -> None:
    """No case 13: the second attempt began when the first was paid."""
    first = await stall.attempt(phone="0712345601")
    assert await stall.stk(first, receipt()) == "sold"
    stall.clock.shift(timedelta(seconds=5))
    second = await stall.attempt(phone="0712345601")
    assert await stall.stk(second, receipt()) == "sold"
    assert await count("vouchers", "status = 'paid'") == 2


async def test_one_number_that_pays_for_two_devices_gets_two(stall: Stall) -> None:
    """Case 14: no cross-wiring."""
    first = await stall.attempt(phone="0712345601", mac="02:11:22:33:44:01")
    second = await stall.attempt(phone="0712345601", mac="02:11:22:33:44:02")
    await stall.stk(second, receipt())
    await stall.stk(first, receipt())
    rows = await DB.fetch(
        """SELECT c.id, g.mac FROM checkouts c JOIN access_grants g ON g.voucher_id = c.voucher_id ORDER BY c.id"""
    )
    assert [tuple(row) for row in rows] == [
        (first.checkout_id, "02:11:22:33:44:01"),
        (second.checkout_id, "02:11:22:33:44:02"),
    ]


@pytest.mark.parametrize("policy", ["extend", "credit", "refund"])
async def test_a_second_receipt_known_only_by_query_is_not_lost(
    db: str, vault: Vault, clock: Clock, policy: str
) -> None:
    """No receipt yet, so nothing to send back: kept, and the receipt is attached when it comes."""
    stall = await Stall.opened(vault, clock, policy=policy)
    first = await stall.attempt()
    await stall.failed(first)
    second = await stall.second_push(first)
    await stall.stk(second, receipt())
    assert await stall.stk(first, None) == ("extended" if policy == "extend" else "credited")
    assert await stall.stk(first, receipt()) == "receipt_added"
    assert (await books())["mpesa_clearing"] == 2000
    await all_is_well()


async def _taken_back(stall: Stall, *, is_ended: bool) -> Attempt:
    """Delivered on trust, denied by M-Pesa: the sale is reversed, and access ended where the merchant wants it so."""
    attempt = await stall.attempt()
    await stall.stk(attempt, None)
    async with atomic() as tx:
        sale = await tx.value("SELECT id FROM ledger_postings WHERE kind = 'sale'")
        await ledger.reverse(tx, sale, why="denied", now=stall.clock.now())
        if is_ended:
            voucher_id = await tx.value("SELECT id FROM vouchers")
            now = stall.clock.now()
            await move(tx, "vouchers", voucher_id, E.REVOKE, at=now, ended_at=now, ended_why="revoked")
    assert await books() == {}
    return attempt


async def test_money_that_was_denied_and_comes_after_all_is_booked_as_the_sale_it_was(stall: Stall) -> None:
    attempt, code = await _taken_back(stall, is_ended=False), receipt()
    assert await stall.stk(attempt, code) == "receipt_added"
    assert await stall.stk(attempt, code) == "known"
    assert await books() == {"mpesa_clearing": 1000, "merchant_payable": -800, "commission": -200}
    assert (await _voucher())["seconds"] == 3600, "the time was delivered before"


async def test_money_that_comes_after_its_access_was_ended_is_kept_for_the_payer(stall: Stall) -> None:
    attempt = await _taken_back(stall, is_ended=True)
    assert await stall.stk(attempt, receipt()) == "credited"
    assert await books() == {"mpesa_clearing": 1000, "customer_credit": -1000}
