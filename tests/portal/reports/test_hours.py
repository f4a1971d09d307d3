"""Sums by the hour: equal to a recount by other means, in odd zones too, whatever comes late."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.db import DB, atomic
from portal.identity import Actor, Role
from portal.reports import hours, takings_per_day
from portal.routers import RouterView
from portal.states import E, move
from portal.vault import Vault
from tests import factories
from tests.portal.web import rows

NOW = datetime(2026, 11, 20, 11, 12, tzinfo=UTC)
ZONES = ["Africa/Nairobi", "Asia/Kathmandu", "Australia/Lord_Howe"]


class Shop:
    """A merchant who sells, and what its rows say when they are added up by hand."""

    def __init__(self, vault: Vault, router: RouterView, package_id: int, zone: str) -> None:
        self.vault, self.router, self.package_id, self.zone = vault, router, package_id, zone
        self.merchant_id = router.merchant_id

    async def sell(self, at: datetime, cents: int = 1000) -> int:
        return await rows.payment(self.router, self.package_id, at=at, cents=cents)

    async def session(self, began: datetime, *, uptime_s: int, up: int, down: int, is_over: bool = True) -> int:
        paid = await self.sell(began)
        grant = await rows.access(paid, self.vault, at=began, is_open=False)
        ended = began + timedelta(seconds=uptime_s)
        return await DB.value(
            """INSERT INTO hotspot_sessions (merchant_id, router_id, grant_id, mac, ip, started_at, seen_at, ended_at, uptime_s,
                                             bytes_up, bytes_down)
               VALUES ($1, $2, $3, '02:00:00:00:00:01', '10.5.50.9', $4, $5, $6, $7, $8, $9) RETURNING id""",
            self.merchant_id, self.router.id, grant, began, ended, ended if is_over else None, uptime_s, up, down,
        )  # fmt: skip

    async def count(self, now: datetime = NOW) -> int:
        return await hours.count(self.merchant_id, now=now)

    async def sales(self) -> dict[datetime, tuple[int, int]]:
        found = await DB.fetch(
            "SELECT hour_at, sum(sold)::int AS n, sum(received_cents)::int AS c FROM sales_hours WHERE merchant_id = $1 GROUP BY 1",
            self.merchant_id,
        )
        return {row["hour_at"]: (row["n"], row["c"]) for row in found}

    async def usage(self) -> dict[datetime, tuple[int, int, int, int]]:
        found = await DB.fetch(
            """SELECT hour_at, sum(sessions)::int, sum(uptime_s)::int, sum(bytes_up)::bigint, sum(bytes_down)::bigint
               FROM usage_hours WHERE merchant_id = $1 GROUP BY 1""",
            self.merchant_id,
        )
        return {row[0]: (row[1], row[2], int(row[3]), int(row[4])) for row in found}

    async def assert_recounted(self) -> None:
        """Both tables are what adding up the single rows in Python gives."""
        paid = await DB.fetch(
            "SELECT paid_at, received_cents FROM payments WHERE merchant_id = $1 AND status = 'paid'", self.merchant_id
        )
        sold, came = Counter[datetime](), Counter[datetime]()
        for row in paid:
            sold[_hour(row[0], self.zone)] += 1
            came[_hour(row[0], self.zone)] += row[1]
        assert await self.sales() == {hour: (sold[hour], came[hour]) for hour in sold}
        assert await self.usage() == await self._usage_by_hand()

    async def _usage_by_hand(self) -> dict[datetime, tuple[int, int, int, int]]:
        """Second by second of every session."""
        found: dict[datetime, list[int]] = {}
        for row in await DB.fetch("SELECT * FROM hotspot_sessions WHERE merchant_id = $1", self.merchant_id):
            hour = _hour(row["started_at"], self.zone)
            found.setdefault(hour, [0, 0, 0, 0])[0] += 1
            whole = row["uptime_s"]
            if not whole:
                found[hour][2] += row["bytes_up"]
                found[hour][3] += row["bytes_down"]
            for second in range(whole):
                line = found.setdefault(_hour(row["started_at"] + timedelta(seconds=second), self.zone), [0, 0, 0, 0])
                line[1] += 1
                line[2] += row["bytes_up"] * (second + 1) // whole - row["bytes_up"] * second // whole
                line[3] += row["bytes_down"] * (second + 1) // whole - row["bytes_down"] * second // whole
        return {hour: (line[0], line[1], line[2], line[3]) for hour, line in found.items()}


def _hour(at: datetime, zone: str) -> datetime:
    """The hour of the wall clock a moment is in, found by going back minute by minute."""
    at = at.replace(second=0, microsecond=0)
    while at.astimezone(ZoneInfo(zone)).minute:
        at -= timedelta(minutes=1)
    return at


async def _shop(vault: Vault, zone: str = "Africa/Nairobi") -> Shop:
    merchant = await factories.merchant(timezone=zone)
    router = await factories.router(vault, merchant)
    return Shop(vault, router, await factories.package(merchant), zone)


@pytest.fixture
async def shop(db: str, vault: Vault) -> Shop:
    return await _shop(vault)


@pytest.mark.parametrize("zone", ZONES)
async def test_sums_equal_a_recount_in_every_zone(db: str, vault: Vault, zone: str) -> None:
    shop = await _shop(vault, zone)
    dice = random.Random(zone)
    for _ in range(12):
        began = NOW - timedelta(seconds=dice.randrange(2 * 86_400))
        await shop.session(
            began, uptime_s=dice.choice((0, 1, 59, 3600, 9137)), up=dice.randrange(10**6), down=dice.randrange(10**9)
        )
    assert await shop.count() > 0
    await shop.assert_recounted()
    assert await shop.count(NOW + timedelta(minutes=1)) == 0, "nothing happened, nothing is written"


async def test_a_late_row_is_in_the_hour_it_belongs_to(shop: Shop) -> None:
    await shop.sell(NOW - timedelta(hours=30))
    await shop.count()
    late = NOW - timedelta(hours=26)
    await shop.sell(late)  # its posting is dated as it is: only the daily look at everything finds it
    assert await shop.count(NOW + timedelta(hours=1)) == 0
    assert await shop.count(NOW + timedelta(days=1)) == 1
    await shop.assert_recounted()


async def test_a_refund_takes_a_sale_out_of_its_old_hour(shop: Shop) -> None:
    kept, back = await shop.sell(NOW - timedelta(days=60)), await shop.sell(NOW - timedelta(days=60), cents=700)
    await shop.count()
    async with atomic() as tx:
        assert await move(tx, "payments", back, E.REFUND, at=NOW + timedelta(minutes=5))
    await shop.count(NOW + timedelta(hours=1))
    assert list((await shop.sales()).values()) == [(1, 1000)]
    await shop.assert_recounted()
    async with atomic() as tx:
        assert await move(tx, "payments", kept, E.REFUND, at=NOW + timedelta(hours=1, minutes=5))
    await shop.count(NOW + timedelta(hours=2))
    assert await shop.sales() == {}


async def test_a_session_that_goes_on_is_spread_anew(shop: Shop) -> None:
    began = NOW - timedelta(hours=3)
    session = await shop.session(began, uptime_s=3 * 3600, up=300, down=3000, is_over=False)
    await shop.count()
    later = NOW + timedelta(hours=2)
    await DB.fetch(
        "UPDATE hotspot_sessions SET uptime_s = 18000, bytes_up = 900, bytes_down = 7777, seen_at = $2 WHERE id = $1",
        session,
        later,
    )
    await shop.count(later)
    await shop.assert_recounted()
    assert sum(line[3] for line in (await shop.usage()).values()) == 7777


async def test_a_session_that_ended_unseen_is_counted(shop: Shop) -> None:
    began = NOW - timedelta(hours=9)
    session = await shop.session(began, uptime_s=600, up=1, down=1, is_over=False)
    await shop.count()
    await DB.fetch(
        "UPDATE hotspot_sessions SET uptime_s = 9000, bytes_down = 50, ended_at = $2 WHERE id = $1", session, NOW
    )
    await shop.count(NOW + timedelta(hours=1))
    await shop.assert_recounted()


async def test_another_zone_counts_all_anew(shop: Shop) -> None:
    await shop.session(NOW - timedelta(hours=50), uptime_s=7000, up=5, down=99)
    await shop.count()
    await DB.fetch("UPDATE merchants SET timezone = 'Asia/Kathmandu' WHERE id = $1", shop.merchant_id)
    shop.zone = "Asia/Kathmandu"
    await shop.count(NOW + timedelta(hours=1))
    await shop.assert_recounted()


async def test_the_homes_days_are_the_same_with_and_without_sums(shop: Shop) -> None:
    for days in range(12):
        await shop.sell(NOW - timedelta(days=days), cents=1000 + days)
    actor = Actor(
        user_id=1, merchant_id=shop.merchant_id, role=Role.OWNER, is_operator=False, name="A", email="a@b.test"
    )
    zone = ZoneInfo(shop.zone)
    before = await takings_per_day(actor, days=14, zone=zone, now=NOW)
    await shop.count()
    await shop.sell(NOW, cents=5)
    after = await takings_per_day(actor, days=14, zone=zone, now=NOW)
    assert [day.cents for day in after] == [*[day.cents for day in before][:-1], 1005]
    await DB.fetch("UPDATE sales_hours SET received_cents = 1 WHERE received_cents = 1007")
    assert 1 in [day.cents for day in await takings_per_day(actor, days=14, zone=zone, now=NOW)], "the sums are read"
