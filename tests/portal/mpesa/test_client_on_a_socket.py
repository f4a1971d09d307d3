"""What a mock cannot show: drips, bombs and closed ports, on loopback."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from portal.clock import Clock
from portal.errors import MpesaBusy
from portal.mpesa.client import Daraja
from portal.mpesa.credentials import TokenSource
from tests.portal.mpesa.samples import APP

Daemon = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@asynccontextmanager
async def server(serve: Daemon) -> AsyncIterator[str]:
    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()
        await asyncio.wait_for(listening.wait_closed(), 5)


async def fetch_token_from(base_url: str, *, patience_s: float = 30) -> object:
    clock = Clock()
    async with httpx.AsyncClient(trust_env=False) as http:
        app = replace(APP, base_url=base_url)
        return await Daraja(http, app, tokens=TokenSource(clock), clock=clock, patience_s=patience_s).fetch_token()


async def test_a_slow_drip_is_cut_off_as_a_whole():
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        try:
            for _ in range(100):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with server(drip) as url:
        started = asyncio.get_running_loop().time()
        with pytest.raises(MpesaBusy) as caught:
            await fetch_token_from(url, patience_s=0.3)
        assert asyncio.get_running_loop().time() - started < 2
        assert caught.value.code == "TimeoutError"


async def test_a_compressed_bomb_is_not_unpacked():
    bomb = gzip.compress(b'{"access_token":"' + b"x" * 30_000_000 + b'"}')

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
        writer.write(head.encode() + bomb)
        writer.close()

    async with server(serve) as url:
        tracemalloc.start()
        try:
            with pytest.raises(MpesaBusy) as caught:
                await fetch_token_from(url)
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()
    assert caught.value.code == "DecodingError"


async def test_a_closed_port_is_known_not_to_have_been_reached():
    async with server(lambda _, writer: writer.close()) as url:
        pass
    with pytest.raises(MpesaBusy) as caught:
        await fetch_token_from(url)
    assert caught.value.code == "ConnectError"
