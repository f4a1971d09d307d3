"""How late people are cut when 500 of 2,000 on 50 routers expire in one second, one more router being dead; limit: one cut."""

import asyncio
import random
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import fill, house
from bench.crowd import Site, crowd, synced, worker
from bench.result import Result, quantile
from portal.db import atomic
from routeros.client import HotspotRouter
from routeros.values import RouterAddress

ROUTERS, SESSIONS, EXPIRING = 50, 40, 10
BAR = {"p99_s": 5.0, "not_cut": 0, "cut_by_mistake": 0}


async def run(quick: bool) -> Result:
    """Let them expire and look at every router's sessions, as they end."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        dsn = await stack.enter_async_context(house.database(folder))
        *sites, dead = await stack.enter_async_context(crowd(ROUTERS + 1, SESSIONS))
        await stack.enter_async_context(worker(folder, dsn, log=folder / "worker.log"))
        if await synced([site.router.id for site in sites], within_s=60) is None:
            raise RuntimeError("the worker did not get to all routers")
        alive = await expire_some(sites, dead)
        await dead.board.vanish()
        late: list[float] = []
        for _ in range(1 if quick else 2):
            late += await expire_some(sites, dead)
        bare = await _bare(sites[0])
        mistakes = sum(not site.board.hotspot.users.named(name) for site in sites for name in site.names)
    p99 = quantile(late, 0.99) if late else 0.0
    expected = ROUTERS * EXPIRING * (1 if quick else 2)
    figures = {
        "p50_s": round(quantile(late, 0.5), 3),
        "p99_s": round(p99, 3),
        "max_s": round(max(late), 3),
        "p99_without_the_dead_one_s": round(quantile(alive, 0.99), 3) if alive else 0.0,
        "cut": len(late),
        "not_cut": expected - len(late),
        "cut_by_mistake": mistakes,
    }
    ok = all(figures[name] <= most for name, most in BAR.items())
    return Result("lateness", figures, {"bare_cut_s": round(bare, 4)}, round(p99 / bare, 1), dict(BAR), ok)


async def expire_some(sites: list[Site], dead: Site) -> list[float]:
    """Ten on each router within one second, on the dead one too. Returns by how much each was cut too late."""
    start, late = datetime.now(UTC) + timedelta(seconds=3), list[float]()
    due: dict[str, datetime] = {}
    for site in (*sites, dead):
        for name in site.names[:EXPIRING]:
            due[name] = start + timedelta(seconds=random.random())
        del site.names[:EXPIRING]

    def note(active: object, is_gone: bool) -> None:
        ends = due.get(getattr(active, "user", ""))
        if is_gone and ends is not None:
            late.append((datetime.now(UTC) - ends).total_seconds())

    for site in sites:
        site.board.hotspot.session_watchers.append(note)
    async with atomic() as tx:
        await tx.execute(
            """UPDATE vouchers v SET expires_at = n.at FROM unnest($1::text[], $2::timestamptz[]) AS n (name, at),
               access_grants g WHERE g.user_name = n.name AND g.voucher_id = v.id""",
            list(due),
            list(due.values()),
        )
    end = time.monotonic() + 25
    while len(late) < len(sites) * EXPIRING and time.monotonic() < end:  # noqa: ASYNC110  (the routers tell nobody)
        await asyncio.sleep(0.05)
    for site in sites:
        site.board.hotspot.session_watchers.remove(note)
    return late


async def _bare(site: Site) -> float:
    """Ending one user on an open connection."""
    board = site.board
    async with HotspotRouter(RouterAddress(board.api_host, board.api_port, "vocha", "secret")) as client:
        await client.identity()
        [name] = fill.names(1)
        board.hotspot.users.add({"name": name, "password": "x"})
        began = time.perf_counter()
        await client.end_access([name])
        return time.perf_counter() - began
