"""Figures of any days: equal to adding up single sales, in zones whose days have 23 or 25 hours too; fair beside the time before."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.db import DB
from portal.identity import Actor, Role
from portal.reports import best, hours, keys, sales, stretches, takings_per_month
from portal.reports.sales import Line
from portal.reports.stretches import Stretch
from portal.routers import RouterView
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows

NOW = datetime(2026, 11, 20, 11, 12, tzinfo=UTC)
NAIROBI = ZoneInfo("Africa/Nairobi")
TODAY = date(2026, 11, 20)


class Shop:
    """A merchant who sells, and its owner."""

    def __init__(self, router: RouterView, package: int) -> None:
        self.router, self.package = router, package
        self.owner = Actor(
            user_id=1, merchant_id=router.merchant_id, role=Role.OWNER, is_operator=False, name="A", email="a@b.test"
        )

    async def sell(self, at: datetime, cents: int = 1000, **columns: Any) -> int:
        return await rows.payment(self.router, self.package, at=at, cents=cents, **columns)


async def _shop(vault: Vault, zone: str = "Africa/Nairobi") -> Shop:
    merchant = await factories.merchant(timezone=zone)
    return Shop(await factories.router(vault, merchant), await factories.package(merchant))


@pytest.fixture
async def shop(db: str, vault: Vault) -> Shop:
    return await _shop(vault)


def test_the_last_days_end_today() -> None:
    last = stretches.of_last(7, today=TODAY)
    assert (last.first, last.last, last.days) == (date(2026, 11, 14), TODAY, 7)
    assert last.before == Stretch(date(2026, 11, 7), date(2026, 11, 13))


def test_one_day_is_compared_with_the_same_weekday() -> None:
    assert stretches.of_last(1, today=TODAY).before == Stretch(date(2026, 11, 13), date(2026, 11, 13))


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [("2026-11-01", "2026-11-10", 10), ("2026-11-01", "", 1), ("", "2026-11-03", 1), ("2026-11-19", "2027-01-01", 2)],
)
def test_days_are_read_as_addresses_name_them(since: str, until: str, days: int) -> None:
    found = stretches.of_days(since, until, today=TODAY)
    assert found is not None
    assert found.days == days


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-11-10", "2026-11-01"), ("x", "2026-11-01"), ("2026-11-21", "2026-11-22"), ("2020-01-01", "2026-11-01"),
     ("0001-01-01", "0001-01-02"), ("2026-02-30", "2026-03-01")],
)  # fmt: skip
def test_days_that_are_none_are_refused(since: str, until: str) -> None:
    assert stretches.of_days(since, until, today=TODAY) is None


@pytest.mark.parametrize(
    ("zone", "now"),
    [("Africa/Nairobi", NOW), ("Asia/Kathmandu", NOW), ("America/Havana", datetime(2026, 3, 20, 12, 30, tzinfo=UTC)),
     ("Australia/Lord_Howe", datetime(2026, 4, 10, 12, 30, tzinfo=UTC))],
)  # fmt: skip
async def test_figures_equal_single_sales_added_up(db: str, vault: Vault, zone: str, now: datetime) -> None:
    shop, here, dice = await _shop(vault, zone), ZoneInfo(zone), random.Random(zone)
    moments = [now - timedelta(seconds=dice.randrange(14 * 86_400)) for _ in range(40)]
    for at in moments:
        await shop.sell(at, dice.choice((1000, 5000)))
    stretch = stretches.of_last(14, today=now.astimezone(here).date())
    found = await sales.figures(shop.owner, stretch, zone=here, now=now)
    by_day, by_place = Counter[date](), Counter[tuple[int, int]]()
    for row in await DB.fetch("SELECT paid_at, received_cents FROM payments"):
        local = row["paid_at"].astimezone(here)
        if local.date() >= stretch.first:
            by_day[local.date()] += row["received_cents"]
            by_place[local.weekday(), local.hour] += row["received_cents"]
    assert {step.at.date(): step.cents for step in found.steps if step.cents} == dict(by_day)
    assert len(found.steps) == 14
    assert found.cents == sum(by_day.values()) == found.packages[0].cents
    # Every weekday was there twice, but today's later hours once; so the map is half of what was sold.
    for (weekday, hour), cents in by_place.items():
        assert found.heat[weekday][hour] in (round(cents / 2), cents)


@pytest.mark.parametrize(
    ("zone", "day", "many"),
    [
        ("America/Havana", date(2026, 3, 8), 23),
        ("America/Havana", date(2026, 11, 1), 25),
        ("Africa/Nairobi", TODAY, 24),
    ],
)
async def test_a_day_has_as_many_bars_as_hours(db: str, vault: Vault, zone: str, day: date, many: int) -> None:
    shop, here = await _shop(vault, zone), ZoneInfo(zone)
    begins, ends = Stretch(day, day).bounds(here)
    for at in (begins, ends - timedelta(seconds=1), ends, begins - timedelta(seconds=1)):
        await shop.sell(at)
    found = await sales.figures(shop.owner, Stretch(day, day), zone=here, now=ends + timedelta(days=1))
    assert len(found.steps) == many
    assert [step.cents for step in found.steps] == [1000, *[0] * (many - 2), 1000]


async def test_a_year_is_told_by_months(shop: Shop) -> None:
    await shop.sell(NOW - timedelta(days=300), 7000)
    await shop.sell(NOW - timedelta(minutes=1), 500)
    await shop.sell(NOW - timedelta(days=400), 900)
    found = await sales.figures(shop.owner, stretches.of_last(365, today=TODAY), zone=NAIROBI, now=NOW)
    assert [(step.at.month, step.cents) for step in found.steps if step.cents] == [(1, 7000), (11, 500)]
    assert (found.step, found.before_cents) == ("month", 900)


async def test_the_time_before_goes_as_far_as_this_one_has_come(shop: Shop) -> None:
    week = timedelta(days=7)
    await shop.sell(NOW - timedelta(minutes=2), 6000)
    await shop.sell(NOW - week - timedelta(minutes=2), 5000)  # in the hour that is cut: counted one by one
    await shop.sell(NOW - week - timedelta(hours=3), 100)
    await shop.sell(NOW - week + timedelta(minutes=2), 40_000)
    found = await sales.figures(shop.owner, stretches.of_last(1, today=TODAY), zone=NAIROBI, now=NOW)
    assert (found.cents, found.before_cents, found.change_percent) == (6000, 5100, 18)
    assert (found.before_sold, found.before_commission_cents) == (2, 1020)


async def test_a_past_day_is_compared_with_a_whole_day(shop: Shop) -> None:
    day = TODAY - timedelta(days=3)
    await shop.sell(datetime(2026, 11, 10, 20, 30, tzinfo=UTC), 700)  # the evening of the same weekday a week earlier
    found = await sales.figures(shop.owner, Stretch(day, day), zone=NAIROBI, now=NOW)
    assert found.before_cents == 700


async def test_cashiers_ways_and_places_are_told_apart(shop: Shop, vault: Vault) -> None:
    juma = await factories.user("juma@x.test", shop.router.merchant_id, role="cashier", name="Juma")
    drawer = await DB.value(
        "INSERT INTO floats (merchant_id, user_id, opened_at) VALUES ($1, $2, $3) RETURNING id",
        shop.router.merchant_id, juma, NOW,
    )  # fmt: skip
    at = NOW - timedelta(minutes=1)
    await shop.sell(at, 5000)
    await shop.sell(at, 2000, method="cash", sold_by=juma)
    await shop.sell(at, 1000, method="cash", float_id=drawer)
    found = await sales.figures(shop.owner, stretches.of_last(7, today=TODAY), zone=NAIROBI, now=NOW)
    assert [(line.name, line.sold, line.cents) for line in found.sellers] == [("Juma", 2, 3000), ("", 1, 5000)]
    assert [(line.name, line.cents) for line in found.ways] == [("stk", 5000), ("cash", 3000)]
    assert found.routers == [Line(name="Main shop", sold=3, cents=8000, before_cents=0)]
    assert found.commission_cents == 1600


async def test_a_sale_that_went_back_is_none(shop: Shop) -> None:
    kept, back = await shop.sell(NOW - timedelta(hours=2), 5000), await shop.sell(NOW - timedelta(hours=2), 3000)
    await DB.fetch("UPDATE payments SET status = 'refunded' WHERE id = $1", back)
    receipt = await DB.value(
        """INSERT INTO receipts (merchant_id, payment_id, receipt, amount_cents, phone, happened_at, created_at)
           VALUES ($1, $2, 'SKL4H7T2QX', 3000, '254712345678', $3, $3) RETURNING id""",
        shop.router.merchant_id, back, NOW - timedelta(hours=2),
    )  # fmt: skip
    await DB.fetch(
        """INSERT INTO refunds (merchant_id, receipt_id, payment_id, amount_cents, status, done_at, wanted_by, why, created_at,
                                approved_at, approved_by, road)
           VALUES ($1, $2, $3, 3000, 'done', $4, 'user:1', 'no', $4, $4, 'user:1', 'cash')""",
        shop.router.merchant_id, receipt, back, NOW - timedelta(minutes=5),
    )  # fmt: skip
    found = await sales.figures(shop.owner, stretches.of_last(7, today=TODAY), zone=NAIROBI, now=NOW)
    assert (found.cents, found.commission_cents, found.refunded_cents, found.refunds) == (5000, 1000, 3000, 1)
    assert kept != back


async def test_nothing_of_others_is_in_the_figures(shop: Shop, vault: Vault) -> None:
    other = await _shop(vault)
    await other.sell(NOW - timedelta(minutes=1), 9900)
    await hours.count(other.router.merchant_id, now=NOW)
    found = await sales.figures(shop.owner, stretches.of_last(365, today=TODAY), zone=NAIROBI, now=NOW)
    assert (found.cents, found.sold, found.before_cents, found.packages) == (0, 0, 0, [])


async def test_months_and_best_sellers_are_the_same_from_sums_and_from_rows(shop: Shop) -> None:
    for days, cents in ((1, 1000), (3, 2000), (40, 3000), (200, 4000), (0, 500)):
        await shop.sell(NOW - timedelta(days=days, minutes=5), cents)
    months = await takings_per_month(shop.owner, months=12, zone=NAIROBI, now=NOW)
    most = await best.most_sold(shop.owner, zone=NAIROBI, now=NOW)
    await hours.count(shop.router.merchant_id, now=NOW)
    assert await takings_per_month(shop.owner, months=12, zone=NAIROBI, now=NOW) == months
    assert await best.most_sold(shop.owner, zone=NAIROBI, now=NOW) == most
    assert [each.cents for each in months] == [0, 0, 0, 0, 0, 4000, 0, 0, 0, 0, 3000, 3500]
    assert (months[0].day, most[0].sold) == (date(2025, 12, 1), 3)


async def test_key_figures_count_the_last_thirty_days(shop: Shop, vault: Vault) -> None:
    told = ((50, "failed", "1"), (40, "paid", None), (2, "paid", None), (1, "paid", None), (1, "failed", "1032"))
    for days, status, code in told:
        await shop.sell(NOW - timedelta(days=days), 1000, status=status, result_code=code)
    online = await shop.sell(NOW - timedelta(hours=1), 2000)
    await rows.access(online, vault, at=NOW - timedelta(hours=1))
    await hours.count(shop.router.merchant_id, now=NOW)
    found = await keys.keys(shop.owner, now=NOW)
    assert (found.asked, found.paid, found.cancelled, found.no_money, found.otherwise) == (4, 3, 1, 0, 0)
    assert (found.payments_well, found.cents, found.before_cents, found.growth_percent) == (75.0, 4000, 1000, 300)
    assert (found.made, found.sold_of_made, found.conversion, found.online) == (1, 1, 100.0, 1)
    assert (found.wanted, found.reached, found.routers_well) == (1, 1, 100.0)
    assert (found.callbacks_well, found.routers_up) == (None, 100.0)
