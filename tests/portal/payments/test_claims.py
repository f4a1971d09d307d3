"""\"I already paid\": a claim links to money we have, or asks M-Pesa; it never is money, and it tells nobody anything."""

import pytest

from portal import claims
from portal.clock import Clock
from portal.db import DB
from portal.devices import hint
from portal.errors import Invalid, NotFound, TooMany
from portal.evidence import Road
from portal.vault import Vault
from tests.portal.payments.stall import DEVICE, Stall, all_is_well, books, count, receipt

PHONE = "254712345678"
SMS = "{code} Confirmed. Ksh10.00 sent to KILIMANI CORNER for account WRONG on 20/11/26 at 10:15 AM New M-PESA balance is Ksh5.00."


async def _claim(stall: Stall, token: str, text: str) -> bool:
    return (await claims.claim_by_receipt(token, text, vault=stall.vault, now=stall.clock.now())).is_paid


async def test_a_claim_is_given_the_money_its_own_phone_paid(stall: Stall) -> None:
    code = receipt()
    await stall.hand("WRONG", code=code, payer_hint="2547 ***** 678")
    attempt = await stall.attempt(phone=PHONE)
    assert await _claim(stall, attempt.token, SMS.format(code=code))
    assert await count("access_grants") == 1
    assert await books() == {"mpesa_clearing": 1000, "merchant_payable": -800, "commission": -200}
    assert await DB.value("SELECT status FROM claims") == "linked"
    assert await DB.value("SELECT resolved_by FROM suspense") == "customer"
    assert await _claim(stall, attempt.token, code), "safe to repeat"


@pytest.mark.parametrize("told", [{"payer_hint": "2547 ***** 126"}, {"phone": "254700000126"}, {}])
async def test_money_somebody_else_may_have_paid_is_for_a_person_to_give(stall: Stall, told: dict[str, str]) -> None:
    code = receipt()
    await stall.hand("WRONG", code=code, **told)
    attempt = await stall.attempt(phone=PHONE)
    assert not await _claim(stall, attempt.token, code)
    assert await count("vouchers") == 0
    assert await DB.value("SELECT status FROM claims") == "open"


async def test_a_claim_of_an_unknown_receipt_asks_mpesa_and_credits_nothing(stall: Stall) -> None:
    code, attempt = receipt(), await stall.attempt(phone=PHONE)
    assert not await _claim(stall, attempt.token, code)
    assert not await _claim(stall, attempt.token, code)
    assert await count("mpesa_enquiries", f"about = '{code}' AND asked_by = 'claim'") == 1
    assert await count("claims") == 1
    assert await count("vouchers") == 0


async def test_mpesas_answer_about_a_claimed_receipt_delivers(stall: Stall) -> None:
    code, attempt = receipt(), await stall.attempt(phone=PHONE)
    await _claim(stall, attempt.token, code)
    taken = await stall.hand("", code=code, road=Road.STATUS, phone=PHONE)
    assert (taken.settled, taken.payment_id) == ("sold", attempt.payment_id)
    assert await DB.value("SELECT status FROM claims") == "linked"


async def test_mpesas_answer_about_somebody_elses_receipt_does_not_deliver_to_the_claimant(stall: Stall) -> None:
    code, attempt = receipt(), await stall.attempt(phone=PHONE)
    await _claim(stall, attempt.token, code)
    taken = await stall.hand("", code=code, road=Road.STATUS, phone="254700000126")
    assert taken.settled == "suspense"
    assert await count("vouchers") == 0


async def test_the_reference_typed_is_stronger_than_a_claim(stall: Stall) -> None:
    (_, reference), attempt, code = await stall.voucher(), await stall.attempt(phone=PHONE), receipt()
    await _claim(stall, attempt.token, code)
    await stall.hand(reference, code=code, phone=PHONE)
    assert await DB.value("SELECT voucher_id FROM checkouts WHERE id = $1", attempt.checkout_id) is None


async def test_a_used_receipt_gets_the_same_answer_as_an_unknown_one(stall: Stall) -> None:
    """Case 28: and nothing is delivered."""
    first, code = await stall.attempt(phone="0712345601"), receipt()
    await stall.stk(first, code)
    other = await stall.attempt(phone="0712345602", mac="02:11:22:33:44:66")
    assert not await _claim(stall, other.token, code)
    assert not await _claim(stall, other.token, receipt())
    assert await count("vouchers") == 1


async def test_a_claim_at_another_merchant_is_not_given_this_ones_money(db: str, vault: Vault, clock: Clock) -> None:
    own = await Stall.opened(vault, clock, has_own_paybill=True)
    code = receipt()
    await own.hand("WRONG", code=code, phone=PHONE)
    other = await Stall.opened(vault, clock, has_own_paybill=True)
    attempt = await other.attempt(phone=PHONE)
    assert not await _claim(other, attempt.token, code)
    assert await count("vouchers") == 0
    await all_is_well()


async def test_claims_are_limited(stall: Stall) -> None:
    attempt = await stall.attempt()
    for _ in range(claims.TRIES_PER_CHECKOUT[0]):
        await _claim(stall, attempt.token, receipt())
    with pytest.raises(TooMany):
        await _claim(stall, attempt.token, receipt())


async def test_a_claim_without_a_code_or_a_checkout_is_refused(stall: Stall) -> None:
    attempt = await stall.attempt()
    with pytest.raises(Invalid):
        await _claim(stall, attempt.token, "i paid pls")
    with pytest.raises(NotFound):
        await _claim(stall, "f" * 64, receipt())


async def _release(stall: Stall, phone: str, text: str, mac: str = DEVICE.mac) -> str:
    return await claims.release_by_receipt(
        stall.router, hint(mac, DEVICE.ip), phone=phone, pasted=text, vault=stall.vault, now=stall.clock.now()
    )


async def test_who_knows_phone_and_receipt_gets_the_voucher_they_paid_for(stall: Stall) -> None:
    """The captive page's proof: phone and receipt, never the public reference."""
    (voucher_id, reference), code = await stall.voucher(), receipt()
    await stall.hand(reference, code=code, payer_hint="2547 ***** 678")
    token = await _release(stall, "0712345678", SMS.format(code=code))
    assert await DB.value("SELECT voucher_id FROM checkouts WHERE token = $1", token) == voucher_id
    assert await count("access_grants", f"voucher_id = {voucher_id}") == 1
    assert await count("events", "name = 'released'") == 1


async def test_the_wrong_phone_the_wrong_receipt_and_no_hint_get_the_same_words(stall: Stall) -> None:
    (_, reference), code = await stall.voucher(), receipt()
    await stall.hand(reference, code=code, payer_hint="2547 ***** 126")
    (_, silent), unhinted = await stall.voucher(), receipt()
    await stall.hand(silent, code=unhinted)
    words: set[str] = set()
    for text in (code, receipt(), unhinted):
        with pytest.raises(Invalid) as refusal:
            await _release(stall, "0712345678", text)
        words.add(str(refusal.value.fields))
    assert len(words) == 1
    assert await count("access_grants") == 0


async def test_guessing_receipts_is_limited_like_guessing_codes(stall: Stall) -> None:
    for _ in range(5):
        with pytest.raises(Invalid):
            await _release(stall, "0712345678", receipt())
    with pytest.raises(TooMany):
        await _release(stall, "0712345678", receipt())
