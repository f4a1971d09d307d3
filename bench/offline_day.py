"""A router with 10,000 users back after a day, half of it changed: writes are the difference, once; limit: bare reads and writes."""

import tempfile
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from bench import fill, house
from bench.result import Result
from jobs import routers, vouchers
from jobs.doors import Doors
from portal.clock import Clock
from portal.db import atomic
from portal.house import doors_open
from portal.routers import RouterView
from portal.terms import Terms
from routeros import menus
from routeros.client import HotspotRouter
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.tables import Row
from routeros.values import RouterAddress
from tests import factories

KEPT, ENDED, CHANGED, NEW = 5_000, 2_000, 1_500, 1_500
DIFFERENCE = ENDED + CHANGED + NEW
BAR = {"writes_off_by": 0, "second_pass_writes": 0}
LONGER = Terms(name="2 hours", duration_s=7200).encode()


async def run(quick: bool) -> Result:
    """One day offline; three times, each on a database and a router of its own, or quick: once."""
    return min([await _round() for _ in range(1 if quick else 3)], key=lambda each: (each.ok, each.figures["seconds"]))


async def _round() -> Result:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        dsn = await stack.enter_async_context(house.database(folder))
        board = await stack.enter_async_context(SimulatedRouter(api_user="vocha", api_password="secret"))
        doors = await stack.enter_async_context(doors_open(house.settings(folder, dsn), Clock()))
        merchant = await factories.merchant()
        router = await factories.router(house.vault(), merchant, api_port=board.api_port)
        await _day_before(router, await factories.package(merchant), doors)
        writes: list[str] = []
        board.hotspot.users.watchers.append(lambda row, _: writes.append(row.get("name")))
        await _day_offline(router, board, doors)
        first = await _pass(router, doors, writes)
        second = await _pass(router, doors, writes)
        bare = await _bare(board)
        _check(list(board.hotspot.users))
    figures = {
        "writes": first[1],
        "writes_off_by": abs(first[1] - DIFFERENCE),
        "seconds": round(first[0], 2),
        "second_pass_writes": second[1],
        "second_pass_s": round(second[0], 2),
        "commands": board.meter.commands,
        "connections": board.meter.connections,
    }
    ok = all(figures[name] <= most for name, most in BAR.items())
    return Result("offline-day", figures, {"bare_s": round(bare, 2)}, round(first[0] / bare, 2), dict(BAR), ok)


async def _day_before(router: RouterView, package: int, doors: Doors) -> None:
    """Everything sold so far stands on the router."""
    await fill.vouchers_with_grants(router, package, fill.names(KEPT + CHANGED), voucher="paid", ends_in=None)
    await fill.vouchers_with_grants(router, package, fill.names(ENDED))
    if not await routers.sync_one(router.id, doors):
        raise RuntimeError("the router was not filled")


async def _day_offline(router: RouterView, board: SimulatedRouter, doors: Doors) -> None:
    """A day passes for everybody: some vouchers end, some get other terms, new ones are sold; the router hears nothing."""
    await board.set_online(False)
    doors.clock.shift(timedelta(days=1))
    board.clock.advance(86_400)
    await vouchers.expire(doors)
    async with atomic() as tx:
        await tx.execute("UPDATE access_grants SET terms = $1 WHERE id <= $2", LONGER, CHANGED)
        package = await tx.value("SELECT min(id) FROM packages")
    await fill.vouchers_with_grants(router, package, fill.names(NEW), voucher="paid", grant="wanted", ends_in=None)
    await board.set_online(True)


async def _pass(router: RouterView, doors: Doors, writes: list[str]) -> tuple[float, int]:
    """Seconds and writes of one sync."""
    writes.clear()
    began = time.perf_counter()
    if not await routers.sync_one(router.id, doors):
        raise RuntimeError("the pass failed")
    return time.perf_counter() - began, len(writes)


async def _bare(board: SimulatedRouter) -> float:
    """Read everything once and write as many rows as differed, in flights, without looking at what was read."""
    address = RouterAddress(board.api_host, board.api_port, "vocha", "secret")
    async with HotspotRouter(address) as client:
        began = time.perf_counter()
        await client.look(menus.USER_PROFILES, menus.ACTIVE)
        [users, *_] = await client.look(menus.USERS, menus.COOKIES, menus.HOSTS)
        assert isinstance(users, list)
        names = [user.name for user in users if user.name.startswith("vocha-")]
        await client.set_users([(name, {"comment": "vocha:0"}) for name in names[:DIFFERENCE]])
        return time.perf_counter() - began


def _check(rows: list[Row]) -> None:
    users = [row for row in rows if row.get("name").startswith("vocha-")]
    if len(users) != KEPT + CHANGED + NEW:
        raise RuntimeError(f"{len(users)} users stand on the router")
