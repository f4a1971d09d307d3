"""The bytes of one client on their way in: delayed by the round trip, counted, and looked at for split sentences.

It cuts no sentences itself (see `wire`); whoever does tells it whether the last bytes ended inside one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from routeros.simulator.latency import Latency

_READ_SIZE = 65536
_WAITING = 64
#: A segment shorter than this was not cut by the network but by the sender's writes (Ethernet's usual payload).
_FULL_SEGMENT = 1448


@dataclass(slots=True)
class Meter:
    """What came in over all connections of one router since it was made; set attributes to zero at will."""

    connections: int = 0
    logins: int = 0
    commands: int = 0
    #: Sentences whose beginning came alone in a small segment: the client wrote them in pieces.
    split_sentences: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Inbox:
    """The incoming side of one connection. Set `is_midway` after each piece."""

    def __init__(self, reader: asyncio.StreamReader, latency: Latency, meter: Meter) -> None:
        self._reader, self._latency, self._meter = reader, latency, meter
        self._waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._room = asyncio.Semaphore(_WAITING)
        #: The bytes given last ended inside a sentence.
        self.is_midway = False

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Give what arrives, each piece when it is due. Ends with the stream; raises OSError as it does."""
        pump = asyncio.create_task(self._pump())
        try:
            while True:
                due, data = await self._waiting.get()
                self._room.release()
                if (wait := due - asyncio.get_running_loop().time()) > 0:
                    await asyncio.sleep(wait)
                if not data:
                    await pump  # tells how the stream ended
                    return
                self.is_midway = False
                yield data
                if self.is_midway and len(data) < _FULL_SEGMENT:
                    self._meter.split_sentences += 1
                    await asyncio.sleep(self._latency.delayed_ack)
        finally:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await pump

    async def _pump(self) -> None:
        handshake = self._latency.rtt
        try:
            while data := await self._reader.read(_READ_SIZE):
                self._meter.bytes_in += len(data)
                due = asyncio.get_running_loop().time() + self._latency.rtt + handshake
                handshake = 0.0
                await self._room.acquire()
                self._waiting.put_nowait((due, data))
        finally:
            self._waiting.put_nowait((0.0, b""))
