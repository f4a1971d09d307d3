"""Paying by hand: money finds what it is for by the reference typed, or waits for a person."""

import asyncio

import pytest

from portal import ledger, references
from portal.clock import Clock
from portal.db import DB
from portal.errors import NotFound, TooMany
from portal.evidence import Road
from portal.payments import standing
from portal.vault import Vault
from tests.portal.payments.stall import Stall, all_is_well, books, count, receipt, told

SHARES = {"mpesa_clearing": 1000, "merchant_payable": -800, "commission": -200}


async def test_paying_by_hand_for_an_attempt_satisfies_that_attempt(stall: Stall) -> None:
    """Case 15: STK timeout, then the payer uses the paybill by hand."""
    attempt = await stall.attempt()
    await stall.failed(attempt)
    taken = await stall.hand(attempt.reference)
    assert (taken.settled, taken.payment_id) == ("sold", attempt.payment_id)
    assert await count("vouchers") == await count("access_grants") == 1
    assert await books() == SHARES


async def test_a_push_paid_after_the_same_was_paid_by_hand_adds_time(stall: Stall) -> None:
    """Cases 15 and 12: both prompts were paid; nothing is swallowed."""
    attempt = await stall.attempt()
    await stall.hand(attempt.reference)
    assert await stall.stk(attempt, receipt()) == "extended"
    assert await DB.value("SELECT terms ->> 'duration_s' FROM vouchers") == "7200"
    assert await books() == {account: 2 * cents for account, cents in SHARES.items()}


async def test_paying_for_a_reference_sells_its_voucher_and_sends_the_code(stall: Stall) -> None:
    """The seeds' flow: a merchant hands out references, customers pay, codes are released."""
    voucher_id, reference = await stall.voucher()
    taken = await stall.hand(reference, phone="254712345678")
    assert taken.settled == "sold"
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher_id) == "paid"
    assert await told() == [("voucher_code", "254712345678")]
    assert await DB.value("SELECT (params ->> 'voucher_id')::bigint FROM messages") == voucher_id
    assert await books() == SHARES


async def test_a_code_is_never_written_into_a_message(stall: Stall) -> None:
    voucher_id, reference = await stall.voucher()
    await stall.hand(reference, phone="254712345678")
    sealed = await DB.value("SELECT code_sealed FROM vouchers WHERE id = $1", voucher_id)
    code = stall.vault.open("vouchers", "code_sealed", row_id=voucher_id, sealed=sealed)
    assert code not in str(await DB.fetch("SELECT * FROM messages"))
    assert code not in str(await DB.fetch("SELECT * FROM events"))


async def test_one_payment_told_by_three_roads_is_one_payment(stall: Stall) -> None:
    """Case 16: STK callback, C2B confirmation and Pull tell of the same receipt."""
    attempt, code = await stall.attempt(), receipt()
    assert await stall.stk(attempt, code) == "sold"
    assert (await stall.hand(attempt.reference, code=code)).settled == "known"
    assert (await stall.hand(attempt.reference, code=code, road=Road.PULL)).settled == "known"
    assert await stall.stk(attempt, code) == "known"
    row = await DB.row("SELECT roads, payment_id FROM receipts")
    assert row is not None
    assert (row["roads"], row["payment_id"]) == ("stk_callback c2b pull", attempt.payment_id)
    assert await count("payments") == 1
    assert await books() == SHARES


async def test_a_receipt_is_added_to_a_payment_a_query_knew_as_paid(stall: Stall) -> None:
    """Case 17: the query says paid, without a receipt; the confirmation brings it later."""
    attempt, code = await stall.attempt(), receipt()
    assert await stall.stk(attempt, None) == "sold"
    assert (await stall.hand(attempt.reference, code=code)).settled == "receipt_added"
    assert (await stall.hand(attempt.reference, code=code)).settled == "known"
    assert await DB.value("SELECT receipt FROM payments") == code
    assert await books() == SHARES


@pytest.mark.parametrize("change", ["lower case", "spaces", "words around", "one wrong", "one missing", "swapped"])
async def test_a_reference_typed_carelessly_still_finds_its_voucher(stall: Stall, change: str) -> None:
    """Case 40: lower case, spaces, a slip."""
    _, reference = await stall.voucher()
    swapped = next(i for i in range(7) if reference[i] != reference[i + 1])
    typed = {
        "lower case": reference.lower(),
        "spaces": f" {reference[:4]}  {reference[4:]} ",
        "words around": f"wifi {reference} pls",
        "one wrong": reference[:3] + ("2" if reference[3] != "2" else "3") + reference[4:],
        "one missing": reference[:-1],
        "swapped": reference[:swapped] + reference[swapped + 1] + reference[swapped] + reference[swapped + 2 :],
    }[change]
    assert (await stall.hand(typed)).settled == "sold", typed


async def test_a_slip_that_could_mean_two_things_is_not_guessed(stall: Stall) -> None:
    """Case 40: never the wrong account."""
    _, reference = await stall.voucher()
    two, _ = await stall.voucher()
    typed = reference[:-1]
    other = min(references.near(typed) - {reference})
    await DB.fetch("UPDATE vouchers SET payment_reference = $1 WHERE id = $2", other, two)
    assert (await stall.hand(typed)).settled == "suspense"
    assert await DB.value("SELECT why FROM suspense") == "ambiguous"
    assert await count("vouchers", "status = 'unsold'") == 2


async def test_a_slip_is_forgiven_only_with_the_right_amount(stall: Stall) -> None:
    _, reference = await stall.voucher()
    assert (await stall.hand(reference[:-1], 2000)).settled == "suspense"
    assert await books() == {"mpesa_clearing": 2000, "suspense": -2000}


@pytest.mark.parametrize(
    ("typed", "why"), [("", "no_reference"), ("😀", "no_match"), ("0712345678", "no_match"), ("WATER BILL", "no_match")]
)
async def test_money_that_fits_nothing_waits_for_a_person_and_its_payer_is_told(
    stall: Stall, typed: str, why: str
) -> None:
    """Cases 40 and 41: unknown, or nothing typed at all."""
    taken = await stall.hand(typed, phone="254712345678")
    assert taken.settled == "suspense"
    assert taken.payment_id is None
    row = await DB.row("SELECT merchant_id, why, status, amount_cents FROM suspense WHERE id = $1", taken.suspense_id)
    assert row is not None
    assert tuple(row) == (None, why, "open", 1000), "the platform's paybill belongs to no merchant"
    assert await books() == {"mpesa_clearing": 1000, "suspense": -1000}
    assert await told() == [("not_matched", "254712345678"), ("shop_not_matched", "")]


async def test_a_repeat_of_money_in_suspense_changes_nothing(stall: Stall) -> None:
    code = receipt()
    first = await stall.hand("", code=code)
    again = await stall.hand("", code=code)
    assert (again.settled, again.suspense_id) == ("known", first.suspense_id)
    assert await books() == {"mpesa_clearing": 1000, "suspense": -1000}


async def test_suspended_money_is_given_on_when_another_road_tells_the_reference(stall: Stall) -> None:
    _, reference = await stall.voucher()
    code = receipt()
    await stall.hand("", code=code)
    assert (await stall.hand(reference, code=code, road=Road.PULL)).settled == "sold"
    assert await books() == SHARES
    assert await DB.value("SELECT status FROM suspense") == "resolved"


async def test_a_confirmation_without_reference_is_claimed_by_the_callback_that_follows(stall: Stall) -> None:
    """A till's confirmation of a push carries no reference, and may be the faster one."""
    attempt, code = await stall.attempt(), receipt()
    assert (await stall.hand("", code=code)).settled == "suspense"
    assert await stall.stk(attempt, code) == "sold"
    assert await books() == SHARES
    assert await count("suspense", "status = 'open'") == 0


async def test_a_confirmation_without_reference_is_not_booked_twice_beside_a_query(stall: Stall) -> None:
    attempt, code = await stall.attempt(), receipt()
    assert await stall.stk(attempt, None) == "sold"
    assert (await stall.hand("", code=code)).settled == "suspense"
    assert await stall.stk(attempt, code) == "receipt_added"
    assert await books() == SHARES


async def test_paying_for_a_voucher_that_has_ended_waits_for_a_person(stall: Stall) -> None:
    """Case 41: C2B to a dead voucher."""
    voucher_id, reference = await stall.voucher()
    await DB.fetch(
        "UPDATE vouchers SET status = 'expired', ended_at = now(), ended_why = 'activation' WHERE id = $1", voucher_id
    )
    taken = await stall.hand(reference)
    assert taken.settled == "suspense"
    assert await DB.value("SELECT why FROM suspense") == "over"
    assert await DB.value("SELECT merchant_id FROM suspense") == stall.merchant_id


async def test_a_voucher_whose_time_is_over_but_not_yet_noticed_is_not_sold(stall: Stall) -> None:
    voucher_id, reference = await stall.voucher()
    await DB.fetch("UPDATE vouchers SET expires_at = $2 WHERE id = $1", voucher_id, stall.clock.now())
    assert (await stall.hand(reference)).settled == "suspense"
    assert await DB.value("SELECT status FROM vouchers") == "unsold"


@pytest.mark.parametrize("hint", ["2547 ***** 678", "25471****678", "a" * 64, ""])
async def test_a_masked_or_hashed_payer_is_accepted(stall: Stall, hint: str) -> None:
    """Case 43: the number is a hint; the reference decides."""
    _, reference = await stall.voucher()
    assert (await stall.hand(reference, payer_hint=hint)).settled == "sold"
    assert await DB.value("SELECT payer_hint FROM receipts") == hint
    assert await told() == [], "nobody can be written to"


async def test_a_reference_of_another_merchant_pays_nothing_of_theirs(db: str, vault: Vault, clock: Clock) -> None:
    """Case 53: money at a merchant's own paybill is never another merchant's."""
    own = await Stall.opened(vault, clock, has_own_paybill=True)
    other = await Stall.opened(vault, clock, account_id=own.account_id)
    _, reference = await other.voucher()
    assert (await own.hand(reference)).settled == "suspense"
    row = await DB.row("SELECT merchant_id, why FROM suspense")
    assert row is not None
    assert tuple(row) == (own.merchant_id, "foreign")
    assert await count("vouchers", "status = 'unsold'") == 1
    await all_is_well()


async def test_money_at_a_merchants_own_paybill_is_theirs_and_only_the_commission_is_owed(
    db: str, vault: Vault, clock: Clock
) -> None:
    own = await Stall.opened(vault, clock, has_own_paybill=True)
    _, reference = await own.voucher()
    assert (await own.hand(reference)).settled == "sold"
    assert await books() == {"own_clearing": 1000, "merchant_payable": -800, "commission": -200}
    assert await ledger.owed(own.merchant_id) == -200
    await all_is_well()


async def test_an_untrusted_confirmation_credits_nothing_and_asks_mpesa(stall: Stall) -> None:
    """Case 25: it may be forged. What M-Pesa answers settles it."""
    _, reference = await stall.voucher()
    code = receipt()
    assert (await stall.hand(reference, code=code, is_trusted=False)).settled == "to_verify"
    assert (await stall.hand(reference, code=code, is_trusted=False)).settled == "to_verify"
    assert await count("vouchers", "status = 'paid'") == await count("receipts") == 0
    questions = await DB.fetch("SELECT kind, about, account_id FROM mpesa_enquiries")
    assert [tuple(row) for row in questions] == [("status", code, stall.account_id)]
    assert (await stall.hand(reference, code=code, road=Road.STATUS)).settled == "sold"
    assert (await stall.hand(reference, code=code, is_trusted=False)).settled == "known"


async def test_a_receipt_with_another_amount_on_another_road_is_noted_and_not_believed(stall: Stall) -> None:
    """Case 28: a receipt is used once."""
    _, reference = await stall.voucher()
    code = receipt()
    await stall.hand(reference, code=code)
    assert (await stall.hand(reference, 5000, code=code)).settled == "receipt_used"
    assert await count("events", "name = 'amount_differs'") == 1
    assert await books() == SHARES


async def test_money_without_receipt_or_amount_is_refused(stall: Stall) -> None:
    for bad in ({"receipt": ""}, {"amount_cents": 0}, {"amount_cents": -5}):
        with pytest.raises(ValueError, match="without"):
            await stall.hand("", **bad)


async def test_the_standing_of_a_reference_is_public_and_never_tells_the_code(stall: Stall) -> None:
    voucher_id, reference = await stall.voucher()

    async def stands() -> tuple[str, int]:
        found = await standing.of_reference(reference.lower(), asked_from="10.0.0.9", now=stall.clock.now())
        assert not {"code", "phone", "mac"} & set(found.__struct_fields__)
        return found.stand.value, found.rest_cents

    assert await stands() == ("unpaid", 1000)
    await stall.hand(reference, 400)
    assert await stands() == ("part_paid", 600)
    await stall.hand(reference, 600)
    assert await stands() == ("paid", 0)
    await DB.fetch("UPDATE vouchers SET status = 'revoked', ended_at = now() WHERE id = $1", voucher_id)
    assert await stands() == ("over", 0)


async def test_looking_up_references_is_limited(stall: Stall) -> None:
    for _ in range(standing.TRIES[0]):
        with pytest.raises(NotFound):
            await standing.of_reference("22222222", asked_from="10.0.0.9", now=stall.clock.now())
    with pytest.raises(TooMany):
        await standing.of_reference("22222222", asked_from="10.0.0.9", now=stall.clock.now())


async def test_the_same_money_by_two_roads_at_once_is_taken_once(stall: Stall) -> None:
    attempt, code = await stall.attempt(), receipt()
    outcomes = await asyncio.gather(
        *(stall.hand(attempt.reference, code=code) for _ in range(4)), *(stall.stk(attempt, code) for _ in range(4))
    )
    settled = sorted(str(getattr(outcome, "settled", outcome)) for outcome in outcomes)
    assert settled == ["known"] * 7 + ["sold"]
    assert await books() == SHARES
