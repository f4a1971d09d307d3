"""Routers that are no routers: answers that never end, never come, or are no answers. For clients' limits.

Each mode takes a connection over from one command on. Bytes only; which commands it touches is set in `faults`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Literal

from routeros.simulator.wire import encode_row

Mode = Literal["", "endless", "huge-word", "silence", "garbage", "drip", "half"]

MODES: tuple[Mode, ...] = ("endless", "huge-word", "silence", "garbage", "drip", "half")
_PAUSE = 0.001
_BLOCK = 16384
_HUGE = b"\xf0\xff\xff\xff\xff"
_GARBAGE_SIZE = 4096


async def take_over(
    mode: Mode, writer: asyncio.StreamWriter, reply: bytes, *, tag: str | None, drip_seconds: float
) -> None:
    """Treat the client as the mode says, with `reply` being what a good router would send. Then the connection is
    to be cut; endless modes end only with the client. Raises ConnectionError when it leaves."""
    if mode == "endless":
        row = encode_row("!re", {".id": "*1", "name": "x" * 64}, tag)
        await _forever(writer, lambda: row * (_BLOCK // len(row)))
    elif mode == "huge-word":
        writer.write(_HUGE)
        await _forever(writer, lambda: b"x" * _BLOCK)
    elif mode == "silence":
        await asyncio.Event().wait()
    elif mode == "garbage":
        writer.write(random.Random(len(reply)).randbytes(_GARBAGE_SIZE))  # noqa: S311  (the same every time)
        await writer.drain()
    elif mode == "drip":
        for at in range(len(reply)):
            writer.write(reply[at : at + 1])
            await writer.drain()
            await asyncio.sleep(drip_seconds)
    elif mode == "half":
        writer.write(reply[: max(1, len(reply) // 2)])
        await writer.drain()
        if writer.can_write_eof():  # TLS cannot
            writer.write_eof()
        await asyncio.sleep(drip_seconds)


async def _forever(writer: asyncio.StreamWriter, block: Callable[[], bytes]) -> None:
    while True:
        writer.write(block())
        await writer.drain()
        await asyncio.sleep(_PAUSE)  # a shared machine: fast enough to flood any client, slow enough for the others
