"""A thousand users missing on a router far away, made by one sync: by commands, and by scripts; limit: the same adds in one write."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
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
MOST_S = max(12 * ROUND_TRIP_S, 3.0)
BAR = {"seconds": MOST_S, "script_seconds": MOST_S, "split_sentences": 0, "script_split_sentences": 0}
#: What our own set-up grants, and the least that lets us upload.
BY_COMMANDS, BY_SCRIPTS = "api,read,write", "api,read,write,ftp"


@dataclass(frozen=True)
class Made:
    """One sync: its figures, and those of the bare write beside it."""

    figures: dict[str, float | int]
    bare_s: float


async def run(quick: bool) -> Result:
    """Sync an empty router that should hold a thousand users, 100 ms away; without cost, then (not quick) as slow as a hEX."""
    figures: dict[str, float | int] = {}
    bare = 0.0
    for prefix, policy in (("", BY_COMMANDS), ("script_", BY_SCRIPTS)):
        runs = [await _round(policy, Latency(rtt=ROUND_TRIP_S)) for _ in range(2 if quick else 5)]
        best = min(runs, key=lambda each: each.figures["seconds"])
        figures |= {f"{prefix}{name}": value for name, value in best.figures.items()}
        bare = bare or best.bare_s
    if not quick:
        for name, policy in (("hex_seconds", BY_COMMANDS), ("hex_script_seconds", BY_SCRIPTS)):
            slow = Latency(rtt=ROUND_TRIP_S)
            slow.use("hex")
            figures[name] = (await _round(policy, slow, is_bare_wanted=False)).figures["seconds"]
    ok = all(figures[name] <= most for name, most in BAR.items())
    ratio = round(figures["seconds"] / bare, 2)
    return Result("provision", figures, {"bare_s": round(bare, 3)}, ratio, dict(BAR), ok)


async def _round(policy: str, latency: Latency, *, is_bare_wanted: bool = True) -> Made:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        dsn = await stack.enter_async_context(house.database(folder))
        boards = [await stack.enter_async_context(_board(policy, latency)) for _ in range(2)]
        doors = await stack.enter_async_context(doors_open(house.settings(folder, dsn), Clock()))
        merchant = await factories.merchant()
        router = await factories.router(house.vault(), merchant, api_port=boards[0].api_port)
        await fill.vouchers_with_grants(router, await factories.package(merchant), fill.names(USERS))
        began = time.perf_counter()
        await routers.sync_one(router.id, doors)
        took = time.perf_counter() - began
        bare = await _bare(boards[1].api_port) if is_bare_wanted else 0.0
        for board in boards[: 1 + is_bare_wanted]:
            _check(board)
        meter = boards[0].meter
    figures = {
        "seconds": round(took, 3),
        "round_trips": round(took / ROUND_TRIP_S, 1),
        "connections": meter.connections,
        "commands": meter.commands,
        "kib_sent": round(meter.bytes_in / 1024),
        "split_sentences": meter.split_sentences,
    }
    return Made(figures, bare)


def _board(policy: str, latency: Latency) -> SimulatedRouter:
    board = SimulatedRouter(latency=latency)
    board.tables["/user/group"].add({"name": "vocha-api", "policy": policy})
    board.tables["/user"].add({"name": "vocha", "group": "vocha-api", "password": "secret"})
    return board


def _check(board: SimulatedRouter) -> None:
    made = sum(row.get("name").startswith("vocha-") for row in board.hotspot.users)
    if made != USERS or list(board.scripts.files.table):
        raise RuntimeError(f"{made} users stand on the router instead of {USERS}, or a file was left")


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
