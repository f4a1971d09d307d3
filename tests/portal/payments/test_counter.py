"""Over the counter: cash, the owner's word, batches, and showing a code to who paid."""

import pytest

from portal import batches, ledger, payments
from portal.db import DB
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Role
from tests import factories
from tests.portal.payments.stall import Stall, actor, books, count


async def test_a_cashier_sells_a_package_for_cash(stall: Stall) -> None:
    cashier = actor(stall.merchant_id, role=Role.CASHIER, user_id=stall.owner.user_id)
    sold = await payments.sell_cash(cashier, package_id=stall.package_id, vault=stall.vault, now=stall.clock.now())
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", sold.voucher_id) == "paid"
    assert await DB.value("SELECT method FROM payments WHERE id = $1", sold.payment_id) == "cash"
    assert await books() == {"cash": 1000, "merchant_payable": -800, "commission": -200}
    assert await ledger.owed(stall.merchant_id) == -200, "the notes are the merchant's already"
    said = await DB.value("SELECT actor FROM events WHERE name = 'taken_by_cash'")
    assert said == f"user:{stall.owner.user_id}"


async def test_a_printed_voucher_is_sold_for_cash_once(stall: Stall) -> None:
    voucher_id, reference = await stall.voucher()
    await payments.sell_cash(stall.owner, voucher_id=voucher_id, vault=stall.vault, now=stall.clock.now())
    with pytest.raises(Conflict):
        await payments.sell_cash(stall.owner, voucher_id=voucher_id, vault=stall.vault, now=stall.clock.now())
    assert await count("payments") == 1
    assert (await stall.hand(reference)).settled == "extended", "paid by M-Pesa as well: a second receipt"


async def test_who_may_not_sell_sells_nothing(stall: Stall) -> None:
    voucher_id, _ = await stall.voucher()
    with pytest.raises(Forbidden):
        await payments.sell_cash(
            actor(stall.merchant_id, role=Role.VIEWER), voucher_id=voucher_id, vault=stall.vault, now=stall.clock.now()
        )
    with pytest.raises(NotFound):
        await payments.sell_cash(
            actor(await factories.merchant()), voucher_id=voucher_id, vault=stall.vault, now=stall.clock.now()
        )


async def test_the_owner_marks_a_payment_as_paid_and_says_why(stall: Stall) -> None:
    attempt = await stall.attempt()
    sold = await payments.mark_paid_by_hand(
        stall.owner, payment_id=attempt.payment_id, reason="paid by bank, slip 7", vault=stall.vault,
        now=stall.clock.now(),
    )  # fmt: skip
    assert sold.payment_id == attempt.payment_id
    assert await count("access_grants") == 1
    assert await books() == {"own_clearing": 1000, "merchant_payable": -800, "commission": -200}
    assert (
        await DB.value("SELECT data ->> 'reason' FROM events WHERE name = 'taken_by_manual'") == "paid by bank, slip 7"
    )
    with pytest.raises(Conflict):
        await payments.mark_paid_by_hand(
            stall.owner, payment_id=attempt.payment_id, reason="again and again", vault=stall.vault,
            now=stall.clock.now(),
        )  # fmt: skip


@pytest.mark.parametrize("role", [Role.MANAGER, Role.CASHIER, Role.VIEWER])
async def test_only_the_owner_marks_as_paid(stall: Stall, role: Role) -> None:
    voucher_id, _ = await stall.voucher()
    with pytest.raises(Forbidden):
        await payments.mark_paid_by_hand(
            actor(stall.merchant_id, role=role), voucher_id=voucher_id, reason="a good reason", vault=stall.vault,
            now=stall.clock.now(),
        )  # fmt: skip


async def test_marking_as_paid_needs_a_reason(stall: Stall) -> None:
    voucher_id, _ = await stall.voucher()
    with pytest.raises(Invalid):
        await payments.mark_paid_by_hand(
            stall.owner, voucher_id=voucher_id, reason="  ", vault=stall.vault, now=stall.clock.now()
        )


async def test_what_was_paid_before_is_credit_when_the_rest_is_taken_in_cash(stall: Stall) -> None:
    voucher_id, reference = await stall.voucher()
    await stall.hand(reference, 300)
    await payments.sell_cash(stall.owner, voucher_id=voucher_id, vault=stall.vault, now=stall.clock.now())
    assert (await books())["customer_credit"] == -300


async def test_a_batch_hands_out_references_and_no_codes(stall: Stall) -> None:
    made = await batches.make(
        stall.owner, stall.package_id, count=12, note_text="kiosk", vault=stall.vault, now=stall.clock.now()
    )
    assert len(set(made.references)) == 12
    assert await count("vouchers", "status = 'unsold'") == 12
    for count_ in (0, batches.LARGEST + 1):
        with pytest.raises(Invalid):
            await batches.make(
                stall.owner, stall.package_id, count=count_, note_text="", vault=stall.vault, now=stall.clock.now()
            )


async def test_a_code_is_shown_to_the_shop_only_once_it_is_paid_and_each_look_is_kept(stall: Stall) -> None:
    voucher_id, reference = await stall.voucher()
    with pytest.raises(Conflict):
        await batches.reveal_code(stall.owner, voucher_id, vault=stall.vault, now=stall.clock.now())
    await stall.hand(reference)
    code = await batches.reveal_code(stall.owner, voucher_id, vault=stall.vault, now=stall.clock.now())
    assert await DB.value("SELECT code_hash FROM vouchers") == stall.vault.code_hash(code)
    assert await count("events", "name = 'code_shown'") == 1
    for who, refusal in (
        (actor(stall.merchant_id, role=Role.VIEWER), Forbidden),
        (actor(await factories.merchant()), NotFound),
    ):
        with pytest.raises(refusal):
            await batches.reveal_code(who, voucher_id, vault=stall.vault, now=stall.clock.now())
