"""Ending expired vouchers, in the database and on the router (user, session, cookie); limit: bare SQL and bare removes."""

import gc
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bench import cpu, fill, house
from bench.result import Result
from bench.stub_router import Stub, stub_router
from jobs import routers, vouchers
from jobs.doors import Doors
from portal.clock import Clock
from portal.db import DB, atomic
from portal.house import doors_open
from routeros.client.link import Link
from routeros.client.wire import Command
from routeros.values import RouterAddress
from tests import factories

#: What a command costs on the router.
COST_S = 0.002
BAR = {"seconds_1000": 0.1, "seconds_10000": 1.0, "connections": 1, "commands_per_user": 0.02}
_FIGURES = ("seconds", "database_s", "router_s", "our_cpu_s", "database_cpu_s", "commands")


async def run(quick: bool) -> Result:
    """Expire 1,000 and then 10,000 users of one router, each on a database and a router of its own."""
    rounds = 2 if quick else 5
    figures: dict[str, float | int] = {}
    limit: dict[str, float | int] = {}
    connections, share = 0, 0.0
    for users in (1_000, 10_000):
        runs = [await _round(users) for _ in range(rounds)]
        best = min(runs, key=lambda each: each["seconds"])
        figures |= {f"{name}_{users}": best[name] for name in _FIGURES}
        limit[f"bare_s_{users}"] = best["bare"]
        connections = max(connections, *(int(each["connections"]) for each in runs))
        share = max(share, *(each["commands"] / users for each in runs))
    figures |= {"connections": connections, "commands_per_user": round(share, 4)}
    ok = all(figures[name] <= most for name, most in BAR.items())
    ratio = float(figures["seconds_10000"]) / float(limit["bare_s_10000"])
    return Result("end-access", figures, limit, round(ratio, 2), dict(BAR), ok)


async def _round(users: int) -> dict[str, float]:
    names = fill.names(users)
    with tempfile.TemporaryDirectory(prefix="vocha-bench-") as folder:
        async with house.database(Path(folder)) as dsn, stub_router(names, cost=COST_S) as stub:
            settings = house.settings(Path(folder), dsn)
            async with doors_open(settings, Clock()) as doors:
                await _warm_up(doors)
                took = await _end_all(doors, stub, names)
            took |= await stub.report()
            left = await DB.value("SELECT count(*) FROM access_grants WHERE status <> 'gone'")
        async with stub_router(names, cost=COST_S) as stub:
            bare = await _bare_router(stub, users)
    if took.pop("rows_left") or left:
        raise RuntimeError("somebody was not ended")
    return took | {"bare": round(bare + took.pop("bare_sql"), 4)}


async def _warm_up(doors: Doors) -> None:
    """A worker has done all of this before, and has set aside what it holds for good: end a few users of another router."""
    names = fill.names(20)
    async with stub_router(names, cost=0) as stub:
        router_id = await _fill(stub.port, names)
        await vouchers.expire(doors)
        await routers.reconcile(router_id, doors)
        await doors.routers.close()
    gc.collect()
    gc.freeze()


async def _end_all(doors: Doors, stub: Stub, names: list[str]) -> dict[str, float]:
    router_id = await _fill(stub.port, names)
    ours, theirs = time.process_time(), await cpu.of_database()
    began = time.perf_counter()
    await vouchers.expire(doors)
    middle = time.perf_counter()
    await routers.reconcile(router_id, doors)
    end = time.perf_counter()
    return {
        "seconds": round(end - began, 4),
        "database_s": round(middle - began, 4),
        "router_s": round(end - middle, 4),
        "our_cpu_s": round(time.process_time() - ours, 4),
        "database_cpu_s": round(await cpu.of_database() - theirs, 4),
        "bare_sql": await _bare_sql(),
    }


async def _fill(port: int, names: list[str]) -> int:
    """Vouchers whose time is over, each with a user on the router. Returns the router's id."""
    vault = house.vault()
    merchant = await factories.merchant()
    router = await factories.router(vault, merchant, api_port=port)
    package = await factories.package(merchant)
    await fill.vouchers_with_grants(router, package, names, ends_in=-timedelta(seconds=1))
    return router.id


async def _bare_sql() -> float:
    """The least a database can do: one statement for the vouchers, one for the grants."""
    async with atomic() as tx:
        await tx.execute("UPDATE vouchers SET status = 'in_use', ended_at = NULL, ended_why = NULL")
    began = time.perf_counter()
    async with atomic() as tx:
        await tx.fetch(
            """UPDATE vouchers SET status = 'expired', ended_at = now(), ended_why = 'usage'
               WHERE expires_at <= now() RETURNING id"""
        )
        await tx.fetch("UPDATE access_grants SET status = 'gone' RETURNING id")
    return time.perf_counter() - began


async def _bare_router(stub: Stub, users: int) -> float:
    """The least a router takes: sign in, and remove lists of known ids, one after the other's answer."""
    link = Link(RouterAddress("127.0.0.1", stub.port, "u", "p"), connect_timeout=5, command_timeout=30)
    ids = [f"*{at:X}" for at in range(1, users + 1)]
    began = time.perf_counter()
    for menu in ("user", "cookie", "active"):
        for at in range(0, users, 500):
            await link.ask(Command(f"/ip/hotspot/{menu}/remove", (f"=.id={','.join(ids[at : at + 500])}",)))
    took = time.perf_counter() - began
    await link.close()
    return took
