"""Paying merchants out: what is owed and not more, to the number that counts, once, whatever is lost on the way (case 46)."""

from datetime import timedelta

import pytest

from portal import ledger, payouts
from portal.db import DB, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Role
from portal.payouts.paying import split
from tests import factories
from tests.portal.payments.stall import actor
from tests.portal.payouts.conftest import WORD
from tests.portal.refunds.till import Till, books

SHOP = "254722000111"


async def number(till: Till, typed: str = "0722 000 111") -> None:
    await payouts.set_number(till.owner, typed, password=WORD, now=till.clock.now())


async def ask(till: Till, cents: int | None = None, key: str = "a") -> list[int]:
    return await payouts.ask(till.owner, amount_cents=cents, form_key=key, now=till.clock.now())


async def status(till: Till, payout_id: int) -> str:
    return await till.status("payouts", payout_id)


async def test_everything_owed_is_paid_to_the_shops_number(till: Till) -> None:
    await till.sale(cents=100_000)
    await number(till)
    [payout] = await ask(till)
    assert await ledger.owed(till.stall.merchant_id) == 0, "booked before it is sent"
    await till.turn(2)
    assert await status(till, payout) == "done"
    assert [(row.amount_cents, row.msisdn) for row in till.out("b2c")] == [(-80_000, SHOP)]
    assert await books() == {"mpesa_clearing": 20_000, "commission": -20_000}
    page = await payouts.page_of(till.owner, payout)
    assert page.row.receipt == till.out("b2c")[0].receipt


async def test_not_more_than_what_is_owed(till: Till) -> None:
    await till.sale(cents=100_000)
    await number(till)
    for cents in (80_100, 999, 1050, 0, -100):
        with pytest.raises(Invalid):
            await ask(till, cents)
    await ask(till, 50_000)
    with pytest.raises(Invalid):
        await ask(till, 50_000, "b")
    await till.turn(2)
    assert sum(row.amount_cents for row in till.out("b2c")) == -50_000


async def test_the_same_form_twice_pays_once(till: Till) -> None:
    await till.sale(cents=100_000)
    await number(till)
    assert await ask(till, 10_000) == await ask(till, 10_000)
    await till.turn(2)
    assert len(till.out("b2c")) == 1


async def test_a_payout_whose_answer_is_lost_is_sent_again_and_paid_once(till: Till) -> None:
    """Case 46: the same id again; a duplicate means accepted."""
    await till.sale(cents=100_000)
    await number(till)
    till.world.turn(command_fault="reset", callback_lost=True)
    [payout] = await ask(till)
    await till.turn(1)
    assert await status(till, payout) == "unknown"
    till.world.turn(command_fault="none", callback_lost=False)
    await till.turn(6)
    assert await status(till, payout) == "done"
    assert len(till.out("b2c")) == 1


async def test_a_payout_that_never_arrived_is_sent_under_the_same_id(till: Till) -> None:
    await till.sale(cents=100_000)
    await number(till)
    till.world.turn(command_fault="html_503")
    [payout] = await ask(till)
    await till.turn(1)
    assert (await status(till, payout), len(till.out("b2c"))) in {("unknown", 0), ("unknown", 1)}
    till.world.turn(command_fault="none")
    await till.turn(6)
    assert await status(till, payout) == "done"
    assert len(till.out("b2c")) == 1
    assert await DB.value("SELECT count(DISTINCT our_id) FROM transfers") == 1


async def test_a_duplicate_id_means_accepted_and_is_asked_about(till: Till) -> None:
    """Case 46, the process killed between the request and its answer: the repeat is refused as a duplicate."""
    await till.sale(cents=100_000)
    await number(till)
    [payout] = await ask(till)
    till.world.turn(callback_lost=True)
    await till.turn(1)
    await DB.fetch(
        "UPDATE transfers SET status = 'created', next_try_at = $1, conversation_id = NULL", till.clock.now()
    )
    await till.turn(1)
    assert await status(till, payout) == "sending"
    till.world.turn(callback_lost=False)
    await till.turn(4)
    assert await status(till, payout) == "done"
    assert len(till.out("b2c")) == 1


async def test_more_than_mpesa_takes_at_once_is_split(till: Till) -> None:
    async with atomic() as tx:
        await ledger.post(
            tx, "sale", {"mpesa_clearing": 60_000_000, "merchant_payable": -60_000_000}, payment_id=None,
            merchant_id=till.stall.merchant_id, receipt="BIG", currency="KES", now=till.clock.now(),
        )  # fmt: skip
    next(iter(till.world.shortcodes.values())).balance_cents = 60_000_000
    await number(till)
    made = await ask(till)
    assert len(made) == 3
    await till.turn(2)
    assert {await status(till, each) for each in made} == {"done"} or await DB.value(
        "SELECT count(*) FROM payouts WHERE status = 'failed'"
    ), "a wallet holds KES 500,000 at most"
    assert all(-row.amount_cents <= 25_000_000 for row in till.out("b2c"))


@pytest.mark.parametrize(
    ("owed", "fee", "cents", "parts"),
    [
        (80_000, 0, None, [80_000]),
        (80_050, 0, None, [80_000]),
        (80_000, 1500, None, [78_500]),
        (80_000, 1500, 80_000, []),
        (25_000_000, 0, None, [25_000_000]),
        (25_000_100, 0, None, [12_500_100, 12_500_000]),
        (60_000_000, 2_000, None, [19_998_000, 19_998_000, 19_998_000]),
        (999, 0, None, []),
        (-5000, 0, None, []),
    ],
)
def test_a_sum_is_split_within_what_is_owed(owed: int, fee: int, cents: int | None, parts: list[int]) -> None:
    assert split(owed, fee_cents=fee, cents=cents) == parts


async def test_the_fee_is_booked_as_the_platforms(till: Till) -> None:
    await till.sale(cents=100_000)
    await DB.fetch("INSERT INTO payout_plans (merchant_id, fee_cents) VALUES ($1, 2500)", till.stall.merchant_id)
    await number(till)
    await ask(till)
    await till.turn(2)
    assert await books() == {"mpesa_clearing": 22_500, "commission": -20_000, "payout_fees": -2500}


async def test_nothing_is_sent_without_a_number_and_it_says_so(till: Till) -> None:
    await till.sale(cents=100_000)
    [payout] = await ask(till)
    await till.turn(2)
    assert (await payouts.page_of(till.owner, payout)).row.held_why == "number"
    await number(till)
    await till.turn(2)
    assert await status(till, payout) == "done"


async def test_a_new_number_needs_the_password_and_two_days(till: Till) -> None:
    await till.sale(cents=100_000)
    await number(till)
    with pytest.raises(Invalid):
        await payouts.set_number(till.owner, "0733000111", password="", now=till.clock.now())
    with pytest.raises(Invalid):
        await payouts.set_number(till.owner, "0733000111", password="wrong", now=till.clock.now())
    with pytest.raises(Forbidden):
        await payouts.set_number(till.manager, "0733000111", password=WORD, now=till.clock.now())
    await number(till, "0711000999")
    [payout] = await ask(till)
    await till.turn(2)
    assert (await payouts.page_of(till.owner, payout)).row.held_why == "cooling"
    assert till.out("b2c") == []
    till.clock.shift(timedelta(hours=47))
    await till.turn(1)
    assert till.out("b2c") == []
    till.clock.shift(timedelta(hours=1))
    await till.turn(1)
    assert [row.msisdn for row in till.out("b2c")] == ["254711000999"]


async def test_a_new_number_can_be_taken_back_while_it_waits(till: Till) -> None:
    await till.sale(cents=100_000)
    await number(till)
    await ask(till)
    await number(till, "0711000999")
    await payouts.keep_old_number(till.manager, now=till.clock.now())
    await till.turn(2)
    assert [row.msisdn for row in till.out("b2c")] == [SHOP]
    with pytest.raises(Conflict):
        await payouts.keep_old_number(till.manager, now=till.clock.now())


async def test_two_changes_in_a_row_do_not_make_a_number_usable_sooner(till: Till) -> None:
    """A thief's first number must not become "the one before"."""
    await till.sale(cents=100_000)
    await number(till)
    await number(till, "0711000999")
    await number(till, "0711000888")
    await payouts.keep_old_number(till.manager, now=till.clock.now())
    await ask(till)
    await till.turn(2)
    assert [row.msisdn for row in till.out("b2c")] == [SHOP]


async def test_payouts_are_held_while_the_books_are_wrong(till: Till) -> None:
    attempt, _ = await till.sale(cents=100_000)
    await number(till)
    receipt = await factories.receipt(till.stall.merchant_id)  # money that nobody booked
    [payout] = await ask(till)
    await till.turn(2)
    assert (await payouts.page_of(till.owner, payout)).row.held_why == "invariant"
    assert till.out("b2c") == []
    await DB.fetch("DELETE FROM receipts WHERE id = $1", receipt)
    await till.turn(2)
    assert await status(till, payout) == "done"
    assert await till.status("payments", attempt.payment_id) == "paid"


async def test_a_failed_payout_can_be_sent_again_or_dropped(till: Till) -> None:
    await till.sale(cents=100_000)
    await number(till)
    shop = next(iter(till.world.shortcodes.values()))
    there, shop.balance_cents = shop.balance_cents, 0
    [payout] = await ask(till, 30_000)
    [other] = await ask(till, 20_000, "b")
    await till.turn(2)
    assert await status(till, payout) == await status(till, other) == "failed"
    shop.balance_cents = there
    await payouts.retry(till.manager, payout, now=till.clock.now())
    await payouts.drop(till.manager, other, now=till.clock.now())
    await till.turn(2)
    assert await status(till, payout) == "done"
    assert await status(till, other) == "dropped"
    assert await ledger.owed(till.stall.merchant_id) == 50_000
    with pytest.raises(Conflict):
        await payouts.drop(till.manager, payout, now=till.clock.now())
    with pytest.raises(Conflict):
        await payouts.retry(till.manager, other, now=till.clock.now())
    assert len(till.out("b2c")) == 1


async def test_cashiers_viewers_and_strangers_are_kept_out(till: Till) -> None:
    await till.sale(cents=100_000)
    [payout] = await ask(till)
    viewer = actor(till.stall.merchant_id, role=Role.VIEWER, user_id=99)
    for who in (till.cashier, viewer):
        with pytest.raises(Forbidden):
            await payouts.ask(who, amount_cents=None, form_key="x", now=till.clock.now())
        with pytest.raises(Forbidden):
            await payouts.overview(who)
        with pytest.raises(Forbidden):
            await payouts.drop(who, payout, now=till.clock.now())
    rival = actor(await factories.merchant("Rival"), user_id=98)
    with pytest.raises(NotFound):
        await payouts.page_of(rival, payout)
    with pytest.raises(NotFound):
        await payouts.drop(rival, payout, now=till.clock.now())
    assert await payouts.latest(rival) == []
