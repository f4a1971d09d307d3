"""Replies of all routers together cost a bounded amount of memory, and small ones always find room."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from routeros.client import Budget, HotspotRouter
from routeros.client.budget import Share
from routeros.errors import BadReply, Unreachable
from tests.routeros.peer import Peer, framed, read_sentence, rows


def test_more_than_an_equal_share_is_refused_only_while_room_is_short() -> None:
    budget = Budget(total=100)
    one, other = Share(budget), Share(budget)
    one.hold(90)
    other.hold(10)
    with pytest.raises(BadReply):
        one.hold(95)
    other.hold(45)
    one.hold(0)
    other.hold(100)
    assert (budget.held, budget.holders) == (100, 1)
    other.hold(0)
    assert (budget.held, budget.holders) == (0, 0)


@asynccontextmanager
async def peers(count: int) -> AsyncGenerator[list[Peer]]:
    async with AsyncExitStack() as stack:
        found = [Peer() for _ in range(count)]
        for each in found:
            await each.start()
            stack.push_async_callback(each.stop)
        yield found


async def greedy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Many wide rows, and no end."""
    tag = (await read_sentence(reader))[-1]
    fields = [f"={name}=x" for name in ("name", "password", "profile", "comment", "mac-address", "server", ".id")]
    for _ in range(100):
        writer.write(framed("!re", tag, *fields) * 100)
        await writer.drain()
    await reader.read()


async def test_greedy_routers_are_cut_off_and_a_small_one_is_read(peer: Peer) -> None:
    budget = Budget(total=2_000_000)
    peer.answers["/system/identity/print"] = lambda _: rows({"name": "fine"})
    async with peers(5) as hostile, AsyncExitStack() as stack:
        for each in hostile:
            each.takes_over = greedy
        clients = [
            await stack.enter_async_context(HotspotRouter(each.address(), budget=budget, command_timeout=3))
            for each in hostile
        ]
        asked = [asyncio.create_task(client.users()) for client in clients]
        cut = 0
        for finished in asyncio.as_completed(asked):
            with pytest.raises(Unreachable) as refused:
                await finished
            cut += "of all routers together" in refused.value.text
            async with HotspotRouter(peer.address(), budget=budget) as small:
                assert (await small.identity()).name == "fine"
        assert cut >= 4, "room was short for all of them, but the last"
    assert (budget.held, budget.holders) == (0, 0)
