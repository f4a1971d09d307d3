"""Payouts by plan and the statement: due on the merchant's own days, once a day, and every shilling of a month accounted for."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs import payouts as job
from portal import ledger, payouts, refunds
from portal.db import DB
from portal.errors import Forbidden, Invalid
from portal.payouts import Plan
from tests.portal.payouts.test_paying import number
from tests.portal.refunds.till import Till, wish

MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # five in the morning in Nairobi


async def at(till: Till, moment: datetime) -> None:
    till.clock.shift(moment - till.clock.now())


async def made(till: Till) -> int:
    await job.run(till.doors)
    return await DB.value("SELECT count(*) FROM payouts")


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Plan(schedule="off"), [0, 0, 0, 0]),
        (Plan(schedule="daily"), [0, 1, 1, 2]),
        (Plan(schedule="weekly", weekday=1), [0, 1, 1, 1]),
        (Plan(schedule="weekly", weekday=2), [0, 0, 0, 1]),
        (Plan(schedule="threshold", threshold_cents=200_000), [0, 0, 1, 1]),
        (Plan(schedule="daily", minimum_cents=200_000), [0, 0, 1, 1]),
    ],
)
async def test_a_plan_pays_on_its_days_once(till: Till, plan: Plan, expected: list[int]) -> None:
    await payouts.set_plan(till.owner, plan, now=till.clock.now())
    await number(till)
    await till.sale(cents=100_000)
    seen: list[int] = []
    for moment in (MONDAY, MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=8), MONDAY + timedelta(hours=25)):
        await at(till, moment)
        seen.append(await made(till))
        await till.sale(cents=100_000)
    assert seen == expected
    assert await made(till) == expected[-1], "a day that was paid is paid"
    await till.turn(2)


async def weekly(till: Till) -> None:
    """Every Monday, chosen on the Friday before."""
    await payouts.set_plan(till.owner, Plan(schedule="weekly", weekday=1), now=till.clock.now())
    await number(till)


async def test_a_week_nobody_worked_on_its_day_is_caught_up_once(till: Till) -> None:
    await weekly(till)
    await till.sale(cents=100_000)
    await at(till, MONDAY + timedelta(days=2))  # before six in the morning
    assert await made(till) == 0
    await at(till, MONDAY + timedelta(days=2, hours=6))
    assert await made(till) == 1
    assert await DB.value("SELECT once FROM payouts") == f"plan:{till.stall.merchant_id}:2026-11-23:1"
    await till.sale(cents=100_000)
    await at(till, MONDAY + timedelta(days=3))
    assert await made(till) == 1, "the rest of the week is next Monday's"
    await at(till, MONDAY + timedelta(days=7, hours=6))
    assert await made(till) == 2
    await till.turn(2)


async def test_a_week_with_too_little_on_its_day_was_not_missed(till: Till) -> None:
    await weekly(till)
    await at(till, MONDAY + timedelta(days=1, hours=6))
    await till.sale(cents=100_000)
    assert await made(till) == 0


async def test_a_plan_chosen_after_its_day_waits_for_the_next(till: Till) -> None:
    await till.sale(cents=100_000)
    await at(till, MONDAY + timedelta(days=1, hours=6))
    await weekly(till)
    assert await made(till) == 0


async def test_only_the_owner_changes_the_plan_and_only_to_one_that_makes_sense(till: Till) -> None:
    with pytest.raises(Forbidden):
        await payouts.set_plan(till.manager, Plan(), now=till.clock.now())
    for wrong in (Plan(schedule="hourly"), Plan(weekday=8), Plan(minimum_cents=50), Plan(threshold_cents=1050)):
        with pytest.raises(Invalid):
            await payouts.set_plan(till.owner, wrong, now=till.clock.now())


async def test_the_statement_leads_from_one_balance_to_the_next(till: Till) -> None:
    await at(till, datetime(2026, 11, 30, 12, 0, tzinfo=UTC))
    await number(till)
    await till.sale(cents=100_000)
    attempt, _ = await till.sale(cents=100_000)
    await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    await payouts.ask(till.owner, amount_cents=30_000, form_key="a", now=till.clock.now())
    await till.turn(2)
    await at(till, datetime(2026, 11, 30, 21, 30, tzinfo=UTC))  # December where the shop is
    await till.sale(cents=100_000)
    november = await payouts.statement(till.owner, "2026-11")
    assert november.opening_cents == 0
    assert {line.kind: line.cents for line in november.lines} == {"sale": 160_000, "refund": -80_000, "payout": -30_000}
    december = await payouts.statement(till.owner, "2026-12")
    assert december.opening_cents == november.closing_cents == 50_000
    assert december.closing_cents == await ledger.owed(till.stall.merchant_id)
    assert [line.count for line in december.lines] == [1]
    assert [f"{month:%Y-%m}" for month in await payouts.months_of(till.owner, now=till.clock.now())] == ["2026-12", "2026-11"]  # fmt: skip
    with pytest.raises(Invalid):
        await payouts.statement(till.owner, "2026-13")
    with pytest.raises(Forbidden):
        await payouts.statement(till.cashier, "2026-11")
