"""Who may let a refund go: a manager or owner alone below the limit (KES 500 here), two people above it, one of them an owner."""

from datetime import timedelta

import pytest

from portal import ledger, passwords, refunds
from portal.db import DB, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from portal.identity import Role
from portal.mpesa.simulator import SANDBOX_SHORTCODE
from portal.refunds import Road, Scope
from tests import factories
from tests.portal.payments.stall import actor
from tests.portal.refunds.till import PAYER, Till, books, wish

WORD = "correct horse battery"


async def dear_sale(till: Till) -> int:
    """A sale above the limit; its payment."""
    await DB.fetch("UPDATE packages SET price_cents = 80000")
    attempt, _ = await till.sale(cents=80_000)
    return attempt.payment_id


async def test_a_cashiers_request_waits_and_sends_nothing(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    refund = await refunds.request(till.cashier, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(3)
    assert await till.status("refunds", refund) == "wanted"
    assert await till.voucher_of(attempt.payment_id) == "paid", "access stays until somebody has decided"
    assert till.out("reversal") == []
    with pytest.raises(Forbidden):
        await refunds.approve(till.cashier, refund, now=till.clock.now())
    await refunds.approve(till.manager, refund, now=till.clock.now())
    await till.turn(2)
    assert await till.status("refunds", refund) == "done"
    assert await till.voucher_of(attempt.payment_id) == "revoked"


async def test_viewers_and_strangers_cannot_ask(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    viewer = actor(till.stall.merchant_id, role=Role.VIEWER, user_id=99)
    with pytest.raises(Forbidden):
        await refunds.request(viewer, attempt.payment_id, wish(), now=till.clock.now())
    rival = actor(await factories.merchant("Rival"), user_id=98)
    with pytest.raises(NotFound):
        await refunds.request(rival, attempt.payment_id, wish(), now=till.clock.now())
    refund = await refunds.request(till.cashier, attempt.payment_id, wish(), now=till.clock.now())
    for verb in (refunds.approve, refunds.drop, refunds.retry):
        with pytest.raises(NotFound):
            await verb(rival, refund, now=till.clock.now())
    with pytest.raises(NotFound):
        await refunds.page_of(rival, refund)
    assert await refunds.latest(rival) == []


async def test_above_the_limit_the_owner_needs_the_manager(till: Till) -> None:
    payment = await dear_sale(till)
    refund = await refunds.request(till.owner, payment, wish(), now=till.clock.now())
    assert await till.status("refunds", refund) == "wanted"
    with pytest.raises(Forbidden, match="somebody else"):
        await refunds.approve(till.owner, refund, now=till.clock.now())
    await refunds.approve(till.manager, refund, now=till.clock.now())
    await till.turn(2)
    assert await till.status("refunds", refund) == "done"


async def test_above_the_limit_a_manager_and_a_cashier_are_not_enough(till: Till) -> None:
    payment = await dear_sale(till)
    refund = await refunds.request(till.cashier, payment, wish(), now=till.clock.now())
    with pytest.raises(Forbidden, match="owner"):
        await refunds.approve(till.manager, refund, now=till.clock.now())
    await refunds.approve(till.owner, refund, now=till.clock.now())
    assert await till.status("refunds", refund) == "approved"


async def test_an_owner_alone_confirms_with_the_password(till: Till) -> None:
    await DB.fetch("DELETE FROM memberships WHERE role = 'manager'")
    hashed = await passwords.hash_password(WORD)
    await DB.fetch("UPDATE users SET password_hash = $2 WHERE id = $1", till.owner.user_id, hashed)
    payment = await dear_sale(till)
    refund = await refunds.request(till.owner, payment, wish(), now=till.clock.now())
    with pytest.raises(Invalid) as missing:
        await refunds.approve(till.owner, refund, now=till.clock.now())
    assert "password" in missing.value.fields
    for _ in range(5):
        with pytest.raises(Invalid):
            await refunds.approve(till.owner, refund, now=till.clock.now(), password="wrong")
    with pytest.raises(TooMany):
        await refunds.approve(till.owner, refund, now=till.clock.now(), password=WORD)
    till.clock.shift(timedelta(minutes=6))
    await refunds.approve(till.owner, refund, now=till.clock.now(), password=WORD)
    assert await till.status("refunds", refund) == "approved"


async def test_a_dropped_refund_leaves_everything_as_before_and_can_be_wanted_again(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    before = await books()
    refund = await refunds.request(till.cashier, attempt.payment_id, wish(), now=till.clock.now())
    await refunds.drop(till.cashier, refund, now=till.clock.now())
    assert await books() == before
    assert await till.status("payments", attempt.payment_id) == "paid"
    with pytest.raises(Conflict):
        await refunds.approve(till.owner, refund, now=till.clock.now())
    again = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    assert again == refund, "one row per money received"
    await till.turn(2)
    assert await till.status("refunds", refund) == "done"
    assert await books() == {}


async def test_what_was_sent_cannot_be_dropped(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    till.world.turn(callback_lost=True)
    refund = await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await till.turn(1)
    with pytest.raises(Conflict):
        await refunds.drop(till.owner, refund, now=till.clock.now())
    assert await till.status("refunds", refund) == "sending"


async def test_a_voucher_used_between_request_and_approval_is_not_refunded(till: Till) -> None:
    """Case 52, in between."""
    attempt, _ = await till.sale(cents=10_000)
    refund = await refunds.request(till.cashier, attempt.payment_id, wish(), now=till.clock.now())
    await DB.fetch("UPDATE vouchers SET status = 'in_use', started_at = $1", till.clock.now())
    with pytest.raises(Conflict, match="been online"):
        await refunds.approve(till.manager, refund, now=till.clock.now())
    assert await till.status("refunds", refund) == "wanted"
    assert await till.voucher_of(attempt.payment_id) == "in_use"


async def test_money_kept_for_the_customer_is_credit_at_once(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    refund = await refunds.request(till.owner, attempt.payment_id, wish(Road.CREDIT), now=till.clock.now())
    assert await till.status("refunds", refund) == "done"
    assert await books() == {"mpesa_clearing": 10_000, "customer_credit": -10_000}
    assert await DB.value("SELECT holder FROM credits") == f"phone:{PAYER}"
    assert await till.voucher_of(attempt.payment_id) == "revoked"


async def test_cash_is_given_by_somebody_who_writes_to_whom(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    refund = await refunds.request(till.owner, attempt.payment_id, wish(Road.CASH), now=till.clock.now())
    assert await till.status("refunds", refund) == "approved"
    with pytest.raises(Invalid):
        await refunds.given(till.cashier, refund, note_text="", now=till.clock.now())
    await refunds.given(till.cashier, refund, note_text="Mary, at noon", now=till.clock.now())
    with pytest.raises(Conflict):
        await refunds.given(till.cashier, refund, note_text="Mary, at noon", now=till.clock.now())
    assert await books() == {"mpesa_clearing": 10_000, "cash": -10_000}


async def test_money_that_was_paid_out_already_goes_back_in_cash_only(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    async with atomic() as tx:
        await ledger.post(
            tx, "payout_done", {"merchant_payable": 8000, "mpesa_clearing": -8000}, merchant_id=till.stall.merchant_id,
            payment_id=None, receipt="payout:x", currency="KES", now=till.clock.now(),
        )  # fmt: skip
    with pytest.raises(Conflict, match="paid out"):
        await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await refunds.request(till.owner, attempt.payment_id, wish(Road.CASH), now=till.clock.now())
    assert (await books())["refunds"] == -10_000


@pytest.mark.parametrize("cents", [0, -100, 10_000, 12_000, 4050])
async def test_a_part_is_whole_shillings_below_the_price(till: Till, cents: int) -> None:
    attempt, _ = await till.sale(cents=10_000)
    with pytest.raises(Invalid):
        await refunds.request(
            till.owner, attempt.payment_id, wish(Road.B2C, scope=Scope.PART, amount_cents=cents), now=till.clock.now()
        )
    with pytest.raises(Invalid):
        await refunds.request(
            till.owner,
            attempt.payment_id,
            wish(Road.REVERSAL, scope=Scope.PART, amount_cents=4000),
            now=till.clock.now(),
        )


async def test_only_the_owner_may_send_money_to_another_number_than_the_payers(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    elsewhere = wish(Road.B2C, phone="0711 000 111")
    with pytest.raises(Invalid) as refused:
        await refunds.request(till.manager, attempt.payment_id, elsewhere, now=till.clock.now())
    assert "phone" in refused.value.fields
    refund = await refunds.request(till.owner, attempt.payment_id, elsewhere, now=till.clock.now())
    await till.turn(2)
    assert [row.msisdn for row in till.out("b2c")] == ["254711000111"]
    assert await till.status("refunds", refund) == "done"


async def test_a_policys_refund_goes_by_itself_below_the_limit_and_waits_above(till: Till) -> None:
    await DB.fetch("UPDATE merchants SET second_receipt = 'refund'")
    attempt, _ = await till.sale(cents=10_000)
    second = till.daraja.pay_by_hand(PAYER, SANDBOX_SHORTCODE, amount=100, account=attempt.reference)
    await till.stall.hand(attempt.reference, 10_000, second.receipt)
    await till.turn(3)
    assert await DB.value("SELECT status FROM refunds") == "done"
    assert await till.voucher_of(attempt.payment_id) == "paid", "the first payment's voucher is untouched"
    third = till.daraja.pay_by_hand(PAYER, SANDBOX_SHORTCODE, amount=900, account=attempt.reference)
    await till.stall.hand(attempt.reference, 90_000, third.receipt)
    await till.turn(3)
    assert await DB.value("SELECT status FROM refunds ORDER BY id DESC LIMIT 1") == "wanted"
    assert len(till.out("reversal")) == 1
