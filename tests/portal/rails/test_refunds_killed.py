"""Never twice, also with kill -9 while money goes back by another rail: the provider's own ledger says that it moved once."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.db import DB
from tests.flows.programs import KEY
from tests.portal.rails.test_refunds import asked, at_once, status
from tests.portal.rails.tills import Till

ROOT = Path(__file__).parents[3]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return tmp_path / "fault"


def planned(plan: Path, point: str) -> Path:
    plan.write_text(f"{point} self\n")
    return plan


async def killed_run(till: Till, plan: Path) -> bool:
    """The job of refunds, in a process that dies where the plan says; whether it came to that."""
    settings = till.all_doors.settings
    env = {
        "PORTAL_DATABASE_URL": str(DB.config["dsn"]), "PORTAL_DATA_DIR": str(settings.data_dir), "PORTAL_SECRET_KEYS": KEY,
        "PORTAL_BASE_URL": till.portal, "PORTAL_MPESA_ENVIRONMENT": "loopback", "PORTAL_MPESA_URL": till.portal,
        f"PORTAL_{till.rail.upper()}_URL": till.sim.url, "PORTAL_LOG_LEVEL": "error", "PORTAL_FAULT": str(plan),
    }  # fmt: skip
    ahead = (till.clock.now() - datetime.now(UTC)).total_seconds()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.portal.refunds.one_run", "send", str(ahead), env=env, cwd=ROOT
    )
    return await process.wait() == -9


@pytest.mark.parametrize("till", ["airtel", "paystack"], indirect=True)
@pytest.mark.parametrize("point", ["rail_refund.claimed", "rail_refund.answered"])
async def test_money_goes_back_once_whoever_dies(till: Till, plan: Path, point: str) -> None:
    at_once(till)
    refund = await asked(till, await till.paid())
    assert await killed_run(till, planned(plan, point)), "nobody came to the point: this test tries nothing"
    was_sent = point == "rail_refund.answered"
    assert till.really_returned() == was_sent
    await till.turn(8, minutes=5)
    if till.rail == "airtel" and not was_sent:  # it does not tell that it knows of nothing: a person looks
        assert (await status("refunds", refund), till.really_returned()) == ("unknown", 0)
        return
    assert (await status("refunds", refund), till.really_returned()) == ("done", 1)


@pytest.mark.parametrize("till", ["paystack"], indirect=True)
async def test_whoever_dies_with_the_answer_in_hand_has_it_asked_again(till: Till, plan: Path) -> None:
    refund = await asked(till, await till.paid())
    await till.turn(1)
    till.sim.transactions[next(iter(till.sim.transactions))].refund_status = "processed"
    await till.pass_time(200)
    assert await killed_run(till, planned(plan, "rail_refund.told"))
    assert await status("refunds", refund) == "sending"
    await till.turn(3, minutes=15)
    assert (await status("refunds", refund), till.really_returned()) == ("done", 1)
