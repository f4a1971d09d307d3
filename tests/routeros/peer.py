"""A scripted router for tests: it says what a test tells it to, word by word, right or wrong. Knows no hotspot."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterable

from routeros.values import RouterAddress, TlsPin

Sentence = list[str]
Answer = Callable[[Sentence], Iterable[Sentence]]

USER, PASSWORD = "vocha", "s3cret-of-the-router"


def framed(*words: str | bytes) -> bytes:
    """One sentence on the wire, with its own length codec so that the client's is tested against another."""
    out = bytearray()
    for word in words:
        raw = word if isinstance(word, bytes) else word.encode()
        n = len(raw)
        if n < 0x80:
            out.append(n)
        elif n < 0x4000:
            out += (n | 0x8000).to_bytes(2, "big")
        elif n < 0x200000:
            out += (n | 0xC00000).to_bytes(3, "big")
        else:
            out += (n | 0xE0000000).to_bytes(4, "big")
        out += raw
    return bytes(out) + b"\0"


async def read_sentence(reader: asyncio.StreamReader) -> Sentence:
    words: Sentence = []
    while True:
        first = (await reader.readexactly(1))[0]
        extra = 0 if first < 0x80 else 1 if first < 0xC0 else 2 if first < 0xE0 else 3
        mask = (0x7F, 0x3F, 0x1F, 0x0F)[extra]
        size = int.from_bytes(bytes([first & mask]) + await reader.readexactly(extra), "big")
        if size == 0:
            return words
        words.append((await reader.readexactly(size)).decode())


class Peer:
    """`answers` maps a command path to what it says back (`.tag` is added); an unknown path traps.

    `takes_over` gets the raw streams right after login instead. `login` may replace the whole login exchange.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.heard: list[Sentence] = []
        self.connections = 0
        self.takes_over: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
        self.login: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]] = self._log_in
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def address(self, *, password: str = PASSWORD, tls: TlsPin | None = None) -> RouterAddress:
        return RouterAddress("127.0.0.1", self.port, USER, password, tls)

    def paths(self) -> list[str]:
        return [sentence[0] for sentence in self.heard]

    async def hang_up(self) -> None:
        for writer in list(self._writers):
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def stop(self) -> None:
        self._server.close()
        await self.hang_up()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            if await self.login(reader, writer):
                await (self.takes_over or self._converse)(reader, writer)
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        words = await read_sentence(reader)
        welcome = words == ["/login", f"=name={USER}", f"=password={PASSWORD}"]
        if not welcome:
            writer.write(framed("!trap", "=message=invalid user name or password (6)"))
        writer.write(framed("!done"))
        await writer.drain()
        return welcome

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            words = await read_sentence(reader)
            tag = [word for word in words if word.startswith(".tag=")]
            said = [word for word in words if not word.startswith(".tag=")]
            self.heard.append(said)
            answer = self.answers.get(said[0], lambda _: trap("no such command", category=0))
            for sentence in answer(said):
                writer.write(framed(sentence[0], *tag, *sentence[1:]))
            await writer.drain()


def rows(*each: dict[str, str]) -> list[Sentence]:
    return [*(["!re", *(f"={key}={value}" for key, value in row.items())] for row in each), ["!done"]]


def done(**words: str) -> list[Sentence]:
    return [["!done", *(f"={key}={value}" for key, value in words.items())]]


def trap(message: str, *, category: int | None = None) -> list[Sentence]:
    return [["!trap", *([] if category is None else [f"=category={category}"]), f"=message={message}"], ["!done"]]
