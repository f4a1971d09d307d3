"""Money goes back by the rail that took it, once, whatever is lost on the way: M-Pesa, Airtel Money and Paystack by one test each."""

import pytest
from asyncpg import Record

from portal import refunds
from portal.db import DB
from portal.errors import Conflict, Forbidden
from portal.identity import Role
from portal.paystack.simulator import PaystackSimulator
from portal.refunds import Road, Scope, Wish
from tests import factories
from tests.portal.payments.stall import actor, books
from tests.portal.rails.test_promises import CLEARING
from tests.portal.rails.tills import Till


def whole(road: Road = Road.REVERSAL) -> Wish:
    return Wish(scope=Scope.WHOLE, road=road, why="no internet")


async def asked(till: Till, payment: Record, *, cents_limit: int = 50_000) -> int:
    await DB.fetch("UPDATE merchants SET refund_limit_cents = $1", cents_limit)
    return await refunds.request(till.owner, payment["id"], whole(), now=till.clock.now())


async def status(table: str, row_id: int) -> str:
    return await DB.value(f"SELECT status FROM {table} WHERE id = $1", row_id)


def at_once(till: Till) -> None:
    """The provider does refunds at once, and tells what became of them where that is a switch."""
    if till.rail == "paystack":
        till.sim.refund_status = "processed"
    if till.rail == "airtel":
        till.sim.called_when_refunded = "TR"


async def test_a_payment_goes_back_by_its_own_rail_and_its_books_are_empty(till: Till) -> None:
    at_once(till)
    payment = await till.paid()
    refund = await asked(till, payment)
    assert await books() == {CLEARING[till.rail]: 1000, "refunds": -1000}
    await till.turn(2)
    assert await status("refunds", refund) == "done"
    assert await status("payments", payment["id"]) == "refunded"
    assert await DB.value("SELECT status FROM vouchers") == "revoked"
    assert till.really_returned() == 1
    assert await books() == {}


async def test_the_same_money_is_not_given_back_twice(till: Till) -> None:
    at_once(till)
    payment = await till.paid()
    await asked(till, payment)
    for road in (Road.REVERSAL, Road.CREDIT, Road.CASH):
        with pytest.raises(Conflict):
            await refunds.request(till.owner, payment["id"], whole(road), now=till.clock.now())
    await till.turn(4)
    with pytest.raises(Conflict):
        await asked(till, payment)
    assert till.really_returned() == 1


async def test_a_refund_whose_answer_is_lost_happens_once(till: Till) -> None:
    at_once(till)
    payment = await till.paid()
    till.goes_wrong("refund_answer_lost")
    refund = await asked(till, payment)
    await till.turn(1)
    assert await status("refunds", refund) == "unknown"
    assert await status("payments", payment["id"]) == "refund_pending"
    till.goes_wrong("refund_answer_lost", value=False)
    await till.turn(8, minutes=5)
    assert await status("refunds", refund) == "done"
    assert till.really_returned() == 1
    assert await books() == {}


async def test_a_provider_that_is_busy_is_asked_again(till: Till) -> None:
    at_once(till)
    payment = await till.paid()
    till.goes_wrong("refund_busy")
    refund = await asked(till, payment)
    await till.turn(1)
    assert await status("refunds", refund) in ("sending", "unknown")
    assert till.really_returned() == 0
    till.goes_wrong("refund_busy", value=False)
    await till.turn(6, minutes=5)
    assert await status("refunds", refund) == "done"
    assert till.really_returned() == 1


async def test_above_the_limit_a_second_person_must_agree(till: Till) -> None:
    at_once(till)
    payment = await till.paid()
    manager_id = await factories.user("second@example.com", till.merchant_id, role=Role.MANAGER)
    refund = await asked(till, payment, cents_limit=500)
    await till.turn(1)
    assert await status("refunds", refund) == "wanted"
    assert till.really_returned() == 0
    with pytest.raises(Forbidden):
        await refunds.approve(till.owner, refund, now=till.clock.now())
    manager = actor(till.merchant_id, role=Role.MANAGER, user_id=manager_id)
    await refunds.approve(manager, refund, now=till.clock.now())
    await till.turn(2)
    assert await status("refunds", refund) == "done"


async def test_a_dropped_refund_can_be_wanted_again_and_happens_once(till: Till) -> None:
    at_once(till)
    payment = await till.paid()
    await factories.user("other@example.com", till.merchant_id, role=Role.MANAGER)
    first = await asked(till, payment, cents_limit=500)
    await refunds.drop(till.owner, first, now=till.clock.now())
    again = await asked(till, payment)
    await till.turn(2)
    assert await status("refunds", again) == "done"
    assert till.really_returned() == 1
    assert await books() == {}


@pytest.mark.parametrize("till", ["airtel", "paystack"], indirect=True)
class TestOtherRails:
    """What differs from M-Pesa, which tells every outcome to an address of ours."""

    async def test_each_request_and_question_is_kept_for_the_timeline(self, till: Till) -> None:
        payment = await till.paid()
        await asked(till, payment)
        till.goes_wrong("refund_answer_lost")
        await till.turn(1)
        till.goes_wrong("refund_answer_lost", value=False)
        await till.turn(2)
        rows = await DB.fetch("SELECT verb, code FROM exchanges WHERE payment_id = $1 ORDER BY id", payment["id"])
        assert [tuple(row) for row in rows][:2] == [("push", "accepted"), ("refund", "unknown")]
        assert {row["verb"] for row in rows[2:]} == {"refund query"}

    async def test_a_request_that_never_arrived_is_sent_again_only_where_the_provider_says_so(self, till: Till) -> None:
        """The sender dies between claiming and sending: Paystack lists nothing, so it is sent; Airtel does not tell."""
        payment = await till.paid()
        refund = await asked(till, payment)
        await DB.fetch(
            "UPDATE transfers SET status = 'submitting', tries = 1, next_try_at = NULL, submitted_at = $1",
            till.clock.now(),
        )
        await DB.fetch("UPDATE refunds SET status = 'sending'")
        await till.turn(5, minutes=3)
        if till.rail == "paystack":
            assert till.really_returned() == 1
            assert await status("refunds", refund) == "sending"
        else:
            assert till.really_returned() == 0
            assert await status("refunds", refund) == "unknown"

    async def test_wrong_keys_fail_the_refund_in_words_and_it_can_be_tried_again(self, till: Till) -> None:
        at_once(till)
        payment = await till.paid()
        refund = await asked(till, payment)
        right = till.sim.secret_key if till.rail == "paystack" else None
        if till.rail == "paystack":
            till.sim.secret_key = "sk_test_another"
        else:
            till.sim.refuses_refunds = True
        await till.turn(1)
        page = await refunds.page_of(till.owner, refund)
        assert page.row.status == "failed"
        assert page.last_error
        assert await books() == {CLEARING[till.rail]: 1000, "refunds": -1000}
        if right:
            till.sim.secret_key = right
        else:
            till.sim.refuses_refunds = False
        await refunds.retry(till.owner, refund, now=till.clock.now())
        await till.turn(2)
        assert await status("refunds", refund) == "done"
        assert till.really_returned() == 1


@pytest.mark.parametrize("till", ["airtel"], indirect=True)
class TestAirtel:
    async def lost(self, till: Till) -> int:
        payment = await till.paid()
        till.goes_wrong("refund_answer_lost")
        refund = await asked(till, payment)
        await till.turn(1)
        till.goes_wrong("refund_answer_lost", value=False)
        await till.turn(12, minutes=30)
        return refund

    async def test_what_it_does_not_tell_stays_unknown_and_is_told_to_a_person(self, till: Till) -> None:
        refund = await self.lost(till)
        assert await status("refunds", refund) == "unknown"
        assert sum(entry["what"] == "refund" for entry in till.sim.log) == 1, "it was sent again"
        assert await DB.value("SELECT count(*) FROM events WHERE name = 'transfer_stuck'") >= 1

    async def test_whoever_sees_its_portal_says_what_became_of_it(self, till: Till) -> None:
        refund = await self.lost(till)
        with pytest.raises(Forbidden):  # the account is the platform's
            await refunds.seen(till.owner, refund, is_back=True, note_text="portal, 10:00", now=till.clock.now())
        await DB.fetch("UPDATE rail_accounts SET merchant_id = $1", till.merchant_id)
        await refunds.seen(till.owner, refund, is_back=True, note_text="portal, 10:00", now=till.clock.now())
        assert await status("refunds", refund) == "done"
        with pytest.raises(Conflict):
            await refunds.seen(till.owner, refund, is_back=False, note_text="portal, 10:00", now=till.clock.now())
        await DB.fetch("UPDATE rail_accounts SET merchant_id = NULL")

    async def test_what_a_person_saw_was_not_given_back_may_be_tried_another_way_a_day_later(self, till: Till) -> None:
        refund = await self.lost(till)
        await DB.fetch("UPDATE rail_accounts SET merchant_id = $1", till.merchant_id)
        await refunds.seen(till.owner, refund, is_back=False, note_text="portal, 10:00", now=till.clock.now())
        assert await status("refunds", refund) == "failed"
        await DB.fetch("UPDATE rail_accounts SET merchant_id = NULL")
        await refunds.retry(till.owner, refund, now=till.clock.now(), road="cash")
        await refunds.given(till.owner, refund, note_text="to Mary", now=till.clock.now())
        assert await status("refunds", refund) == "done"


@pytest.mark.parametrize("till", ["paystack"], indirect=True)
class TestPaystack:
    async def test_a_refund_that_takes_days_is_asked_about_until_it_is_done(self, till: Till) -> None:
        payment = await till.paid()
        refund = await asked(till, payment)
        await till.turn(3, minutes=60)
        assert await status("refunds", refund) == "sending"
        till.sim.transactions[payment["account_reference"]].refund_status = "processed"
        await till.turn(8, minutes=360)
        assert await status("refunds", refund) == "done"
        assert till.really_returned() == 1

    async def test_its_webhook_about_a_refund_has_it_asked_at_once(self, till: Till) -> None:
        payment = await till.paid()
        refund = await asked(till, payment)
        await till.turn(6, minutes=60)
        sim: PaystackSimulator = till.sim
        sim.end_refund(payment["account_reference"])
        await sim.settled()
        assert await till.handle() == ["to_verify"]
        await till.turn(1, minutes=0)
        assert await status("refunds", refund) == "done"

    async def test_a_refund_the_bank_refused_fails_and_can_be_sent_again(self, till: Till) -> None:
        payment = await till.paid()
        refund = await asked(till, payment)
        await till.turn(1)
        sim: PaystackSimulator = till.sim
        sim.end_refund(payment["account_reference"], status="failed")
        await sim.settled()
        await till.handle()
        await till.turn(1, minutes=0)
        assert await status("refunds", refund) == "failed"
        sim.refund_status = "processed"
        await refunds.retry(till.owner, refund, now=till.clock.now())
        await till.turn(2)
        assert await status("refunds", refund) == "done"
