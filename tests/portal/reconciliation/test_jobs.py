"""The two jobs as the clock runs them: what is due is looked at, confirmed statements are taken in, days are closed."""

from datetime import timedelta
from pathlib import Path

from jobs import reconciliation
from jobs.schedule import JOBS
from portal.db import DB
from portal.house import doors_open
from portal.reconciliation import statements
from tests.portal.payments.stall import count
from tests.portal.reconciliation.conftest import Desk
from tests.portal.reconciliation.sheets import as_csv, paid


async def test_the_nightly_look_and_a_confirmed_statement_are_carried_out_by_one_run(
    desk: Desk, tmp_path: Path
) -> None:
    desk.pay((await desk.stall.voucher())[1])
    desk.clock.shift(timedelta(seconds=2))
    path = as_csv(tmp_path / "a.csv", [paid("UKA0000001", desk.clock.now(), 10, (await desk.stall.voucher())[1])])
    made = await statements.receive(
        path, account_id=desk.stall.account_id, file_name="a.csv", by="user:1", now=desk.clock.now()
    )
    await statements.confirm(made, by="user:1", now=desk.clock.now())
    async with doors_open(desk.settings, desk.clock) as doors:
        tally = await reconciliation.pull(doors)
        assert (tally.processed, tally.failed) == (2, 0)
        again = await reconciliation.pull(doors)
        assert (again.processed, again.failed) == (0, 0)
    assert await count("vouchers", "status = 'paid'") == 2


async def test_the_close_writes_each_day_once(desk: Desk) -> None:
    async with doors_open(desk.settings, desk.clock) as doors:
        assert (await reconciliation.close(doors)).processed == 1
        assert (await reconciliation.close(doors)).processed == 0
    assert await DB.value("SELECT made_by FROM daily_closes") == "job:daily-close"


def test_both_jobs_are_on_the_clock() -> None:
    assert {"pull-transactions", "daily-close"} <= set(JOBS)
