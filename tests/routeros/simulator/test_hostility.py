"""Hostile routers: what the simulator sends in each mode, and that our client and the simulator both survive it."""

from __future__ import annotations

import asyncio
import time

import pytest

from routeros.client import HotspotRouter
from routeros.errors import BadReply, RouterError, Unreachable
from routeros.simulator.hostility import MODES, Mode
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.wire import encode_sentence
from routeros.values import RouterAddress
from tests.routeros.simulator.raw_client import RawClient

EXPECTED = encode_sentence(["!re", "=name=MikroTik"]) + encode_sentence(["!done"])


def _client(router: SimulatedRouter) -> HotspotRouter:
    address = RouterAddress(host=router.api_host, port=router.api_port, user="admin", password="")
    return HotspotRouter(address, connect_timeout=0.5, command_timeout=0.5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("only", ["", "/login"])
async def test_our_client_gives_up_in_time_and_the_router_heals(mode: Mode, only: str) -> None:
    async with SimulatedRouter() as router:
        router.faults.hostile, router.faults.only = mode, only
        async with _client(router) as client:
            began = time.monotonic()
            with pytest.raises(RouterError) as caught:
                await client.users()
            assert time.monotonic() - began < 5  # two limits of half a second, and whatever else this machine does
            assert isinstance(caught.value, Unreachable | BadReply)
            router.faults.clear()
            assert len(await client.users()) == 1
        await _until_idle(router)


async def _until_idle(router: SimulatedRouter) -> None:
    async with asyncio.timeout(1):
        while router.server.connections:  # noqa: ASYNC110  (the simulator notices a hang-up in its own time)
            await asyncio.sleep(0.01)


async def _ask(mode: Mode, size: int) -> bytes:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.faults.hostile, router.faults.drip_seconds = mode, 0.01
        client.send("/system/identity/print")
        data = b""
        while len(data) < size and (more := await client.reader.read(size - len(data))):
            data += more
        return data


async def test_the_endless_reply_is_made_of_good_rows() -> None:
    data = await _ask("endless", 1_000_000)
    assert len(data) == 1_000_000
    assert data.startswith(encode_sentence(["!re", "=.id=*1", "=name=" + "x" * 64]))


async def test_the_huge_word_announces_four_gigabytes_and_keeps_sending() -> None:
    data = await _ask("huge-word", 300_000)
    assert data[:5] == b"\xf0\xff\xff\xff\xff"
    assert len(data) == 300_000


async def test_garbage_is_no_sentence_and_the_same_every_time() -> None:
    first = await _ask("garbage", 100_000)
    assert len(first) == 4096
    assert not first.startswith(EXPECTED[:4])
    assert await _ask("garbage", 100_000) == first


async def test_a_dripping_router_sends_the_right_answer_byte_by_byte() -> None:
    began = time.monotonic()
    assert await _ask("drip", 1000) == EXPECTED
    assert time.monotonic() - began >= 0.01 * len(EXPECTED)


async def test_half_a_sentence_comes_and_then_the_end() -> None:
    assert await _ask("half", 1000) == EXPECTED[: len(EXPECTED) // 2]


async def test_silence_is_silent_and_keeps_the_connection() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.faults.hostile = "silence"
        client.send("/system/identity/print")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.reader.read(1)


async def test_only_the_commands_named_meet_the_impostor() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.faults.hostile, router.faults.only = "half", "/ip/hotspot/user"
        assert await client.rows("/system/identity/print")
        with pytest.raises((EOFError, ConnectionError)):
            await client.rows("/ip/hotspot/user/print")


async def test_a_router_in_the_middle_of_an_endless_reply_can_be_stopped() -> None:
    router = await SimulatedRouter().start()
    async with await RawClient.connect(router) as client:
        router.faults.hostile = "endless"
        client.send("/system/identity/print")
        await client.reader.read(1)
        async with asyncio.timeout(1):
            await router.stop()
