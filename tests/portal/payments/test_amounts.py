"""Too little, too much, and amounts M-Pesa cannot have moved: exact cents, nothing rounded, nothing swallowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import customer_credits, money
from portal.clock import Clock
from portal.db import DB, atomic
from portal.ledger import Account, Entry
from portal.payments.receipts import Money, rail_of
from portal.vault import Vault
from tests.portal.payments.stall import Stall, all_is_well, books, count, receipt, told


async def _kept(stall: Stall, holder: str) -> int:
    async with atomic() as tx:
        found = await customer_credits.found_for(tx, stall.merchant_id, holder)
        return found.cents if found else 0


async def test_too_little_delivers_nothing_and_is_kept_for_the_reference(stall: Stall) -> None:
    """Case 21: amount lower than the price in a success."""
    attempt = await stall.attempt()
    assert await stall.stk(attempt, receipt(), cents=600) == "underpaid"
    assert await count("vouchers") == 0
    assert await _kept(stall, customer_credits.of_reference(attempt.reference)) == 600
    assert ("shop_part_payment", "") in await told()
    assert await count("events", "name = 'underpaid'") == 1


async def test_two_payments_that_add_up_deliver(stall: Stall) -> None:
    """Case 21: the payer pays the remainder."""
    _, reference = await stall.voucher()
    assert (await stall.hand(reference, 300)).settled == "underpaid"
    assert (await stall.hand(reference, 300)).settled == "underpaid"
    taken = await stall.hand(reference, 400)
    assert taken.settled == "sold"
    assert await books() == {"mpesa_clearing": 1000, "merchant_payable": -800, "commission": -200}
    assert await DB.value("SELECT received_cents FROM payments") == 1000
    assert await count("receipts", f"payment_id = {taken.payment_id}") == 3


async def test_a_short_push_is_completed_by_hand(stall: Stall) -> None:
    attempt = await stall.attempt()
    await stall.stk(attempt, receipt(), cents=600)
    assert (await stall.hand(attempt.reference, 400)).settled == "sold"


async def test_a_query_after_a_short_push_speaks_of_the_same_money(stall: Stall) -> None:
    attempt = await stall.attempt()
    await stall.stk(attempt, receipt(), cents=600)
    assert await stall.stk(attempt, None) == "known"
    assert await count("vouchers") == 0


async def test_too_much_delivers_and_the_difference_is_the_payers(stall: Stall) -> None:
    """Case 22: amount higher."""
    attempt = await stall.attempt(phone="0712345678")
    assert await stall.stk(attempt, receipt(), cents=1500) == "sold"
    assert await books() == {
        "mpesa_clearing": 1500, "merchant_payable": -800, "commission": -200, "customer_credit": -500,
    }  # fmt: skip
    assert await _kept(stall, customer_credits.of_phone("254712345678")) == 500


async def test_what_a_masked_payer_paid_too_much_is_kept_for_the_reference(stall: Stall) -> None:
    _, reference = await stall.voucher()
    assert (await stall.hand(reference, 1200, payer_hint="2547 ***** 126")).settled == "sold"
    assert await _kept(stall, customer_credits.of_reference(reference)) == 200


async def test_a_fraction_of_a_shilling_is_a_mismatch_and_never_rounded(stall: Stall) -> None:
    """Case 23: 10.00, "10" and 10 are equal; 10.40 is a mismatch."""
    assert money.parse_amount("10.00") == money.parse_amount("10") == money.parse_amount(10) == 1000
    _, reference = await stall.voucher()
    assert (await stall.hand(reference, 1040)).settled == "wrong_amount"
    assert await count("vouchers", "status = 'unsold'") == 1
    assert await books() == {"mpesa_clearing": 1040, "suspense": -1040}
    assert (await stall.hand(reference)).settled == "sold"


async def test_money_of_another_currency_is_not_taken_for_the_price(stall: Stall) -> None:
    _, reference = await stall.voucher()
    assert (await stall.hand(reference, currency="TZS")).settled == "wrong_amount"
    assert await count("vouchers", "status = 'unsold'") == 1
    assert await DB.value("SELECT string_agg(DISTINCT currency, ' ') FROM ledger_entries") == "TZS"


async def test_the_price_is_frozen_on_the_attempt(stall: Stall) -> None:
    """Case 49: the package's price changed between quote and callback."""
    attempt = await stall.attempt()
    await DB.fetch("UPDATE packages SET price_cents = 9900, duration_s = 60")
    assert await stall.stk(attempt, receipt()) == "sold"
    row = await DB.row("SELECT price_cents, terms ->> 'duration_s' AS seconds FROM vouchers")
    assert row is not None
    assert tuple(row) == (1000, "3600")


async def test_the_commission_is_frozen_on_the_attempt(stall: Stall) -> None:
    """Case 49: the commission too."""
    attempt = await stall.attempt()
    await DB.fetch("UPDATE merchants SET commission_bp = 9000")
    await stall.stk(attempt, receipt())
    assert (await books())["commission"] == -200


async def test_a_voucher_pays_the_commission_of_the_day_its_first_money_comes(stall: Stall) -> None:
    _, reference = await stall.voucher()
    await stall.hand(reference, 500)
    await DB.fetch("UPDATE merchants SET commission_bp = 9000")
    await stall.hand(reference, 500)
    assert (await books())["commission"] == -200


async def test_a_package_taken_off_sale_while_paying_is_still_delivered(stall: Stall) -> None:
    """Case 50: the entitlement comes from the snapshot."""
    attempt = await stall.attempt()
    await DB.fetch("UPDATE packages SET is_active = false")
    assert await stall.stk(attempt, receipt()) == "sold"
    assert await count("access_grants") == 1


@pytest.mark.parametrize(("kind", "fee"), [("homeowner", 200), ("personal", 200), ("isp", 0), ("enterprise", 0)])
async def test_the_commission_is_the_kinds(db: str, vault: Vault, clock: Clock, kind: str, fee: int) -> None:
    stall = await Stall.opened(vault, clock, kind=kind)
    _, reference = await stall.voucher()
    await stall.hand(reference)
    assert (await books()).get("commission", 0) == -fee
    await all_is_well()


@given(cents=st.integers(0, 10**12), basis_points=st.integers(0, 10_000))
def test_commission_and_rest_are_the_whole(cents: int, basis_points: int) -> None:
    ours, theirs = money.split(cents, basis_points)
    assert ours + theirs == cents
    assert 0 <= ours <= cents
    assert abs(ours * 10_000 - cents * basis_points) <= 5_000, "within half a cent"


@pytest.mark.parametrize(
    ("road", "cents", "is_whole"),
    [("c2b", 1000, True), ("c2b", 1040, False), ("airtel", 1040, True), ("cash", 1, True), ("c2b", 0, False)],
)
def test_each_rail_knows_its_smallest_step(road: str, cents: int, *, is_whole: bool) -> None:
    paid = Money(
        road=road, rail=rail_of(road), amount_cents=cents, currency="KES", receipt="R", receipt_id=1, account_id=None,
        phone=None, payer_hint="", source=Entry(Account.MPESA_CLEARING, cents),
    )  # fmt: skip
    assert paid.is_whole is is_whole
