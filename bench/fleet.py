"""500 routers with 100 sessions each, a fifth flapping, ten hostile: all healthy ones synced, memory; limit: bare reads."""

import asyncio
import random
import re
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from bench import cpu, house
from bench.crowd import Site, crowd, synced, worker
from bench.result import Result
from routeros import menus
from routeros.client import HotspotRouter
from routeros.simulator.hostility import Mode
from routeros.values import RouterAddress

SESSIONS, HOSTILE = 100, 10
HOSTILITY: tuple[Mode, ...] = ("endless", "huge-word", "silence", "garbage")
BAR = {"synced_s": 60.0, "worker_peak_mib": 300.0}


async def run(quick: bool) -> Result:
    """Start a worker in the middle of it all and wait for a pass over every healthy router; quick: 150 of them."""
    count = 150 if quick else 500
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        dsn = await stack.enter_async_context(house.database(folder))
        sites = await stack.enter_async_context(crowd(count, SESSIONS))
        hostile, flapping = sites[:HOSTILE], sites[HOSTILE : HOSTILE + count // 5]
        healthy = sites[HOSTILE + len(flapping) :]
        for site, number in zip(hostile, range(HOSTILE), strict=True):
            site.board.faults.hostile = HOSTILITY[number % len(HOSTILITY)]
        bare = await _bare(healthy)
        flaps = asyncio.create_task(_flap(flapping))
        pid = await stack.enter_async_context(worker(folder, dsn, log=folder / "worker.log"))
        ids = [site.router.id for site in healthy]
        spent = await cpu.of_database()
        first = await synced(ids, within_s=BAR["synced_s"] * 1.5)
        worker_s, database_s = cpu.of_process(pid), await cpu.of_database() - spent
        second = None if quick or first is None else await synced(ids, within_s=120)  # includes the wait for its minute
        peak = _peak_mib(pid)
        flaps.cancel()
        with suppress(asyncio.CancelledError):
            await flaps
    figures = {
        "routers": count,
        "healthy": len(healthy),
        "synced_s": round(first, 2) if first is not None else 9999.0,
        "next_round_s": round(second, 2) if second is not None else 0.0,
        "worker_cpu_s": round(worker_s, 2),
        "database_cpu_s": round(database_s, 2),
        "worker_peak_mib": round(peak, 1),
    }
    ok = all(figures[name] <= most for name, most in BAR.items())
    ratio = float(figures["synced_s"]) / bare
    return Result("fleet", figures, {"bare_reads_s": round(bare, 2)}, round(ratio, 2), dict(BAR), ok)


def _peak_mib(pid: int) -> float:
    """The most a process ever held in memory, in MiB, shared pages and all."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("the kernel does not tell the worker's peak")
    return int(found.group(1)) / 1024


async def _flap(sites: list[Site]) -> None:
    """Each of them goes away and comes back every few seconds, some with and some without a word."""
    dice = random.Random(1)
    while True:
        site = dice.choice(sites)
        if site.board.is_online:
            await (site.board.vanish() if dice.random() < 0.5 else site.board.set_online(False))
        else:
            await site.board.set_online(True)
        await asyncio.sleep(2 / len(sites))


async def _bare(sites: list[Site]) -> float:
    """Signing in and reading the same menus, eight routers at a time, and nothing done with it."""
    gate = asyncio.Semaphore(8)

    async def read(site: Site) -> None:
        board = site.board
        async with gate, HotspotRouter(RouterAddress(board.api_host, board.api_port, "vocha", "secret")) as client:
            await client.look(menus.RESOURCE, menus.USER_PROFILES, menus.ACTIVE)
            await client.look(menus.USERS, menus.COOKIES, menus.HOSTS)

    began = time.perf_counter()
    await asyncio.gather(*(read(site) for site in sites))
    return time.perf_counter() - began
