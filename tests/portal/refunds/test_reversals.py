"""Giving M-Pesa payments back by reversal: once, whatever is lost on the way (cases 44, 45 and 52 of the payment core)."""

import pytest

from portal import refunds
from portal.db import DB, atomic
from portal.errors import Conflict, Invalid
from portal.payments import Settled
from portal.refunds import Road, Scope
from portal.refunds.asking import OTHER_PHONE
from portal.vouchers import start
from tests.portal.refunds.till import PAYER, Till, books, wish


async def test_a_payment_goes_back_whole_and_its_voucher_with_it(till: Till) -> None:
    attempt, receipt = await till.sale(cents=10_000)
    refund = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    assert await till.voucher_of(attempt.payment_id) == "revoked"
    assert await till.status("payments", attempt.payment_id) == "refund_pending"
    assert await books() == {"mpesa_clearing": 10_000, "refunds": -10_000}
    await till.turn(2)
    assert await till.status("refunds", refund) == "done"
    assert await till.status("payments", attempt.payment_id) == "refunded"
    assert await books() == {}
    [row] = till.out("reversal")
    assert row.amount_cents == -10_000
    assert await DB.value("SELECT receipt_back FROM refunds") == row.receipt != receipt


async def test_a_duplicate_confirmation_after_a_refund_changes_nothing(till: Till) -> None:
    """Case 44."""
    attempt, receipt = await till.sale(cents=10_000)
    await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(2)
    assert await till.stall.stk(attempt, receipt, cents=10_000) is Settled.KNOWN
    taken = await till.stall.hand(attempt.reference, 10_000, receipt)
    assert taken.settled is Settled.KNOWN
    assert await till.status("payments", attempt.payment_id) == "refunded"
    assert await till.voucher_of(attempt.payment_id) == "revoked"
    assert await books() == {}


async def test_the_same_money_cannot_be_given_back_twice(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    for road in (Road.REVERSAL, Road.B2C, Road.CREDIT, Road.CASH):
        with pytest.raises(Conflict):
            await refunds.request(till.owner, attempt.payment_id, wish(road), now=till.clock.now())
    await till.turn(2)
    with pytest.raises(Conflict):
        await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    assert len(till.out("reversal")) == 1


async def test_a_reversal_whose_result_is_lost_is_found_by_asking(till: Till) -> None:
    """Case 45."""
    attempt, _ = await till.sale(cents=10_000)
    till.world.turn(callback_lost=True)
    refund = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(1)
    assert await till.status("refunds", refund) == "sending"
    till.world.turn(callback_lost=False)
    await till.turn(5)
    assert await till.status("refunds", refund) == "done"
    assert len(till.out("reversal")) == 1
    assert await DB.value("SELECT tries FROM transfers") == 1, "it was asked for, not sent again"


@pytest.mark.parametrize("executes", [True, False])
async def test_a_reversal_that_timed_out_in_the_queue_happens_once(till: Till, executes: bool) -> None:
    """Case 45: M-Pesa says only that it took too long; whether it was done is asked, and done now if it was not."""
    attempt, _ = await till.sale(cents=10_000)
    till.world.turn(result_road="timeout", queue_timeout_executes=executes)
    refund = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(1)
    assert await till.status("refunds", refund) == "unknown"
    assert await till.status("payments", attempt.payment_id) == "refund_pending"
    till.world.turn(result_road="result")
    await till.turn(6)
    assert await till.status("refunds", refund) == "done"
    assert len(till.out("reversal")) == 1


@pytest.mark.parametrize("fault", ["reset", "truncated", "html_503", "internal", "empty"])
async def test_a_reversal_whose_answer_is_lost_happens_once(till: Till, fault: str) -> None:
    """Case 45: no id of M-Pesa's to ask by. The receipt is asked about, and M-Pesa itself refuses to take it back twice."""
    attempt, _ = await till.sale(cents=10_000)
    till.world.turn(command_fault=fault, callback_lost=True)
    refund = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(1)
    assert await till.status("refunds", refund) == "unknown"
    till.world.turn(command_fault="none", callback_lost=False)
    await till.turn(8, minutes=5)
    assert await till.status("refunds", refund) == "done"
    assert len(till.out("reversal")) == 1
    assert await books() == {}


async def test_a_payment_reversed_in_the_portal_is_done_after_a_look(till: Till) -> None:
    """Case 45: R000001. The merchant took it back by hand before; the payer has the money, once."""
    first, receipt = await till.sale(cents=10_000)
    till.world.reversed_receipts.add(receipt)
    refund = await refunds.request(till.owner, first.payment_id, wish(), now=till.clock.now())
    await till.turn(1)
    assert await till.status("refunds", refund) == "unknown", "not believed before M-Pesa was asked"
    await till.turn(3)
    assert await till.status("refunds", refund) == "done"
    assert till.out("reversal") == []


async def test_too_little_on_the_account_says_so_and_a_second_try_succeeds(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    shop = next(iter(till.world.shortcodes.values()))
    there, shop.balance_cents = shop.balance_cents, 0
    refund = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(2)
    page = await refunds.page_of(till.owner, refund)
    assert page.row.status == "failed"
    assert "balance" in page.last_error or "money" in page.last_error
    assert await books() == {"mpesa_clearing": 10_000, "refunds": -10_000}
    shop.balance_cents = there
    await refunds.retry(till.owner, refund, now=till.clock.now())
    await till.turn(2)
    assert await till.status("refunds", refund) == "done"
    assert await books() == {}


async def test_a_refund_that_failed_is_sent_to_another_number_only_by_the_owner(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    shop = next(iter(till.world.shortcodes.values()))
    there, shop.balance_cents = shop.balance_cents, 0
    refund = await refunds.request(till.manager, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(2)
    assert await till.status("refunds", refund) == "failed"
    shop.balance_cents = there
    for road in ("b2c", "credit"):
        with pytest.raises(Invalid) as said:
            await refunds.retry(till.manager, refund, now=till.clock.now(), road=road, phone="254711000222")
        assert said.value.fields == {"phone": OTHER_PHONE}
    await refunds.retry(till.manager, refund, now=till.clock.now(), road="b2c", phone=PAYER)
    await till.turn(2)
    assert await till.status("refunds", refund) == "done"


async def test_a_wrong_password_of_the_api_user_fails_and_says_what_to_do(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    shop = next(iter(till.world.shortcodes.values()))
    for initiator in shop.initiators.values():
        initiator.password = "another"
    refund = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(2)
    page = await refunds.page_of(till.owner, refund)
    assert page.row.status == "failed"
    assert "API user" in page.last_error


async def test_a_busy_mpesa_is_tried_again_by_itself(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    till.world.turn(command_fault="busy")
    refund = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(2)
    assert await till.status("refunds", refund) == "sending"
    till.world.turn(command_fault="none")
    await till.turn(4, minutes=5)
    assert await till.status("refunds", refund) == "done"
    assert len(till.out("reversal")) == 1


async def test_a_voucher_that_was_used_is_not_refunded_unless_its_use_may_end(till: Till) -> None:
    """Case 52, the login first."""
    attempt, _ = await till.sale(cents=10_000)
    voucher = await DB.value("SELECT voucher_id FROM payments WHERE id = $1", attempt.payment_id)
    async with atomic() as tx:
        assert await start(tx, voucher, at=till.clock.now(), actor="test")
    with pytest.raises(Conflict, match="been online"):
        await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    assert await till.status("payments", attempt.payment_id) == "paid"
    await refunds.request(till.owner, attempt.payment_id, wish(ends_use=True), now=till.clock.now())
    assert await till.voucher_of(attempt.payment_id) == "revoked"
    assert await DB.value("SELECT count(*) FROM access_grants WHERE status IN ('wanted', 'present')") == 0


async def test_a_refunded_voucher_lets_nobody_in(till: Till) -> None:
    """Case 52, the refund first."""
    attempt, _ = await till.sale(cents=10_000)
    voucher = await DB.value("SELECT voucher_id FROM payments WHERE id = $1", attempt.payment_id)
    await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    async with atomic() as tx:
        assert not await start(tx, voucher, at=till.clock.now(), actor="test")
    assert await till.voucher_of(attempt.payment_id) == "revoked"


async def test_a_part_goes_back_and_the_voucher_stays(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    part = wish(Road.B2C, scope=Scope.PART, amount_cents=4000)
    refund = await refunds.request(till.owner, attempt.payment_id, part, now=till.clock.now())
    await till.turn(2)
    assert await till.status("refunds", refund) == "done"
    assert await till.voucher_of(attempt.payment_id) == "paid"
    assert await till.status("payments", attempt.payment_id) == "paid"
    assert await books() == {"mpesa_clearing": 6000, "merchant_payable": -4800, "commission": -1200}
    assert till.world.phone("254708374149").balance_cents > 0
    assert [row.amount_cents for row in till.out("b2c")] == [-4000]


async def test_what_was_paid_too_much_goes_back_alone(till: Till) -> None:
    attempt, _ = await till.sale(cents=13_000)
    refund = await refunds.request(
        till.owner, attempt.payment_id, wish(Road.B2C, scope=Scope.EXTRA), now=till.clock.now()
    )
    await till.turn(2)
    assert await till.status("refunds", refund) == "done"
    assert await books() == {"mpesa_clearing": 10_000, "merchant_payable": -8000, "commission": -2000}


async def test_a_result_from_elsewhere_decides_nothing(till: Till) -> None:
    """It may be forged: M-Pesa is asked, and what it says then counts."""
    attempt, _ = await till.sale(cents=10_000)
    till.world.turn(callback_source="foreign")
    refund = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(1)
    assert await till.status("refunds", refund) == "unknown"
    till.world.turn(callback_source="listed")
    await till.turn(4)
    assert await till.status("refunds", refund) == "done"
    assert len(till.out("reversal")) == 1
