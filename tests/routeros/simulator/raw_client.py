"""A bare API client for tests: sends sentences word by word, gives replies word by word, hides nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

from routeros.simulator.router import SimulatedRouter
from routeros.simulator.wire import SentenceReader, encode_sentence

Reply = list[str]


@dataclass
class RawClient:
    """One connection. `ask` sends one sentence and gives every reply up to its `!done`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sentences: SentenceReader = field(default_factory=SentenceReader)
    waiting: list[Reply] = field(default_factory=list)
    aside: list[Reply] = field(default_factory=list)

    @classmethod
    async def connect(cls, router: SimulatedRouter, *, user: str | None = "admin", password: str = "") -> Self:
        reader, writer = await asyncio.open_connection(router.api_host, router.api_port)
        client = cls(reader, writer)
        if user is not None:
            assert await client.ask("/login", f"=name={user}", f"=password={password}") == [["!done"]]
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.writer.transport.abort()
        await asyncio.sleep(0)

    def send(self, *words: str) -> None:
        self.writer.write(encode_sentence(words))

    async def reply(self) -> Reply:
        """The next reply sentence nobody asked for with `ask`. Raises EOFError when the router hung up."""
        return self.aside.pop(0) if self.aside else await self._next()

    async def _next(self) -> Reply:
        async with asyncio.timeout(5):
            while not self.waiting:
                data = await self.reader.read(65536)
                if not data:
                    raise EOFError
                self.waiting += self.sentences.feed(data)
        return self.waiting.pop(0)

    async def ask(self, *words: str) -> list[Reply]:
        """Send one sentence, give its replies; those with another tag are put aside for `reply`."""
        self.send(*words)
        tag = next((word for word in words if word.startswith(".tag=")), None)
        replies: list[Reply] = []
        while not replies or replies[-1][0] not in {"!done", "!fatal"}:
            reply = await self._next()
            its = next((word for word in reply if word.startswith(".tag=")), None)
            (replies if its == tag else self.aside).append(reply)
        return replies

    async def rows(self, *words: str) -> list[dict[str, str]]:
        """The `!re` rows of a command that must succeed."""
        replies = await self.ask(*words)
        assert replies[-1] == ["!done"], replies
        return [attributes(reply) for reply in replies if reply[0] == "!re"]

    async def ret(self, *words: str) -> str:
        """The `ret` of a command that gives one."""
        (reply,) = await self.ask(*words)
        return attributes(reply)["ret"]

    async def trap(self, *words: str) -> str:
        """The text of the trap a command must end in; checks that `!done` follows."""
        replies = await self.ask(*words)
        assert [reply[0] for reply in replies] == ["!trap", "!done"], replies
        return attributes(replies[0])["message"]


def attributes(reply: Reply) -> dict[str, str]:
    return dict(word[1:].split("=", 1) for word in reply[1:] if word.startswith("="))
