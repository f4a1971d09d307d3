"""The same time for every answer: how long a wrong code takes tells nobody how wrong it was."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

#: Longer than any of the answers takes on a busy machine, short enough for a person.
LEAST_S = 0.4


@asynccontextmanager
async def evenly(least_s: float = LEAST_S) -> AsyncGenerator[None]:
    """What is done inside takes so long at least, whatever comes of it, an error too."""
    loop = asyncio.get_running_loop()
    until = loop.time() + least_s
    try:
        yield
    finally:
        await asyncio.sleep(max(0.0, until - loop.time()))
