"""Who waits for whom at a gate: counted, not timed."""

import asyncio
from contextlib import AsyncExitStack

from jobs.gates import WAITED_FOR, Gate


async def entered(gate: Gate, stack: AsyncExitStack) -> asyncio.Task[None]:
    """Somebody goes in and stays."""
    task = asyncio.create_task(stack.enter_async_context(gate.place()))
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_no_more_than_its_places_are_inside() -> None:
    gate = Gate(2, moment_s=3600)
    async with AsyncExitStack() as first, AsyncExitStack() as others:
        inside = [await entered(gate, first), await entered(gate, others)]
        third = await entered(gate, others)
        assert [task.done() for task in (*inside, third)] == [True, True, False]
        await first.aclose()
        await third


async def test_whoever_takes_longer_than_a_moment_gives_its_place_away_until_too_many_are_waited_for() -> None:
    gate = Gate(1, moment_s=0)
    async with AsyncExitStack() as first, AsyncExitStack() as others:
        async with asyncio.timeout(5):
            await (await entered(gate, first))
            for _ in range(WAITED_FOR - 1):
                await (await entered(gate, others))
        last = await entered(gate, others)
        assert not last.done()
        await first.aclose()
        await last


async def test_a_place_that_was_given_away_is_not_given_back_twice() -> None:
    gate = Gate(1, moment_s=0)
    async with gate.place():
        await asyncio.sleep(0.01)
    gate = Gate(1, moment_s=0.01)
    async with gate.place():
        await asyncio.sleep(0.03)
    async with AsyncExitStack() as stack:
        assert (await entered(gate, stack)).done()
        second = await entered(gate, stack)
        assert not second.done()
        await second
