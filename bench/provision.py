"""A thousand users missing on a router far away, made by one sync; limit: the same thousand adds in one bare write."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from bench import fill, house
from bench.result import Result
from jobs import routers
from portal.clock import Clock
from portal.house import doors_open
from routeros.simulator.latency import Latency
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.wire import SentenceReader, encode_sentence
from tests import factories

USERS, ROUND_TRIP_S = 1_000, 0.1
BAR = {"seconds": max(12 * ROUND_TRIP_S, 3.0), "split_sentences": 0}


async def run(quick: bool) -> Result:
    """Sync an empty router that should hold a thousand users, 100 ms away."""
    runs = [await _round() for _ in range(2 if quick else 5)]
    figures = min(runs, key=lambda each: each["seconds"])
    bare = figures.pop("bare_s")
    ok = all(figures[name] <= most for name, most in BAR.items())
    return Result("provision", figures, {"bare_s": bare}, round(figures["seconds"] / bare, 2), dict(BAR), ok)


async def _round() -> dict[str, float | int]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        dsn = await stack.enter_async_context(house.database(folder))
        latency = Latency(rtt=ROUND_TRIP_S)
        boards = [
            await stack.enter_async_context(SimulatedRouter(api_user="vocha", api_password="secret", latency=latency))
            for _ in range(2)
        ]
        doors = await stack.enter_async_context(doors_open(house.settings(folder, dsn), Clock()))
        merchant = await factories.merchant()
        router = await factories.router(house.vault(), merchant, api_port=boards[0].api_port)
        await fill.vouchers_with_grants(router, await factories.package(merchant), fill.names(USERS))
        began = time.perf_counter()
        await routers.sync_one(router.id, doors)
        took = time.perf_counter() - began
        bare = await _bare(boards[1].api_port)
        _check(boards)
    return {
        "seconds": round(took, 3),
        "round_trips": round(took / ROUND_TRIP_S, 1),
        "connections": boards[0].meter.connections,
        "commands": boards[0].meter.commands,
        "split_sentences": boards[0].meter.split_sentences,
        "bare_s": round(bare, 3),
    }


def _check(boards: list[SimulatedRouter]) -> None:
    for board in boards:
        made = sum(row.get("name").startswith("vocha-") for row in board.hotspot.users)
        if made != USERS:
            raise RuntimeError(f"{made} users stand on the router instead of {USERS}")


async def _bare(port: int) -> float:
    """Sign in, then everything in one write, and wait for the last answer."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sentences = SentenceReader()
    await _talk(reader, writer, sentences, [["/login", "=name=vocha", "=password=secret"]])
    adds = [
        ["/ip/hotspot/user/add", f"=name={name}", "=password=0123456789abcdef", "=limit-uptime=1h", f".tag={at}"]
        for at, name in enumerate(fill.names(USERS))
    ]
    await _talk(reader, writer, sentences, adds)
    writer.close()
    await writer.wait_closed()
    return time.perf_counter() - began


async def _talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sentences: SentenceReader, asked: list[list[str]]
) -> None:
    writer.write(b"".join(encode_sentence(words) for words in asked))
    answers = 0
    while answers < len(asked):
        answers += sum(sentence[0] == "!done" for sentence in sentences.feed(await reader.read(1 << 16)))
