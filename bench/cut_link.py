"""The link to a router cut after each of the first 500 protocol words in turn: does it converge? Limit: a pass nobody cuts."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import fill, house
from bench.result import Result
from jobs import routers
from jobs.doors import Doors
from portal.clock import Clock
from portal.db import DB, atomic
from portal.house import doors_open
from portal.routers import RouterView
from routeros.simulator.router import SimulatedRouter
from tests import factories

WORDS = 500
BAR = {"not_converged": 0, "duplicates": 0, "foreign_touched": 0}
#: On the router and staying, missing there, ended, unknown to us.
KEPT, MISSING, ENDED, SURPLUS = range(4)
_EACH = (8, 6, 5, 2)
#: Rows of others and their comments: like ours by name or by comment, or not at all, but never by both.
FOREIGN = {"default-trial": "", "guest": "", "vocha-guest": "vocha:1", "vocha-00000000000000ff": "mine", "x": "vocha:2"}


@dataclass
class Cutter:
    """A way to a router that breaks after so many words, counted in both directions in the order they pass."""

    to_port: int
    left: int = 1 << 60
    passed: int = 0
    port: int = 0
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        there, back = await asyncio.open_connection("127.0.0.1", self.to_port)
        ways = [asyncio.create_task(self._pump(reader, back)), asyncio.create_task(self._pump(there, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for end in (writer, back):
            end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while self.left > 0:
                sink.write(await _word(source))
                await sink.drain()
                self.left -= 1
                self.passed += 1


async def _word(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(1)
    more = 0 if head[0] < 0x80 else 1 if head[0] < 0xC0 else 2 if head[0] < 0xE0 else 3
    head += await reader.readexactly(more)
    length = int.from_bytes(head, "big") & ((1 << (7 * (more + 1))) - 1)
    return head + await reader.readexactly(length)


@asynccontextmanager
async def _cutter(to_port: int) -> AsyncGenerator[Cutter]:
    cutter = Cutter(to_port)
    async with await asyncio.start_server(cutter.carry, "127.0.0.1", 0) as server:
        cutter.port = server.sockets[0].getsockname()[1]
        yield cutter


async def run(quick: bool) -> Result:
    """Cut after word 1, 2, 3 … of a sync and of a reconcile; quick: after every seventh."""
    bad = {"not_converged": 0, "duplicates": 0, "foreign_touched": 0}
    took: list[float] = []
    cuts = words = 0
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        dsn = await stack.enter_async_context(house.database(folder))
        doors = await stack.enter_async_context(doors_open(house.settings(folder, dsn), Clock()))
        merchant = await factories.merchant()
        package = await factories.package(merchant)
        for visit in (_sync, _reconcile):
            uncut, words_of_it = await _round(doors, merchant, package, visit, None, bad)
            words = max(words, words_of_it)
            for at in range(1, WORDS + 1, 7 if quick else 1):
                took.append((await _round(doors, merchant, package, visit, at, bad))[0])
                cuts += 1
    worst = max(took)
    figures = {"cuts": cuts, "words_of_a_pass": words, "worst_s": round(worst, 3), **bad}
    ok = all(figures[name] <= most for name, most in BAR.items())
    return Result("cut-link", figures, {"uncut_s": round(uncut, 3)}, round(worst / uncut, 2), dict(BAR), ok)


async def _sync(router_id: int, doors: Doors) -> None:
    await routers.sync_one(router_id, doors)


async def _reconcile(router_id: int, doors: Doors) -> None:
    await routers.reconcile(router_id, doors)


async def _round(
    doors: Doors,
    merchant: int,
    package: int,
    visit: Callable[[int, Doors], Awaitable[None]],
    cut_after: int | None,
    bad: dict[str, int],
) -> tuple[float, int]:
    """One router in disorder, one visit that is cut, and visits that are not. Returns seconds and words of all of it."""
    async with SimulatedRouter(api_user="vocha", api_password="secret") as board, _cutter(board.api_port) as cutter:
        router = await factories.router(house.vault(), merchant, api_port=cutter.port)
        wanted = await _disorder(board, router, package)
        foreign = _foreign(board)
        began = time.perf_counter()
        if cut_after is not None:
            cutter.left = cut_after
            await visit(router.id, doors)
            cutter.left = 1 << 60
        for again in (visit, _sync):
            async with atomic() as tx:  # as if the waits after a failure were over
                await tx.execute(
                    """UPDATE access_grants SET next_try_at = now() - interval '1 s'
                       WHERE router_id = $1 AND next_try_at IS NOT NULL""",
                    router.id,
                )
            await again(router.id, doors)
        took = time.perf_counter() - began
        names = [row.get("name") for row in board.hotspot.users if row.get("name") not in FOREIGN]
        status = await DB.fetch("SELECT DISTINCT status FROM access_grants WHERE router_id = $1", router.id)
        is_equal = set(names) == wanted and {row["status"] for row in status} == {"present", "gone"}
        bad["not_converged"] += not is_equal
        bad["duplicates"] += len(names) - len(set(names))
        bad["foreign_touched"] += _foreign(board) != foreign
        await doors.routers.close()
        return took, cutter.passed


async def _disorder(board: SimulatedRouter, router: RouterView, package: int) -> set[str]:
    """Users to keep, to make, to end, and unknown ones, among rows of others. Returns who should be there at the end."""
    names = fill.names(sum(_EACH))
    parts: list[list[str]] = []
    for size in _EACH:
        parts.append(names[:size])
        names = names[size:]
    await fill.vouchers_with_grants(router, package, parts[KEPT])
    await fill.vouchers_with_grants(router, package, parts[MISSING], grant="wanted")
    await fill.vouchers_with_grants(router, package, parts[ENDED], grant="ending")
    async with atomic() as tx:
        await tx.execute(
            "UPDATE access_grants SET next_try_at = now() - interval '1 s' WHERE status IN ('wanted', 'ending')"
        )
    for number, name in enumerate([*parts[KEPT], *parts[ENDED], *parts[SURPLUS]]):
        board.hotspot.users.add({"name": name, "password": "0123456789abcdef", "comment": f"vocha:{number}"})
        if number % 2:
            mac, ip = f"02:00:00:00:00:{number:02X}", f"10.5.50.{number + 10}"
            board.hotspot.login(ip=ip, mac=mac, username=name, password="0123456789abcdef", by="http-pap")
    for name, comment in (
        ("guest", ""),
        ("vocha-guest", "vocha:1"),
        ("vocha-00000000000000ff", "mine"),
        ("x", "vocha:2"),
    ):
        board.hotspot.users.add({"name": name, "password": "x", "comment": comment})
    board.hotspot.login(ip="10.5.50.200", mac="02:00:00:00:01:00", username="guest", password="x", by="http-pap")
    return {*parts[KEPT], *parts[MISSING]}


def _foreign(board: SimulatedRouter) -> list[dict[str, str]]:
    """Rows that are not ours, whole."""
    rows = [dict(row.values) for row in board.hotspot.users if row.get("name") in FOREIGN]
    return [*rows, *({"session": each.user} for each in board.hotspot.active.values() if each.user in FOREIGN)]
