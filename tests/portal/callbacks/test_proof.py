"""Successes nobody vouches for: believed when M-Pesa says so; while it is silent, delivered as far as the merchant lends."""

from datetime import timedelta

import pytest

from portal.callbacks import proof
from portal.callbacks.proof import LentQuestion
from portal.db import DB
from portal.evidence import Outcome
from portal.payments import Settled, pace
from portal.tables import Merchant
from tests.portal.callbacks.conftest import FOREIGN, Counter, Pending, success

PATIENCE = timedelta(seconds=4)


async def unproved(counter: Counter, payment: Pending, *, body: bytes | None = None) -> None:
    """A success for the payment from an address nobody listed, handled."""
    await counter.post(f"/cb/{payment.token}", body or success(payment.request_id), source=FOREIGN)
    assert await counter.handle_all() == ["to_verify"]


async def silence(counter: Counter, payment: Pending) -> int:
    """M-Pesa is asked and does not answer for a while; how many were delivered meanwhile."""
    await proof.asked(payment.id, now=counter.clock.now())
    counter.clock.shift(PATIENCE)
    return await proof.lend_due(vault=counter.vault, now=counter.clock.now())


async def lent(counter: Counter) -> Pending:
    """A payment delivered on trust."""
    payment = await counter.pending()
    await unproved(counter, payment)
    assert await silence(counter, payment) == 1
    return payment


async def question(counter: Counter) -> LentQuestion:
    """The question about the only delivery on trust, when its time has come."""
    counter.clock.shift(timedelta(minutes=2))
    for _ in range(proof.LENT_TURN):  # other questions have their turns too
        if found := await proof.lent_questions(now=counter.clock.now()):
            return found[0]
    raise AssertionError("its turn does not come")


async def verdicts() -> list[str | None]:
    return [row["verdict"] for row in await DB.fetch("SELECT verdict FROM callbacks ORDER BY id")]


async def test_nothing_is_delivered_before_mpesa_was_asked_and_silent(counter: Counter) -> None:
    payment = await counter.pending()
    await unproved(counter, payment)
    counter.clock.shift(PATIENCE)
    assert await proof.lend_due(vault=counter.vault, now=counter.clock.now()) == 0
    await proof.asked(payment.id, now=counter.clock.now())
    assert await proof.lend_due(vault=counter.vault, now=counter.clock.now()) == 0
    assert await counter.granted() == 0


async def test_while_mpesa_is_silent_trust_is_lent_and_marked(counter: Counter) -> None:
    payment = await lent(counter)
    assert await DB.value("SELECT count(*) FROM vouchers") == 1
    row = await DB.row("SELECT verdict, outcome, lent_cents FROM callbacks")
    assert row is not None
    assert tuple(row) == ("lent", "unverified", 1000)
    assert await counter.events("delivered_unverified") == 1
    assert await DB.value("SELECT receipt FROM payments WHERE id = $1", payment.id) is None


async def test_the_silence_is_lent_to_once(counter: Counter) -> None:
    await lent(counter)
    assert await proof.lend_due(vault=counter.vault, now=counter.clock.now()) == 0


async def test_no_merchant_lends_more_than_its_limit(counter: Counter) -> None:
    await DB.fetch("UPDATE merchants SET unverified_limit_cents = 2500")
    payments = [await counter.pending(request_id=f"ws_CO_{number}") for number in range(3)]
    for payment in payments:
        await unproved(counter, payment)
        await proof.asked(payment.id, now=counter.clock.now())
    counter.clock.shift(PATIENCE)
    assert await proof.lend_due(vault=counter.vault, now=counter.clock.now()) == 2
    assert await DB.value("SELECT sum(lent_cents) FROM callbacks") == 2000
    assert sorted(map(str, await verdicts())) == ["lent", "lent", "waiting"]


async def test_a_proved_delivery_makes_room_for_the_next(counter: Counter) -> None:
    await DB.fetch("UPDATE merchants SET unverified_limit_cents = 1000")
    await lent(counter)
    second = await counter.pending(request_id="ws_CO_2")
    await unproved(counter, second)
    assert await silence(counter, second) == 0
    await proof.judge(await question(counter), Outcome.PAID, now=counter.clock.now())
    assert await proof.lend_due(vault=counter.vault, now=counter.clock.now()) == 1


async def test_a_merchant_may_lend_nothing(counter: Counter) -> None:
    await DB.fetch("UPDATE merchants SET unverified_limit_cents = 0")
    payment = await counter.pending()
    await unproved(counter, payment)
    assert await silence(counter, payment) == 0
    assert await counter.granted() == 0


@pytest.mark.parametrize(
    "said",
    ["MpesaBusy", "MpesaConfig", "MpesaRefused", Settled.OPEN.value],
    ids=["busy", "set-up", "refused", "pending"],
)
async def test_an_answer_that_decides_nothing_is_not_silence(counter: Counter, said: str) -> None:
    payment = await counter.pending()
    await unproved(counter, payment)
    await proof.asked(payment.id, now=counter.clock.now())
    await proof.answered(payment.id, said, now=counter.clock.now())
    counter.clock.shift(PATIENCE)
    assert await proof.lend_due(vault=counter.vault, now=counter.clock.now()) == 0


@pytest.mark.parametrize("amount", [1.0, 1000.0, 10.4])
async def test_another_amount_is_never_lent_for(counter: Counter, amount: float) -> None:
    payment = await counter.pending()
    await unproved(counter, payment, body=success(amount=amount))
    assert await silence(counter, payment) == 0
    assert await counter.granted() == 0


async def test_an_attempt_mpesa_gave_no_id_is_never_lent_for(counter: Counter) -> None:
    payment = await counter.pending(request_id=None)
    await unproved(counter, payment, body=success())
    assert await silence(counter, payment) == 0


async def test_the_common_address_is_never_lent_for(counter: Counter) -> None:
    payment = await counter.pending()
    await counter.post("/api/webhooks/mpesa", success())
    assert await counter.handle_all() == ["to_verify"]
    assert await silence(counter, payment) == 0


async def test_an_old_success_is_not_lent_for(counter: Counter) -> None:
    """Nobody waits at the router any more."""
    payment = await counter.pending()
    await unproved(counter, payment)
    counter.clock.shift(timedelta(minutes=11))
    assert await silence(counter, payment) == 0


async def test_a_success_mpesa_denies_is_told_and_nothing_was_given(counter: Counter) -> None:
    """Case 25: alarm if denied."""
    payment = await counter.pending()
    await unproved(counter, payment)
    await DB.fetch("UPDATE payments SET status = 'failed' WHERE id = $1", payment.id)  # what settling by the query did
    await proof.answered(payment.id, Settled.FAILED.value, now=counter.clock.now())
    assert await verdicts() == ["denied"]
    assert await counter.events("success_denied") == 1
    assert await silence(counter, payment) == 0
    assert await counter.granted() == 0


async def test_after_an_invented_receipt_the_true_one_is_still_credited(counter: Counter) -> None:
    """Case 26."""
    payment = await counter.pending()
    await unproved(counter, payment, body=success(receipt="INVENTED01"))
    await DB.fetch("UPDATE payments SET status = 'failed' WHERE id = $1", payment.id)
    await proof.answered(payment.id, Settled.FAILED.value, now=counter.clock.now())
    await counter.post(f"/cb/{payment.token}", success(receipt="TKJ7XK2P1Q"))
    assert await counter.handle_all() == ["sold"]
    assert await DB.value("SELECT receipt FROM payments WHERE id = $1", payment.id) == "TKJ7XK2P1Q"
    assert await counter.events("money_after_denial") == 0


async def test_the_true_message_proves_what_was_lent_and_brings_its_receipt(counter: Counter) -> None:
    payment = await lent(counter)
    await counter.post(f"/cb/{payment.token}", success(receipt="TKJTRUE001"))
    assert await counter.handle_all() == ["receipt_added"]
    assert await verdicts() == ["confirmed", None]
    assert await DB.value("SELECT receipt FROM payments WHERE id = $1", payment.id) == "TKJTRUE001"
    assert await DB.value("SELECT count(*) FROM vouchers") == 1


async def test_what_mpesa_confirms_stays(counter: Counter) -> None:
    await lent(counter)
    assert await proof.judge(await question(counter), Outcome.PAID, now=counter.clock.now()) == "confirmed"
    assert await DB.value("SELECT status FROM vouchers") == "paid"
    assert await counter.events("unverified_denied") == 0


async def test_what_mpesa_has_not_decided_stays_under_watch(counter: Counter) -> None:
    await lent(counter)
    assert await proof.judge(await question(counter), Outcome.OPEN, now=counter.clock.now()) == "lent"
    assert await verdicts() == ["lent"]
    assert await question(counter), "it is asked again"


async def test_what_mpesa_denies_is_taken_back_ended_and_told(counter: Counter) -> None:
    payment = await lent(counter)
    asked = await question(counter)
    assert await proof.judge(asked, Outcome.FAILED, now=counter.clock.now()) == "denied"
    assert await DB.value("SELECT status FROM vouchers") == "revoked"
    assert await DB.value("SELECT status FROM access_grants") == "ending"
    balances = await DB.fetch("SELECT account, sum(amount_cents) AS cents FROM ledger_entries GROUP BY account")
    assert {row["cents"] for row in balances} == {0}
    assert await counter.events("unverified_denied") == 1
    assert await DB.value("SELECT status FROM payments WHERE id = $1", payment.id) == "paid"
    assert await proof.judge(asked, Outcome.FAILED, now=counter.clock.now()) == "judged before"
    assert await counter.events("unverified_denied") == 1


async def test_a_merchant_may_let_a_denied_delivery_run_on(counter: Counter) -> None:
    await DB.fetch("UPDATE merchants SET unverified_denied = 'keep'")
    await lent(counter)
    await proof.judge(await question(counter), Outcome.FAILED, now=counter.clock.now())
    assert await DB.value("SELECT status FROM vouchers") == "paid"
    assert await counter.events("unverified_denied") == 1


async def test_money_for_what_was_taken_back_is_kept_for_the_payer_and_told(counter: Counter) -> None:
    payment = await lent(counter)
    await proof.judge(await question(counter), Outcome.FAILED, now=counter.clock.now())
    await counter.post(f"/cb/{payment.token}", success(receipt="TKJTRUE001"))
    assert await counter.handle_all() == ["credited"]
    assert await counter.events("money_after_denial") == 1
    balances = await DB.fetch("SELECT account, sum(amount_cents) AS cents FROM ledger_entries GROUP BY account")
    assert {row["account"]: row["cents"] for row in balances if row["cents"]} == {
        "own_clearing": 1000,
        "customer_credit": -1000,
    }


async def test_nothing_is_lent_to_a_device_another_payer_has_put_online(counter: Counter) -> None:
    """What is lent may be taken back, and the voucher here is the other payer's."""
    first, second = await counter.pending(), await counter.pending(request_id="ws_CO_second")
    await DB.fetch("UPDATE checkouts SET mac = '02:00:00:00:00:09', created_at = $1", counter.clock.now())
    await counter.post(f"/cb/{first.token}", success(first.request_id, receipt="TKJ7XK2P1R"))
    assert await counter.handle_all() == ["sold"]
    await unproved(counter, second)
    assert await silence(counter, second) == 0
    assert await DB.value("SELECT count(*) FROM ledger_postings") == 1


async def test_lent_questions_keep_to_the_accounts_turn(counter: Counter) -> None:
    await lent(counter)
    await question(counter)
    assert await proof.lent_questions(now=counter.clock.now()) == []
    counter.clock.shift(timedelta(seconds=61))
    await DB.fetch("UPDATE mpesa_accounts SET query_free_at = $1", counter.clock.now() + timedelta(seconds=5))
    assert await proof.lent_questions(now=counter.clock.now()) == []


async def test_of_an_accounts_turns_lent_ones_get_some_and_give_the_others_back(counter: Counter) -> None:
    await lent(counter)
    asked: list[bool] = []
    for _ in range(10):
        counter.clock.shift(timedelta(seconds=61))
        found = await proof.lent_questions(now=counter.clock.now())
        asked.append(bool(found))
        is_free = await DB.value("SELECT query_free_at <= $1 FROM mpesa_accounts", counter.clock.now())
        assert is_free is not bool(found)
        for each in found:
            await pace.ended(each.account_id, None, took=timedelta(0), now=counter.clock.now())
    assert asked == [True, *[False] * 4] * 2


def test_the_limit_of_a_new_merchant_is_two_thousand_shillings() -> None:
    assert Merchant.unverified_limit_cents.default == 200_000
