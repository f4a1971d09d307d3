"""A router that is nothing but tables: users, sessions, cookies, at a fixed cost per command. No hotspot, no CPU to speak of.

For benches in which the simulator's own work would be measured instead of ours. Runs as a process of its own.
"""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from routeros.simulator.wire import SentenceReader, encode_sentence

#: Whose a row is, per menu.
KEYS = {"/ip/hotspot/user": "name", "/ip/hotspot/active": "user", "/ip/hotspot/cookie": "user"}
RESOURCE = {"version": "7.16", "board-name": "stub", "uptime": "1w", "cpu-load": "1"}


class StubRouter:
    """Three tables of rows by id, and what came in. `cost`: seconds a command takes, one after the other."""

    def __init__(self, names: Sequence[str], *, cost: float) -> None:
        self.cost = cost
        self.connections = self.commands = 0
        self.tables: dict[str, dict[str, dict[str, str]]] = {}
        for menu, key in KEYS.items():
            self.tables[menu] = {f"*{at:X}": {key: name} for at, name in enumerate(names, start=1)}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        sentences = SentenceReader()
        while data := await reader.read(1 << 16):
            for sentence in sentences.feed(data):
                self.commands += 1
                await asyncio.sleep(self.cost)
                tag = [word for word in sentence if word.startswith(".tag=")]
                writer.write(b"".join(self.answer(sentence, tag)))
                await writer.drain()
        writer.close()

    def answer(self, sentence: list[str], tag: list[str]) -> list[bytes]:
        """The sentences that answer one."""
        menu, _, verb = sentence[0].rpartition("/")
        given = dict(word[1:].split("=", 1) for word in sentence[1:] if word[0] == "=")
        if verb == "print":
            rows = self.found(menu, [word.partition("=")[2] for word in sentence if word.startswith("?=")])
            asked = given.get(".proplist", "").split(",")
            told = ([f"={name}={row[name]}" for name in asked if name in row] for row in rows)
            return [*(encode_sentence(["!re", *tag, *words]) for words in told), encode_sentence(["!done", *tag])]
        if verb == "remove":
            for row_id in given[".id"].split(","):
                self.tables[menu].pop(row_id, None)
        return [encode_sentence(["!done", *tag])]

    def found(self, menu: str, wanted: list[str]) -> list[Mapping[str, str]]:
        """The rows a print shows; `wanted` as `key=value`, none for all."""
        if menu not in self.tables:
            return [RESOURCE] if menu == "/system/resource" else []
        named = {word.partition("=")[2] for word in wanted}
        rows = ({".id": row_id, **row} for row_id, row in self.tables[menu].items())
        return [row for row in rows if not named or row[KEYS[menu]] in named]

    def report(self) -> dict[str, int]:
        """What came in and what is left."""
        left = sum(map(len, self.tables.values()))
        return {"connections": self.connections, "commands": self.commands, "rows_left": left}


@dataclass
class Stub:
    """The stub as seen from the bench."""

    port: int
    process: asyncio.subprocess.Process

    async def report(self) -> dict[str, int]:
        """Ask the process what came in."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(b"report\n")
        return json.loads(await self.process.stdout.readline())


@asynccontextmanager
async def stub_router(names: Sequence[str], *, cost: float) -> AsyncGenerator[Stub]:
    """A stub with a user, a session and a cookie for each name."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.stub_router", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps({"names": list(names), "cost": cost}).encode() + b"\n")
        yield Stub(int(await process.stdout.readline()), process)
    finally:
        process.stdin.close()
        await process.wait()


async def _run() -> None:
    loop = asyncio.get_running_loop()
    wish = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    stub = StubRouter(wish["names"], cost=wish["cost"])
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    for _ in itertools.count():
        if not await loop.run_in_executor(None, sys.stdin.readline):
            break
        sys.stdout.write(json.dumps(stub.report()) + "\n")
        sys.stdout.flush()
    server.close()


if __name__ == "__main__":
    asyncio.run(_run())
