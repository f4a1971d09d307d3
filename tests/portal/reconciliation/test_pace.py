"""How fast M-Pesa is asked, whom first, and what happens while it is away. Numbers are those of the list of faults."""

import asyncio
from datetime import timedelta

import pytest

from portal import checkouts, codes, payments
from portal.db import DB, atomic
from portal.errors import MpesaBusy, MpesaUnknown, Unavailable
from portal.payments import pace
from portal.payments.enquire import NOT_FOUND, Question
from tests import factories
from tests.portal.payments.stall import DEVICE, count
from tests.portal.reconciliation.conftest import Desk

SPIKE = MpesaBusy("policies.ratelimit.SpikeArrestViolation", "Allowed rate : 5", retry_after=12.0)
SILENCE = MpesaBusy("timeout", "M-Pesa could not be reached", retry_after=15)
NOTHING = timedelta(0)


async def waiting(desk: Desk, how_many: int, *, age: timedelta = NOTHING) -> list[int]:
    """Payments whose callbacks were lost, all due now; the first made first."""
    now = desk.clock.now()
    return [
        await factories.payment(
            desk.stall.merchant_id, status="pending", account_id=desk.stall.account_id, next_query_at=now - age,
            checkout_request_id=f"ws_CO_{codes.hex_token(8)}", created_at=now - age,
        )
        for _ in range(how_many)
    ]  # fmt: skip


async def ask(desk: Desk) -> Question | None:
    """The next question, answered at once, and time until the one after it."""
    asked = await payments.to_enquire(now=desk.clock.now())
    for question in asked:
        await pace.ended(question.account_id, None, took=NOTHING, now=desk.clock.now())
    desk.clock.shift(timedelta(seconds=13))
    return asked[0] if asked else None


async def gap_s(desk: Desk) -> float:
    """Until the next question, by what was learnt."""
    return (await DB.value("SELECT gap_ms FROM mpesa_paces WHERE account_id = $1", desk.stall.account_id)) / 1000


async def learn(desk: Desk, error: MpesaBusy | MpesaUnknown | None, times: int = 1, *, every_s: float = 20) -> None:
    """So many questions came to this."""
    for _ in range(times):
        desk.clock.shift(timedelta(seconds=every_s))
        await pace.ended(desk.stall.account_id, error, took=NOTHING, now=desk.clock.now())


async def test_with_two_hundred_waiting_no_more_than_five_a_minute_are_asked(desk: Desk) -> None:
    """Case 38."""
    await waiting(desk, 200)
    asked = 0
    for _ in range(60):
        desk.clock.shift(timedelta(seconds=1))
        questions = await payments.to_enquire(now=desk.clock.now())
        asked += len(questions)
        for question in questions:
            await pace.ended(question.account_id, None, took=NOTHING, now=desk.clock.now())
    assert 4 <= asked <= 5


async def test_the_newest_goes_first_and_every_third_question_to_who_waits_longest(desk: Desk) -> None:
    """Case 38: newest first, and nobody starves."""
    old = await waiting(desk, 20, age=timedelta(hours=1))
    new = await waiting(desk, 20)
    asked = [question.payment_id for question in [await ask(desk) for _ in range(6)] if question]
    assert asked == [new[-1], new[-2], old[0], new[-3], new[-4], old[1]]


async def test_however_many_are_new_an_old_one_gets_its_turn(desk: Desk) -> None:
    [old] = await waiting(desk, 1, age=timedelta(hours=3))
    for _ in range(4):
        await waiting(desk, 3)
        question = await ask(desk)
        assert question is not None
        if question.payment_id == old:
            return
    pytest.fail("the old one starves")


async def test_one_question_at_a_time_until_its_answer_is_there(desk: Desk) -> None:
    await waiting(desk, 5)
    assert len(await payments.to_enquire(now=desk.clock.now())) == 1
    desk.clock.shift(timedelta(seconds=30))
    assert await payments.to_enquire(now=desk.clock.now()) == [], "the first is still being asked"
    desk.clock.shift(timedelta(seconds=20))
    assert len(await payments.to_enquire(now=desk.clock.now())) == 1, "whoever asked is dead"


async def test_the_gateways_429_makes_it_slower_and_answers_faster_again_up_to_the_ceiling(desk: Desk) -> None:
    await learn(desk, None)
    usual = await gap_s(desk)
    await learn(desk, SPIKE, 3)
    slow = await gap_s(desk)
    assert slow > 3 * usual
    await learn(desk, None, 60)
    assert await gap_s(desk) == pytest.approx(12.25), "five a minute, and no faster"
    await pace.limit(desk.stall.account_id, most_per_minute=60)
    await learn(desk, None, 200)
    assert await gap_s(desk) == pytest.approx(1.25)
    await learn(desk, SPIKE, 40)
    assert await gap_s(desk) <= pace.SLOWEST_MS / 1000


async def test_mpesas_retry_after_is_kept_to(desk: Desk) -> None:
    await waiting(desk, 2)
    [question] = await payments.to_enquire(now=desk.clock.now())
    busy = MpesaBusy("HTTP 429", "slow down", retry_after=300)
    await pace.ended(question.account_id, busy, took=NOTHING, now=desk.clock.now())
    desk.clock.shift(timedelta(seconds=290))
    assert await payments.to_enquire(now=desk.clock.now()) == []
    desk.clock.shift(timedelta(seconds=15))
    assert len(await payments.to_enquire(now=desk.clock.now())) == 1


async def test_one_lost_line_is_no_outage(desk: Desk) -> None:
    await learn(desk, SILENCE, 2)
    assert not await pace.is_away(desk.stall.merchant_id, now=desk.clock.now())
    await learn(desk, None)
    await learn(desk, SILENCE, 2)
    assert not await pace.is_away(desk.stall.merchant_id, now=desk.clock.now())


async def test_while_mpesa_is_away_nothing_is_sold_and_it_is_tried_again_ever_more_rarely(desk: Desk) -> None:
    """Case 51."""
    await waiting(desk, 10)
    await learn(desk, SILENCE, 4)
    assert await pace.is_away(desk.stall.merchant_id, now=desk.clock.now())
    with pytest.raises(Unavailable, match="M-Pesa does not answer"):
        await checkouts.start(
            desk.stall.router, desk.stall.package_id, phone="0712345678", form_key=codes.hex_token(16), device=DEVICE,
            language="en", now=desk.clock.now(),
        )  # fmt: skip
    assert await count("checkouts") == 0
    assert await count("alerts", "kind = 'mpesa_down' AND status = 'open'") == 1
    probes = 0
    for _ in range(180):  # three hours
        desk.clock.shift(timedelta(minutes=1))
        for question in await payments.to_enquire(now=desk.clock.now()):
            probes += 1
            await pace.ended(question.account_id, SILENCE, took=NOTHING, now=desk.clock.now())
    assert 20 <= probes <= 45, "every five minutes, not five a minute"
    assert await count("payments", "status = 'pending'") == 10, "no clock fails anything"


async def test_when_mpesa_is_back_selling_goes_on_and_the_gap_is_told(desk: Desk) -> None:
    """Case 51."""
    await learn(desk, SILENCE, 4)
    desk.clock.shift(timedelta(hours=3))
    assert not await pace.is_away(desk.stall.merchant_id, now=desk.clock.now()), "one customer may try"
    await pace.heard(desk.stall.account_id, None, now=desk.clock.now())
    assert await DB.value("SELECT down_since FROM mpesa_paces") is None
    assert await count("alerts", "kind = 'mpesa_down' AND status = 'open'") == 0
    assert await count("events", "name = 'mpesa_back' AND (data->>'seconds')::int > 10000") == 1


async def test_busy_is_not_away(desk: Desk) -> None:
    await learn(desk, MpesaBusy("500.003.02", "System is busy"), 20)
    assert not await pace.is_away(desk.stall.merchant_id, now=desk.clock.now())


async def test_a_lost_callback_is_made_good_by_asking_the_real_api(desk: Desk) -> None:
    """Case 3."""
    attempt = await pushed(desk)
    desk.clock.shift(timedelta(seconds=20))
    await asked_once(desk)
    assert await DB.value("SELECT status FROM payments WHERE id = $1", attempt) == "paid"
    assert await count("vouchers") == 1
    assert await count("access_grants") == 1


async def test_three_hours_without_callbacks_and_queries_lose_nothing(desk: Desk) -> None:
    """Case 4: unknown all the while, credited by whatever answers first."""
    attempt = await pushed(desk)
    desk.world.turn(query_fault="html_503")
    for _ in range(10):
        desk.clock.shift(timedelta(minutes=18))
        await asked_once(desk)
        assert await DB.value("SELECT status FROM payments WHERE id = $1", attempt) in ("pending", "unknown")
    desk.world.turn(query_fault="none")
    found = await desk.look()
    assert found.taken == 1
    assert await DB.value("SELECT status FROM payments WHERE id = $1", attempt) == "paid"
    assert await DB.value("SELECT receipt FROM payments WHERE id = $1", attempt)


async def test_an_id_mpesa_does_not_know_is_told_to_a_person_once_and_fails_nothing(desk: Desk) -> None:
    """Case 19."""
    [payment] = await waiting(desk, 1)
    for _ in range(9):
        await DB.fetch("UPDATE payments SET next_query_at = $1", desk.clock.now())
        await asked_once(desk)
        desk.clock.shift(timedelta(minutes=20))
    assert await DB.value("SELECT status FROM payments WHERE id = $1", payment) == "pending"
    assert await count("events", f"name = '{NOT_FOUND}'") == 1


async def test_not_yet_is_asked_again_later(desk: Desk) -> None:
    """Case 18."""
    payment = await pushed(desk, answers=False)
    for _ in range(3):
        desk.clock.shift(timedelta(seconds=5))
        await DB.fetch("UPDATE payments SET next_query_at = $1", desk.clock.now())
        await DB.fetch("UPDATE mpesa_accounts SET query_free_at = NULL")
        desk.world.turn(query_per_minute=None)
        await asked_once(desk)
    row = await DB.row(
        "SELECT status, next_query_at > $2 AS is_asked FROM payments WHERE id = $1", payment, desk.clock.now()
    )
    assert row is not None
    assert tuple(row) == ("pending", True)


async def pushed(desk: Desk, *, answers: bool = True) -> int:
    """A push the simulator took; its payer has paid, or lets it ring. The callback is lost either way."""
    await checkouts.start(
        desk.stall.router, desk.stall.package_id, phone="0712345678", form_key=codes.hex_token(16), device=DEVICE,
        language="en", now=desk.clock.now(),
    )  # fmt: skip
    payment = await DB.value("SELECT id FROM payments ORDER BY id DESC LIMIT 1")
    desk.world.turn(auto_answer="pin" if answers else None)
    assert await payments.push(payment, desk.doors, now=desk.clock.now()) == "pending"
    return payment


async def asked_once(desk: Desk) -> None:
    """Whoever is due is asked about, by the real road."""
    async with atomic() as tx:
        await tx.execute("UPDATE mpesa_accounts SET query_free_at = NULL")
        await tx.execute("UPDATE mpesa_paces SET probe_at = NULL, down_since = NULL")
    for question in await payments.to_enquire(now=desk.clock.now()):
        await payments.enquire(question, desk.doors, vault=desk.vault, now=desk.clock.now())


async def app(desk: Desk, name: bytes, *, shortcode: str = "600001") -> int:
    """Another account, with one payment to be asked about; `name` is its Daraja app."""
    account = await factories.mpesa_account(desk.vault, merchant_id=desk.stall.merchant_id, shortcode=shortcode)
    await DB.fetch("UPDATE mpesa_accounts SET app_hash = $2 WHERE id = $1", account, name)
    for _ in range(3):
        await factories.payment(
            desk.stall.merchant_id, status="pending", account_id=account, next_query_at=desk.clock.now(),
            checkout_request_id=f"ws_CO_{codes.hex_token(8)}", created_at=desk.clock.now(),
        )  # fmt: skip
    return account


async def turns(desk: Desk) -> list[int]:
    """The accounts that are asked about now, each answered at once."""
    asked = await payments.to_enquire(now=desk.clock.now())
    for question in asked:
        await pace.ended(question.account_id, None, took=NOTHING, now=desk.clock.now())
    return sorted(question.account_id for question in asked)


async def test_accounts_of_one_app_share_its_limit_and_take_turns(desk: Desk) -> None:
    one, two = await app(desk, b"a"), await app(desk, b"a", shortcode="600002")
    other = await app(desk, b"b", shortcode="600003")
    assert await turns(desk) == [one, other]
    assert await turns(desk) == []
    desk.clock.shift(timedelta(seconds=13))
    assert await turns(desk) == [two, other]
    desk.clock.shift(timedelta(seconds=5))
    assert await turns(desk) == [], "not even by the other account of the app"


async def test_what_one_account_learns_holds_for_its_app(desk: Desk) -> None:
    one, two = await app(desk, b"a"), await app(desk, b"a", shortcode="600002")
    await pace.limit(one, most_per_minute=30)
    await pace.ended(two, SPIKE, took=NOTHING, now=desk.clock.now())
    rows = await DB.fetch("SELECT account_id, gap_ms, most_per_minute, slowed FROM mpesa_paces ORDER BY 1")
    assert [tuple(row) for row in rows] == [(one, 18_750, 30, 1), (two, 18_750, 30, 1)]


async def test_two_workers_do_not_take_two_turns_of_one_app(desk: Desk) -> None:
    await app(desk, b"a")
    await app(desk, b"a", shortcode="600002")
    found = await asyncio.gather(*(payments.to_enquire(now=desk.clock.now()) for _ in range(4)))
    assert sum(len(each) for each in found) == 1


async def test_a_token_tells_which_app_an_account_is_of(desk: Desk) -> None:
    daraja = await desk.doors.for_account(desk.stall.account_id)
    await daraja.ensure_token()
    assert await DB.value(
        "SELECT a.app_hash = t.app_hash FROM mpesa_accounts a, mpesa_tokens t WHERE a.id = $1", desk.stall.account_id
    )
