"""Fifty routers, one swallowing every packet: are the others' people cut later for it? Limit: the same with all fifty alive."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bench import house
from bench.crowd import Site, crowd, synced, worker
from bench.lateness import EXPIRING, expire_some
from bench.result import Result, quantile

ROUTERS = 50
#: By how much the others may be later, in seconds, at the 99th percentile; and nobody may stay.
BAR = {"later_p99_s": 1.0, "not_cut": 0}


async def run(quick: bool) -> Result:
    """Ten of each router's people expire within a second: alive, dead, and again, so that a busy machine harms both alike."""
    rounds = 1 if quick else 2
    alive: list[float] = []
    with_dead: list[float] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        dsn = await stack.enter_async_context(house.database(folder))
        sites = await stack.enter_async_context(crowd(ROUTERS, EXPIRING * 2 * rounds))
        await stack.enter_async_context(worker(folder, dsn, log=folder / "worker.log"))
        *others, dead = sites
        for _ in range(rounds):
            await _all_answer(sites)
            alive += await expire_some(others, dead)
            await dead.board.vanish()
            await asyncio.sleep(1)  # the worker is to find it out while people expire, not before
            with_dead += await expire_some(others, dead)
            await dead.board.set_online(True)
    expected = len(others) * EXPIRING * rounds
    figures = {
        "later_p99_s": round(quantile(with_dead, 0.99) - quantile(alive, 0.99), 3),
        "later_p50_s": round(quantile(with_dead, 0.5) - quantile(alive, 0.5), 3),
        "p99_s": round(quantile(with_dead, 0.99), 3),
        "max_s": round(max(with_dead), 3),
        "cut": len(with_dead),
        "not_cut": 2 * expected - len(alive) - len(with_dead),
    }
    limit = {"alive_p99_s": round(quantile(alive, 0.99), 3), "alive_max_s": round(max(alive), 3)}
    ok = all(figures[name] <= most for name, most in BAR.items())
    return Result("dead-router", figures, limit, round(figures["p99_s"] / limit["alive_p99_s"], 2), dict(BAR), ok)


async def _all_answer(sites: list[Site]) -> None:
    if await synced([site.router.id for site in sites], within_s=150) is None:
        raise RuntimeError("the worker did not get to all routers")
