"""Never twice, also with kill -9 at every step of sending money: the next run finds what the dead one left, and M-Pesa's own books
say that the money moved once."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal import payouts, refunds
from portal.db import DB
from portal.refunds import Road
from tests.portal.refunds.till import Till, books, wish

SENDING = ("transfer.claimed", "transfer.answered", "transfer.noted")
HEARING = ("settle.inside", "transfer.result", "settle.committed")


class Runs:
    """Runs of the jobs in processes of their own."""

    def __init__(self, till: Till, plan: Path) -> None:
        self.till = till
        self.plan = plan
        self.deaths = 0

    async def run(self, what: str) -> None:
        """One; `deaths` counts those that were killed."""
        settings = self.till.settings
        ahead = (self.till.clock.now() - datetime.now(UTC)).total_seconds()
        env = {
            "PORTAL_DATABASE_URL": str(DB.config["dsn"]),
            "PORTAL_DATA_DIR": str(settings.data_dir),
            "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
            "PORTAL_BASE_URL": settings.base_url,
            "PORTAL_MPESA_ENVIRONMENT": "loopback",
            "PORTAL_MPESA_URL": settings.mpesa_url,
            "PORTAL_LOG_LEVEL": "error",
            "PORTAL_FAULT": str(self.plan),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.portal.refunds.one_run", what, str(ahead), env=env,
            cwd=Path(__file__).parents[3],
        )  # fmt: skip
        code = await process.wait()
        assert code in (0, -9), f"the run ended with {code}"
        self.deaths += code == -9

    async def turn(self, times: int) -> None:
        """Runs that nobody kills, time passing between them."""
        for _ in range(times):
            await self.till.turn(1, minutes=3)


@pytest.fixture
def runs(till: Till, tmp_path: Path) -> Runs:
    return Runs(till, tmp_path / "fault")


async def start(till: Till, kind: str) -> tuple[str, int]:
    """A refund by reversal, one by B2C, or a payout, about to be sent. Its table and id."""
    attempt, _ = await till.sale(cents=10_000)
    if kind == "payout":
        await DB.fetch(
            "INSERT INTO payout_numbers (merchant_id, phone, usable_at) VALUES ($1, '254722000111', $2)",
            till.stall.merchant_id,
            till.clock.now(),
        )
        [made] = await payouts.ask(till.owner, amount_cents=8000, form_key="a", now=till.clock.now())
        return "payouts", made
    road = Road.REVERSAL if kind == "reversal" else Road.B2C
    return "refunds", await refunds.request(till.owner, attempt.payment_id, wish(road), now=till.clock.now())


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        *(("reversal", point) for point in (*SENDING, *HEARING)),
        *(("payout", point) for point in (*SENDING, *HEARING)),
        ("b2c", "transfer.answered"),
    ],
)
async def test_money_goes_out_once_whoever_dies(till: Till, runs: Runs, kind: str, point: str) -> None:
    table, row_id = await start(till, kind)
    if point in HEARING:
        await till.send()
        await till.daraja.wait_settled()
    runs.plan.write_text(f"{point} self\n")
    await runs.run("hear" if point in HEARING else "send")
    assert runs.deaths == 1, f"nobody came to {point}: this test tries nothing"
    await runs.turn(6)
    assert await till.status(table, row_id) == "done"
    assert len(till.out("reversal" if kind == "reversal" else "b2c")) == 1
    left = {"mpesa_clearing": 2000, "commission": -2000} if kind == "payout" else {}
    assert await books() == left


async def test_a_plans_payout_is_made_once_though_its_maker_died(till: Till, runs: Runs) -> None:
    await till.sale(cents=10_000)
    await DB.fetch(
        """INSERT INTO payout_plans (merchant_id, schedule, minimum_cents, threshold_cents)
           VALUES ($1, 'threshold', 1000, 1000)""",
        till.stall.merchant_id,
    )
    noon = till.clock.now().replace(hour=9, minute=0)
    till.clock.shift(noon - till.clock.now())
    runs.plan.write_text("payout.made self\n")
    await runs.run("send")
    assert runs.deaths == 1
    assert await DB.value("SELECT count(*) FROM payouts") == 0, "it died inside its transaction"
    await till.send()
    await till.send()
    assert await DB.value("SELECT count(*) FROM payouts") == 1
    assert (await books())["payouts"] == -8000
