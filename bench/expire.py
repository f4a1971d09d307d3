"""Expiring 100,000 due vouchers with their events and grants, and how long anybody waits for a row meanwhile; limit: a bare UPDATE."""

import asyncio
import random
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench import cpu, fill, house
from bench.result import Result
from jobs import vouchers
from portal.clock import Clock
from portal.db import DB, atomic
from portal.house import doors_open
from tests import factories

BAR = {"seconds": 10.0, "longest_wait_s": 1.0}
#: A region's power was cut at noon: many routers of several merchants, everybody's time over at once.
ROUTERS = 50
_PROBE_EVERY_S = 0.02


async def run(quick: bool) -> Result:
    """Expire them once, as the job does; then bare UPDATEs of the same rows."""
    count = 10_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as folder:
        async with house.database(Path(folder)) as dsn, doors_open(house.settings(Path(folder), dsn), Clock()) as doors:
            await _fill(20 * ROUTERS)
            await vouchers.expire(doors)  # a worker has done this before
            await _fill(count)
            ours, theirs = time.process_time(), await cpu.of_database()
            probing = asyncio.create_task(_probe())
            began = time.perf_counter()
            tally = await vouchers.expire(doors)
            took = time.perf_counter() - began
            probing.cancel()
            waits = await probing
            figures: dict[str, float | int] = {
                "vouchers": tally.processed,
                "seconds": round(took, 3),
                "per_second": round(tally.processed / took),
                "longest_wait_s": round(max(waits, default=0.0), 3),
                "probes": len(waits),
                "our_cpu_s": round(time.process_time() - ours, 3),
                "database_cpu_s": round(await cpu.of_database() - theirs, 3),
            }
            await _check(count, tally.processed)
            limit: dict[str, float | int] = {"bare_update_s": await _bare()}
    bar = dict(BAR) if not quick else {"seconds": 1.0, "longest_wait_s": 1.0}
    ok = all(figures[name] <= most for name, most in bar.items())
    return Result("expire", figures, limit, round(took / limit["bare_update_s"], 2), bar, ok)


async def _fill(count: int) -> None:
    for _ in range(10):
        merchant = await factories.merchant()
        package = await factories.package(merchant)
        for _ in range(ROUTERS // 10):
            router = await factories.router(house.vault(), merchant)
            names = fill.names(count // ROUTERS)
            await fill.vouchers_with_grants(router, package, names, ends_in=-timedelta(seconds=1), is_last=False)
    await DB.fetch("ANALYZE routers, vouchers, access_grants, events")
    await DB.fetch("CHECKPOINT")


async def _probe() -> list[float]:
    """What a customer whose payment arrives meanwhile sees: seconds until a voucher's row is ours, again and again."""
    newest = await DB.value("SELECT max(id) FROM vouchers")
    waits: list[float] = []
    try:
        while True:
            await asyncio.sleep(_PROBE_EVERY_S)
            began = time.perf_counter()
            async with atomic() as tx:
                await tx.value("SELECT id FROM vouchers WHERE id = $1 FOR UPDATE", random.randrange(1, newest))
            waits.append(time.perf_counter() - began)
    except asyncio.CancelledError:
        return waits


async def _check(count: int, processed: int) -> None:
    live = await DB.value("SELECT count(*) FROM vouchers WHERE status <> 'expired'")
    wished = await DB.value("SELECT count(*) FROM access_grants WHERE status <> 'ending'")
    told = await DB.value("SELECT count(*) FROM events WHERE name IN ('expire', 'end')")
    if processed != count or live or wished or told != 2 * (count + 20 * ROUTERS):
        raise RuntimeError(f"not all ended: {processed} of {count}, {live} live, {wished} wished in, {told} events")


async def _bare() -> float:
    """The least a database can do with the same vouchers: one statement, no events, no grants."""
    await DB.fetch("UPDATE vouchers SET status = 'in_use', ended_at = NULL, ended_why = NULL")
    await DB.fetch("VACUUM (ANALYZE) vouchers")
    began = time.perf_counter()
    await DB.fetch(
        """UPDATE vouchers SET status = 'expired', ended_at = now(), ended_why = 'usage'
           WHERE status = 'in_use' AND expires_at <= now()"""
    )
    return round(time.perf_counter() - began, 3)
