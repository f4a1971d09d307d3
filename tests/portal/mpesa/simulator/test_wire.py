"""The poster of messages: what it sends is what was given, and every way of not being answered has a name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from portal.mpesa.simulator.wire import ANSWER_LIMIT, Wire, WireError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Listen = Callable[[Serve], Awaitable[str]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    servers: list[asyncio.Server] = []

    async def start(serve: Serve) -> str:
        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(one, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()
    await asyncio.sleep(0.01)


async def read_one(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


async def test_two_posts_share_one_connection(listen: Listen, wire: Wire):
    seen: list[bytes] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            seen.append(await read_one(reader))
            writer.write(b"HTTP/1.1 202 Fine\r\nContent-Length: 4\r\n\r\nbody")

    url = await listen(serve)
    for _ in range(2):
        assert await wire.post(url + "/a%2Fb//?x=%20", b'{"a":1}', headers={"X-Case": "kept"}) == (202, b"body")
    assert connections == 1
    assert seen[0].startswith(b"POST /a%2Fb//?x=%20 HTTP/1.1\r\n")
    assert b"\r\nX-Case: kept\r\n" in seen[0]
    assert seen[0].endswith(b'\r\n\r\n{"a":1}')


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", (200, b"until the end")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", (200, b"abc")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", (200, b"x")),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", (302, b"")),
    ],
)
async def test_answer_of_any_framing_is_read(listen: Listen, wire: Wire, sent: bytes, expected: tuple[int, bytes]):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_one(reader)
        writer.write(sent)
        await writer.drain()

    assert await wire.post(await listen(serve), b"{}", headers={}) == expected


async def test_long_answer_is_cut(listen: Listen, wire: Wire):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_one(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 200_000)
        await writer.drain()
        await reader.read()

    status, answer = await wire.post(await listen(serve), b"{}", headers={})
    assert (status, len(answer)) == (200, ANSWER_LIMIT)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", "RemoteProtocolError"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "RemoteProtocolError"),
        (b"HTTP/1.1 2", "RemoteProtocolError"),
        (b"SSH-2.0\r\n", "RemoteProtocolError"),
    ],
)
async def test_no_answer_has_a_name(listen: Listen, wire: Wire, sent: bytes, error: str):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_one(reader)
        writer.write(sent)

    with pytest.raises(WireError, match=error):
        await wire.post(await listen(serve), b"{}", headers={})


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://127.0.0.1:99999/", "http://[::1/"])
async def test_nobody_there_is_a_connect_error(wire: Wire, url: str):
    with pytest.raises(WireError, match="ConnectError"):
        await wire.post(url, b"{}", headers={})


async def test_certificate_nobody_vouches_for_is_a_connect_error(listen: Listen, wire: Wire):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)

    url = (await listen(serve)).replace("http://", "https://")
    with pytest.raises(WireError, match="ConnectError"):
        await wire.post(url, b"{}", headers={})


async def test_connection_closed_meanwhile_is_not_used_again(listen: Listen, wire: Wire):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_one(reader)
        # Promises to stay and leaves.
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    url = await listen(serve)
    for _ in range(3):
        assert (await wire.post(url, b"{}", headers={}))[0] == 200
        await asyncio.sleep(0.02)
