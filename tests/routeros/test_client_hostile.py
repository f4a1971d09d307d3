"""A router is a server we dial: it may be slow, broken or hostile, and must cost us a bounded amount of anything."""

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable

import pytest

from routeros.client import HotspotRouter
from routeros.errors import BadReply, Unreachable
from routeros.values import RouterAddress
from tests.routeros.peer import Peer, framed, read_sentence, rows

Streams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(data: Callable[[str], bytes], *, times: int = 1) -> Streams:
    """Answer the first command with `data(tag)` again and again, then be silent."""

    async def take_over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tag = (await read_sentence(reader))[-1]
        for _ in range(times):
            writer.write(data(tag))
            await writer.drain()
        await reader.read()

    return take_over


async def recovers(router: HotspotRouter, peer: Peer) -> bool:
    """After the trouble the next command works, on a new connection."""
    peer.takes_over = None
    peer.answers["/system/identity/print"] = lambda _: rows({"name": "fine"})
    return (await router.identity()).name == "fine" and peer.connections == 2


@pytest.mark.parametrize(
    ("data", "times"),
    [
        pytest.param(lambda tag: b"\xe0\x01\x00\x01", 1, id="a word over 64 KiB"),
        pytest.param(lambda tag: b"\xef\xff\xff\xff", 1, id="a word of 256 MiB announced"),
        pytest.param(lambda tag: framed("!re", tag, "=name=" + "x" * 60_000), 200, id="over 8 MiB in words of 60 kB"),
        pytest.param(lambda tag: framed("!re", tag) * 1000, 51, id="over 50,000 empty rows"),
        pytest.param(lambda tag: b"\0" * 10_000, 10, id="empty sentences"),
        pytest.param(lambda tag: framed("!re", tag)[:-1] + b"\x04=a=b" * 200_000, 20, id="a sentence without end"),
        pytest.param(lambda tag: b"\xf8\x01", 1, id="a reserved control byte"),
        pytest.param(lambda tag: b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10, 1, id="a web server"),
        pytest.param(lambda tag: framed("!done", ".tag=999"), 1, id="somebody else's tag"),
        pytest.param(lambda tag: framed("!done"), 1, id="no tag"),
        pytest.param(lambda tag: framed("!surprise", tag), 1, id="an unknown reply word"),
    ],
)
async def test_nonsense_or_too_much_is_a_bad_reply_and_the_next_command_works(
    router: HotspotRouter, peer: Peer, data: Callable[[str], bytes], times: int
) -> None:
    peer.takes_over = says(data, times=times)
    with pytest.raises(BadReply):
        await router.users()
    assert await recovers(router, peer)


async def test_words_that_were_not_asked_for_cost_no_memory(peer: Peer) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tag = (await read_sentence(reader))[-1]
        row = framed("!re", tag)[:-1] + b"".join(framed(f"=k{n}=" + "v" * 100)[:-1] for n in range(250)) + b"\0"
        for _ in range(100):
            writer.write(row)
            await writer.drain()
        writer.write(framed("!done", tag))
        await reader.read()

    peer.takes_over = flood
    async with HotspotRouter(peer.address()) as router:
        tracemalloc.start()
        try:
            assert len(await router.users()) == 100
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2 * 1024 * 1024


async def test_a_drip_of_bytes_does_not_outlive_the_deadline(peer: Peer) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tag = (await read_sentence(reader))[-1]
        while True:
            writer.write(framed("!re", tag))
            await asyncio.sleep(0.02)

    peer.takes_over = drip
    async with HotspotRouter(peer.address(), command_timeout=0.3) as router:
        started = asyncio.get_running_loop().time()
        with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            await router.users()
        assert asyncio.get_running_loop().time() - started < 3
        assert await recovers(router, peer)


async def test_a_router_that_accepts_and_says_nothing_is_unreachable_in_time(peer: Peer) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.read()
        return False

    peer.login = mute
    async with HotspotRouter(peer.address(), connect_timeout=0.2) as router:
        with pytest.raises(Unreachable, match=r"0\.2 s"):
            await router.identity()


async def test_a_closed_port_and_an_impossible_name_are_unreachable(peer: Peer) -> None:
    address = peer.address()
    await peer.stop()
    for host in (address.host, "x" * 70 + ".invalid", "a..b"):
        async with HotspotRouter(RouterAddress(host, address.port, "u", "p")) as router:
            with pytest.raises(Unreachable):
                await router.identity()


@pytest.mark.parametrize("last_words", [framed("!fatal", "session terminated on request"), framed("!fatal"), b""])
async def test_a_connection_closed_by_the_router_is_unreachable(
    router: HotspotRouter, peer: Peer, last_words: bytes
) -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_sentence(reader)
        writer.write(last_words)

    peer.takes_over = close
    with pytest.raises(Unreachable) as caught:
        await router.users()
    assert not isinstance(caught.value, BadReply)
    assert await recovers(router, peer)


async def test_a_cancelled_command_never_gives_its_answer_to_the_next(router: HotspotRouter, peer: Peer) -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tag = (await read_sentence(reader))[-1]
        await asyncio.sleep(0.1)
        writer.write(framed("!re", tag, "=name=late") + framed("!done", tag))
        await reader.read()

    peer.takes_over = late
    command = asyncio.create_task(router.identity())
    await asyncio.sleep(0.05)
    command.cancel()
    with pytest.raises(asyncio.CancelledError):
        await command
    assert await recovers(router, peer)


async def test_bytes_that_are_not_utf8_are_marked_and_cannot_forge_a_name(router: HotspotRouter, peer: Peer) -> None:
    async def latin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tag = (await read_sentence(reader))[-1]
        writer.write(framed("!re", tag, "=.id=*1", b"=name=vocha-\xff0123456789abcdef") + framed("!done", tag))
        await reader.read()

    peer.takes_over = latin
    [user] = await router.users()
    assert user.name == "vocha-\ufffd0123456789abcdef"


async def test_words_of_every_length_arrive_whole_in_any_pieces(router: HotspotRouter, peer: Peer) -> None:
    sizes = [0, 1, 118, 119, 120, 16_000, 16_374, 16_375, 65_000]

    async def pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tag = (await read_sentence(reader))[-1]
        data = b"".join(framed("!re", tag, "=.id=*1", "=comment=" + "x" * size) for size in sizes)
        data += framed("!done", tag)
        for start in range(0, len(data), 1999):
            writer.write(data[start : start + 1999])
            await asyncio.sleep(0)
        await reader.read()

    peer.takes_over = pieces
    assert [len(user.comment) for user in await router.users()] == sizes
