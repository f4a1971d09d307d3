"""Counters over all processes: added up in rows, never twice, never lost; and what is counted there, where it happens."""

import asyncio
from collections.abc import Iterator

import pytest

from portal import codes, meters, voucher_entry
from portal.app import create_app
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.devices import DeviceHint
from portal.errors import Invalid, TooMany
from portal.meters import Histogram
from portal.metrics import Metrics, sums
from portal.spool import Spool
from portal.tables import Limit
from portal.vault import Vault
from tests import factories
from tests.portal.metrics.test_metrics import sample

PHONE = DeviceHint(mac="02:00:00:00:00:01", ip="10.5.50.9")


@pytest.fixture(autouse=True)
def nothing_counted() -> Iterator[None]:
    meters.take()
    yield
    meters.take()


async def test_processes_add_up_and_nothing_is_counted_twice(db: str) -> None:
    for seconds in (0.3, 70.0):  # as two processes would, one after the other
        meters.add(meters.RECONCILE, seconds, "whole")
        await sums.keep()
        await sums.keep()
    found = (await sums.read())[meters.RECONCILE]["whole"]
    one = Histogram()
    one.add_all([0.3, 70.0])
    assert found == one


async def test_what_could_not_be_written_down_is_kept(db: str) -> None:
    meters.add(meters.RECONCILE, 0.3, "whole")
    pool, DB.pool = DB.pool, None
    try:
        with pytest.raises(RuntimeError):
            await sums.keep()
    finally:
        DB.pool = pool
    meters.add(meters.RECONCILE, 0.4, "whole")
    await sums.keep()
    assert (await sums.read())[meters.RECONCILE]["whole"].total == 2


async def test_two_processes_writing_at_once_lose_nothing(db: str) -> None:
    async def one_more(label: str) -> None:
        for _ in range(5):
            meters.add(meters.RECONCILE, 1.0, label)
            await sums.keep()

    await asyncio.gather(*(one_more(label) for label in ("whole", "changes", "whole", "changes")))
    found = (await sums.read())[meters.RECONCILE]
    assert {label: each.total for label, each in found.items()} == {"whole": 10, "changes": 10}


async def test_the_last_counts_of_a_process_are_written_at_its_end(db: str, settings: Settings, clock: Clock) -> None:
    app = create_app(settings, clock=clock)
    async with app.lifespan():
        await asyncio.sleep(0)  # its keeper has begun
        meters.refuse_redeeming("unknown")
    assert (await sums.read())[meters.REDEEM_FAILED]["unknown"].total == 1


async def test_every_way_to_a_connection_is_timed(db: str) -> None:
    meters.take()
    await DB.value("SELECT 1")
    await Limit.count()
    async with atomic() as tx:
        await tx.value("SELECT 1")
    assert meters.take()[(meters.POOL_WAIT, "")].total == 3


async def test_waiting_for_a_busy_pool_shows(db: str) -> None:
    taken = [await DB.opened.acquire() for _ in range(DB.opened.get_max_size())]
    meters.take()
    waiting = asyncio.create_task(DB.value("SELECT 1"))
    await asyncio.sleep(0.03)
    for connection in taken:
        await DB.opened.release(connection)
    await waiting
    assert meters.take()[(meters.POOL_WAIT, "")].sum >= 0.025


async def test_failed_redeeming_is_counted_by_why_and_told_alike(db: str, vault: Vault, clock: Clock) -> None:
    merchant = await factories.merchant()
    router, package = await factories.router(vault, merchant), await factories.package(merchant)
    codes_by_why = {"unknown": codes.voucher_code(), "malformed": "AB"}
    for why, status in (("unsold", "unsold"), ("ended", "expired"), ("revoked", "revoked")):
        voucher = await factories.voucher(vault, merchant, package, status=status)
        sealed = await DB.value("SELECT code_sealed FROM vouchers WHERE id = $1", voucher)
        codes_by_why[why] = vault.open("vouchers", "code_sealed", row_id=voucher, sealed=sealed)
    for code in codes_by_why.values():
        with pytest.raises(Invalid):
            await voucher_entry.redeem(router, code, PHONE, vault=vault, now=clock.now())
    with pytest.raises(TooMany):
        await voucher_entry.redeem(router, codes.voucher_code(), PHONE, vault=vault, now=clock.now())
    await sums.keep()
    counted = (await sums.read())[meters.REDEEM_FAILED]
    assert {why: each.total for why, each in counted.items()} == dict.fromkeys([*codes_by_why, "too_many"], 1)


async def test_a_code_that_opens_is_no_failure(db: str, vault: Vault, clock: Clock) -> None:
    merchant = await factories.merchant()
    router, package = await factories.router(vault, merchant), await factories.package(merchant)
    voucher = await factories.voucher(vault, merchant, package)
    sealed = await DB.value("SELECT code_sealed FROM vouchers WHERE id = $1", voucher)
    code = vault.open("vouchers", "code_sealed", row_id=voucher, sealed=sealed)
    await voucher_entry.redeem(router, code, PHONE, vault=vault, now=clock.now())
    assert (meters.REDEEM_FAILED, "") not in meters.sums
    assert not [key for key in meters.sums if key[0] == meters.REDEEM_FAILED]


async def test_sums_and_clocks_are_shown(db: str, vault: Vault, settings: Settings) -> None:
    merchant = await factories.merchant()
    for skew, status in ((-400, "online"), (2, "late"), (None, "online"), (9999, "offline")):
        await factories.router(vault, merchant, name=f"{skew}", clock_skew_s=skew, status=status)
    meters.refuse_redeeming("unknown")
    meters.add(meters.RECONCILE, 0.3, "whole")
    text = await Metrics(Spool(settings.spool_dir)).text()
    exact = {
        'voucher_redeem_failed_total{reason="unknown"}': 1, 'router_reconcile_seconds_count{pass="whole"}': 1,
        'router_reconcile_seconds_bucket{pass="whole",le="0.25"}': 0,
        'router_reconcile_seconds_bucket{pass="whole",le="0.5"}': 1,
        'router_clock_skew_seconds_bucket{le="300"}': 1, "router_clock_skew_seconds_count": 2,
        "router_clock_skew_seconds_sum": 402, "metrics_unanswered": 0,
    }  # fmt: skip
    assert {name: sample(text, name) for name in exact} == exact
    assert (sample(text, "db_pool_wait_seconds_count") or 0) >= 1
