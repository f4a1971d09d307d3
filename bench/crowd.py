"""Many simulated routers with people online, in this process, and a worker in another: what benches of fleets stand on."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import fill, house
from portal.db import DB
from portal.routers import RouterView
from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.router import SimulatedRouter
from tests import factories

PASSWORD = "0123456789abcdef"


@dataclass
class Site:
    """A router, its board, and the names of the users online there."""

    board: SimulatedRouter
    router: RouterView
    names: list[str]


@asynccontextmanager
async def crowd(routers: int, sessions: int) -> AsyncGenerator[list[Site]]:
    """Routers with this many people online on each, and their grants. On the boards no time passes: nobody is cut by
    the router's own limit, so what is cut is cut by us."""
    vault, merchant = house.vault(), await factories.merchant()
    package = await factories.package(merchant)
    sites: list[Site] = []
    async with AsyncExitStack() as stack:
        for number in range(routers):
            board = SimulatedRouter(
                api_user="vocha", api_password="secret", serial=f"SIM{number}", clock=VirtualClock(monotonic=frozen)
            )
            await stack.enter_async_context(board)
            router = await factories.router(vault, merchant, name=f"Router {number}", api_port=board.api_port)
            site = Site(board, router, fill.names(sessions))
            _fill(site)
            await fill.vouchers_with_grants(router, package, site.names, is_last=number + 1 == routers)
            sites.append(site)
            await asyncio.sleep(0)
        yield sites


def _fill(site: Site) -> None:
    hotspot = site.board.hotspot
    for number, name in enumerate(site.names):
        hotspot.users.add({"name": name, "password": PASSWORD, "comment": f"vocha:{number}"})
        mac, ip = f"02:00:00:00:{number >> 8:02X}:{number & 255:02X}", f"10.5.{50 + number // 250}.{number % 250 + 2}"
        hotspot.login(ip=ip, mac=mac, username=name, password=PASSWORD, by="http-pap")


@asynccontextmanager
async def worker(folder: Path, dsn: str, *, log: Path) -> AsyncGenerator[int]:
    """`vocha work` as a process of its own; yields its process id at once."""
    env = os.environ | {
        "PORTAL_DATABASE_URL": dsn,
        "PORTAL_DATA_DIR": str(folder),
        "PORTAL_BASE_URL": "http://portal.test",
        "PORTAL_SECRET_KEYS": "bench:" + house.KEY.hex(),
        "PORTAL_ROUTER_NETWORKS": "127.0.0.0/8",
        "PORTAL_LOG_LEVEL": "warning",
    }
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "portal.cli", "work", cwd=house.ROOT, env=env, stdout=output, stderr=output
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()


async def synced(router_ids: list[int], *, within_s: float) -> float | None:
    """Seconds until each of these had a complete pass; None: not in time. Passes before now do not count."""
    loop = asyncio.get_running_loop()
    began, since = loop.time(), await DB.value("SELECT clock_timestamp()")
    while loop.time() - began < within_s:
        late = await DB.value(
            "SELECT count(*) FROM routers WHERE id = ANY($1) AND (reconciled_at IS NULL OR reconciled_at < $2)",
            router_ids,
            since,
        )
        if not late:
            return loop.time() - began
        await asyncio.sleep(0.1)
    return None
