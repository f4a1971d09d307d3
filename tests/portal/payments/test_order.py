"""Evidence comes in any order, late, twice, or from somewhere else; the first true success decides."""

import asyncio
from datetime import timedelta

import pytest

from portal import payments
from portal.clock import Clock
from portal.db import DB
from portal.evidence import Outcome
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import Stall, all_is_well, books, count, receipt, told

SHARES = {"mpesa_clearing": 1000, "merchant_payable": -800, "commission": -200}


async def _status(payment_id: int) -> str:
    return await DB.value("SELECT status FROM payments WHERE id = $1", payment_id)


async def test_a_callback_before_the_pushes_answer_is_credited(stall: Stall) -> None:
    """Case 2: found by its token; the later answer fills the ids only."""
    attempt = await stall.attempt()
    await DB.fetch("UPDATE payments SET status = 'submitting', checkout_request_id = NULL")
    assert await stall.stk(attempt, receipt(), checkout_request_id="ws_CO_1") == "sold"
    assert await DB.value("SELECT checkout_request_id FROM payments") == "ws_CO_1"
    assert await stall.stk(attempt, None) == "known"


async def test_a_lost_callback_is_made_good_by_the_query(stall: Stall) -> None:
    """Case 3: the customer paid, nobody told us."""
    attempt = await stall.attempt()
    assert await stall.stk(attempt, None) == "sold"
    assert await DB.value("SELECT receipt FROM payments") is None
    assert await count("access_grants", "login_wanted_at IS NOT NULL") == 1, "connects without a touch"
    assert await books() == SHARES


async def test_twenty_minutes_late_is_credited_and_told_by_sms(stall: Stall) -> None:
    """Case 5: the page is closed; the clock starts at the first login."""
    attempt = await stall.attempt(phone="0712345678")
    stall.clock.shift(timedelta(minutes=20))
    assert await stall.stk(attempt, receipt()) == "sold"
    assert await told() == [("voucher_code", "254712345678")]
    assert await DB.value("SELECT started_at FROM vouchers") is None


async def test_no_sms_while_the_page_shows_it_all(stall: Stall) -> None:
    await stall.stk(await stall.attempt(), receipt())
    assert await told() == []


async def test_success_after_failure_wins(stall: Stall) -> None:
    """Case 6: 1037, then success for the same attempt."""
    attempt = await stall.attempt()
    assert await stall.failed(attempt) == "failed"
    assert await stall.stk(attempt, receipt()) == "sold"


async def test_failure_after_success_is_ignored_and_kept_in_the_history(stall: Stall) -> None:
    """Case 7: out of order."""
    attempt = await stall.attempt()
    await stall.stk(attempt, receipt())
    assert await stall.failed(attempt, "1032", Outcome.FAILED) == "known"
    assert await _status(attempt.payment_id) == "paid"
    assert await count("events", "name = 'late_failure_ignored'") == 1


async def test_a_lost_answer_is_unknown_and_resolved_by_hand_or_callback(stall: Stall) -> None:
    """Case 8: never pushed again; whatever proves it first settles it."""
    by_callback, by_reference = await stall.attempt(), await stall.attempt(mac="02:11:22:33:44:66")
    await DB.fetch("UPDATE payments SET status = 'submitting', checkout_request_id = NULL")
    stall.clock.shift(timedelta(minutes=1))
    assert await payments.find_stranded(now=stall.clock.now()) == 2
    assert [await _status(attempt.payment_id) for attempt in (by_callback, by_reference)] == ["unknown"] * 2
    assert await payments.to_push(now=stall.clock.now() + timedelta(hours=1)) == []
    assert await stall.stk(by_callback, receipt()) == "sold"
    assert (await stall.hand(by_reference.reference)).settled == "sold"


async def test_an_unknown_code_fails_nothing(stall: Stall) -> None:
    """Case 20: pending, and said in the history."""
    attempt = await stall.attempt()
    assert await stall.failed(attempt, "SFC_NEW", Outcome.OPEN) == "open"
    assert await _status(attempt.payment_id) == "pending"
    assert await count("events", "name = 'evidence_not_final'") == 1


async def test_an_invented_receipt_stops_nothing(stall: Stall) -> None:
    """Case 26: a forged confirmation is not believed; the query denies it; the real receipt is credited."""
    attempt = await stall.attempt()
    assert (await stall.hand(attempt.reference, code="UFAKE00001", is_trusted=False)).settled == "to_verify"
    assert await stall.failed(attempt) == "failed"
    assert await stall.stk(attempt, receipt()) == "sold"
    assert await count("receipts", "receipt = 'UFAKE00001'") == 0


async def test_a_genuine_old_callback_pays_no_new_attempt(stall: Stall) -> None:
    """Case 27: a replay under another attempt's token."""
    old, new = await stall.attempt(), await stall.attempt(mac="02:11:22:33:44:66")
    request = await DB.value("SELECT checkout_request_id FROM payments WHERE id = $1", old.payment_id)
    code = receipt()
    await stall.stk(old, code, checkout_request_id=request)
    assert await stall.stk(new, code, checkout_request_id=request) == "wrong_request"
    assert await _status(new.payment_id) == "pending"


async def test_a_receipt_used_on_another_attempt_is_refused_and_noted(stall: Stall) -> None:
    """Case 28: second refused, for somebody to look at."""
    first, second = await stall.attempt(), await stall.attempt(mac="02:11:22:33:44:66")
    code = receipt()
    assert await stall.stk(first, code) == "sold"
    assert await stall.stk(second, code) == "receipt_used"
    assert await _status(second.payment_id) == "pending"
    assert await count("events", "name = 'receipt_used_already'") == 1


async def test_two_attempts_racing_for_one_receipt_sell_once(stall: Stall) -> None:
    first, second = await stall.attempt(), await stall.attempt(mac="02:11:22:33:44:66")
    code = receipt()
    outcomes = await asyncio.gather(stall.stk(first, code), stall.stk(second, code))
    assert sorted(outcomes) == ["receipt_used", "sold"]


async def test_money_is_the_merchants_the_attempt_names_not_the_shortcodes(db: str, vault: Vault, clock: Clock) -> None:
    """Case 53: many merchants share the platform's shortcode."""
    one = await Stall.opened(vault, clock)
    two = await Stall.opened(vault, clock, account_id=one.account_id)
    attempt = await two.attempt()
    assert (await one.hand(attempt.reference)).settled == "sold"
    whose = await DB.fetch("SELECT DISTINCT merchant_id FROM ledger_entries")
    assert [row["merchant_id"] for row in whose] == [two.merchant_id]
    assert await DB.value("SELECT merchant_id FROM receipts") == two.merchant_id
    await all_is_well()


async def test_a_payment_that_buys_nothing_is_kept_as_credit(stall: Stall) -> None:
    """A payment whose checkout is not there any more: the money is the payer's."""
    payment_id = await factories.payment(stall.merchant_id, status="pending", account_id=stall.account_id)
    attempt = await stall.attempt()
    attempt.payment_id = payment_id
    assert await stall.stk(attempt, receipt()) == "credited"
    assert (await books())["customer_credit"] == -1000


@pytest.mark.parametrize("copies", [2, 5])
async def test_copies_at_once_are_one_sale(stall: Stall, copies: int) -> None:
    attempt, code = await stall.attempt(), receipt()
    outcomes = await asyncio.gather(*(stall.stk(attempt, code) for _ in range(copies)))
    assert sorted(outcomes) == ["known"] * (copies - 1) + ["sold"]
