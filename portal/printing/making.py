"""Has cards drawn by a process of its own: what goes in and comes out, and its end whatever happens."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec

from portal.errors import PortalError
from portal.msgid import N_
from portal.printing.sheets import Card, Sheet

#: Ten thousand cards take some ten seconds; a machine that is busy with all else needs more.
_LONGEST_S = 300.0
#: Cards handed over between two looks at how much was taken in.
_TOGETHER = 200
_ROOT = Path(__file__).parents[2]

Tell = Callable[[int], Awaitable[None]]


class DrawingFailed(PortalError):  # noqa: N818
    """The process that draws ended early; its last words are in the log of whoever asked."""

    default = N_("The PDF could not be drawn.")


async def draw(sheet: Sheet, cards: AsyncIterator[Card], *, tell: Tell | None = None) -> bytes:
    """The PDF of these cards. `tell` hears how many were taken in so far. DrawingFailed; TimeoutError after five minutes."""
    # It is told what it needs by its pipe: arguments and variables are for everybody on the machine to read.
    plain = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "portal.printing.child", stdin=PIPE, stdout=PIPE, stderr=PIPE, env=plain, cwd=_ROOT
    )
    try:
        async with asyncio.timeout(_LONGEST_S):
            await _feed(process, sheet, cards, tell)
            pdf, words = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or not pdf.startswith(b"%PDF-"):
        last = words.decode(errors="replace").strip().splitlines()[-1:] or [f"ended with {process.returncode}"]
        raise DrawingFailed from RuntimeError(last[0][:200])
    return pdf


async def _feed(process: Process, sheet: Sheet, cards: AsyncIterator[Card], tell: Tell | None) -> None:
    assert process.stdin is not None
    count = 0
    try:
        process.stdin.write(msgspec.json.encode(sheet) + b"\n")
        async for card in cards:
            process.stdin.write(msgspec.json.encode(card) + b"\n")
            count += 1
            if count % _TOGETHER == 0:
                await process.stdin.drain()
                if tell is not None:
                    await tell(count)
        process.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        return  # it ended already; why is in its last words
