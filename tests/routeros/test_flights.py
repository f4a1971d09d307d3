"""What commands cost on the way: writes, round trips, commands; and what a flight that is cut short still tells."""

import asyncio
import time

import pytest

from routeros.client import HotspotRouter
from routeros.client.bulk import MANY
from routeros.client.rows import IDS_PER_REMOVE, WHOLE_ABOVE
from routeros.client.wire import IN_FLIGHT, ROWS_ARE_PROGRESS
from routeros.errors import NoSuchItem, Unreachable
from routeros.simulator.latency import Latency
from routeros.simulator.router import SimulatedRouter
from routeros.values import HotspotUser, LogIn, RouterAddress, UserChanges
from tests.routeros.model import name
from tests.routeros.peer import Peer, framed, read_sentence

DELAYED_ACK_S = 0.5


def client_of(board: SimulatedRouter, *, scripts_from: int = MANY) -> HotspotRouter:
    address = RouterAddress(board.api_host, board.api_port, "vocha", "secret")
    return HotspotRouter(address, scripts_from=scripts_from)


def board(latency: Latency | None = None) -> SimulatedRouter:
    return SimulatedRouter(api_user="vocha", api_password="secret", latency=latency)


def users(count: int) -> list[HotspotUser]:
    return [HotspotUser(name=name(number), password="x") for number in range(count)]


async def test_no_command_waits_for_a_delayed_acknowledgement() -> None:
    async with board(Latency(delayed_ack=DELAYED_ACK_S)) as slow, client_of(slow) as router:
        began = time.perf_counter()
        await router.add_users(users(3))
        await router.set_user(name(1), limit_uptime=60)
        await router.end_access([name(1)])
        assert time.perf_counter() - began < DELAYED_ACK_S
        assert slow.meter.split_sentences == 0
        assert slow.meter.commands > 5


async def test_every_write_is_whole_sentences(peer: Peer) -> None:
    arrived: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 20):
            arrived.append(data)
            for tag in data.split(b".tag=")[1:]:
                writer.write(framed("!done", b".tag=" + tag.split(b"\0")[0]))

    peer.takes_over = listen
    async with HotspotRouter(peer.address()) as router:
        phones = [LogIn(ip="10.5.50.9", mac="", user=name(number), password="x") for number in range(IN_FLIGHT)]
        results = await router.log_in_each(phones)
    assert not any(result.error for result in results)
    assert len(arrived) == 1, "all that may be on its way leaves in one write"


async def test_a_thousand_adds_take_three_round_trips() -> None:
    async with board(Latency(rtt=0.3)) as far, client_of(far, scripts_from=1 << 30) as router:
        await router.identity()
        began = time.perf_counter()
        results = await router.add_users(users(2 * IN_FLIGHT + 40))
        took = time.perf_counter() - began
    assert not any(result.error for result in results)
    assert took < 6 * 0.3, "a busy machine may double it, one command at a time would take a minute and a half"


async def test_many_users_end_by_few_commands_and_others_stay() -> None:
    async with board() as near, client_of(near) as router:
        count = IDS_PER_REMOVE[0] + 1
        await router.add_users(users(count + WHOLE_ABOVE))
        near.meter.commands = 0
        ended = await router.end_access([name(number) for number in range(count)])
        assert ended.users == count
        assert near.meter.commands == 5, "three menus read, two lists removed"
        left = {row.get("name") for row in near.hotspot.users}
        assert {name(number) for number in range(count, count + WHOLE_ABOVE)} <= left
        assert len(left) == WHOLE_ABOVE + 1


async def test_many_changes_reach_their_own_rows() -> None:
    async with board() as near, client_of(near) as router:
        await router.add_users(users(200))
        changes: list[tuple[str, UserChanges]] = [(name(n), {"limit_uptime": n + 1}) for n in range(0, 202, 2)]
        results = await router.set_users(changes)
        assert [type(result.error) for result in results] == [*([type(None)] * 100), NoSuchItem]
        assert {user.name: user.limit_uptime for user in await router.users() if user.limit_uptime} == {
            name(n): n + 1 for n in range(0, 200, 2)
        }


async def test_a_flight_cut_short_tells_what_was_answered(peer: Peer) -> None:
    async def dies_after_two(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            writer.write(framed("!done", (await read_sentence(reader))[-1]))
        await writer.drain()

    peer.takes_over = dies_after_two
    async with HotspotRouter(peer.address()) as router:
        results = await router.add_users(users(4))
    assert [type(result.error) for result in results] == [type(None), type(None), Unreachable, Unreachable]


async def test_a_long_table_may_take_longer_than_an_answer_may_be_silent(peer: Peer) -> None:
    """Six times a hundred rows, half a second apart, where two seconds of silence are too much; then silence."""

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tag = (await read_sentence(reader))[-1]
        for _ in range(6):
            writer.write(framed("!re", tag, "=name=x") * ROWS_ARE_PROGRESS)
            await asyncio.sleep(0.5)
        writer.write(framed("!done", tag))
        await reader.read()

    peer.takes_over = slowly
    async with HotspotRouter(peer.address(), command_timeout=2) as router:
        assert len(await router.users()) == 6 * ROWS_ARE_PROGRESS
        with pytest.raises(Unreachable):
            await router.users()
