"""The link cut after each of the first 200 words of making a crowd by scripts: asked again, everybody is there once."""

import asyncio
import contextlib

from routeros.client import HotspotRouter
from routeros.simulator.router import SimulatedRouter
from routeros.values import HotspotUser, RouterAddress
from tests.routeros.model import name
from tests.routeros.peer import framed, read_sentence

WORDS, MANY = 200, 12
CROWD = [HotspotUser(name=name(number), password=f"pw{number}", comment=f"vocha:{number}") for number in range(MANY)]
THEIRS = {"name": name(MANY - 1), "password": "theirs", "comment": "by hand"}


class Cutter:
    """A way to a router that ends after `left` words, counted in both directions as they pass."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.left = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
                words = await read_sentence(source)
                passing = words[: self.left]
                self.left -= len(words)
                whole = framed(*passing)
                sink.write(whole if len(passing) == len(words) else whole[:-1])
                await sink.drain()


async def test_a_link_cut_after_any_word_converges() -> None:
    async with SimulatedRouter(api_password="x") as board:
        cutter = Cutter(board.api_port)
        async with await asyncio.start_server(cutter.carry, "127.0.0.1", 0) as server:
            address = RouterAddress("127.0.0.1", server.sockets[0].getsockname()[1], "admin", "x")
            by_scripts = 0
            for word in range(1, WORDS + 1):
                theirs = board.hotspot.users.add(dict(THEIRS))
                async with HotspotRouter(address, scripts_from=MANY) as client:
                    cutter.left = word
                    await client.ensure_users(CROWD, [])
                    cutter.left = 1 << 60
                    by_scripts += bool(board.scripts.files.table) or len(board.hotspot.users) > 2
                    results = await client.ensure_users(CROWD, [])
                assert [each.name for each in results if each.error] == [THEIRS["name"]], word
                assert theirs.values == {**theirs.values, **THEIRS}, word
                made = sorted(each.get("name") for each in board.hotspot.users if each.get("name") != "default-trial")
                assert made == [user.name for user in CROWD], word
                assert len(list(board.scripts.files.table)) == 0, word
                for each in list(board.hotspot.users):
                    if each.get("name") != "default-trial":
                        board.hotspot.users.remove(each)
            assert by_scripts > 50, "many of the cuts came after the first file or user"
