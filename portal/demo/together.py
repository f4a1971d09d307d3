"""Context managers that end together: the end takes as long as the slowest of them, not as long as all of them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager


@asynccontextmanager
async def together(contexts: Sequence[AbstractAsyncContextManager[object]]) -> AsyncGenerator[None]:
    """Open one after the other, close all at the same time; each in one task, as some of them need.

    One that fails to open closes the ones before it; the first failure of all is raised.
    """
    is_over, tasks = asyncio.Event(), list[asyncio.Task[None]]()
    try:
        for context in contexts:
            is_open = asyncio.Event()
            tasks.append(asyncio.create_task(_hold(context, is_open, is_over)))
            opening = asyncio.create_task(is_open.wait())
            await asyncio.wait({tasks[-1], opening}, return_when=asyncio.FIRST_COMPLETED)
            if tasks[-1].done():
                opening.cancel()
                await tasks[-1]
        yield
    finally:
        is_over.set()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome


async def _hold(context: AbstractAsyncContextManager[object], is_open: asyncio.Event, is_over: asyncio.Event) -> None:
    async with context:
        is_open.set()
        await is_over.wait()
