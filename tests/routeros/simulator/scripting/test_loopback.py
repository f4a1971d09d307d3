"""The fetcher of demonstrations: loopback services by name, and nothing else."""

import asyncio

import pytest

from routeros.simulator.scripting.engine import ScriptEngine
from routeros.simulator.scripting.loopback import LoopbackFetcher
from tests.routeros.simulator.scripting.bench import still_router


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    body = head.split(b"\r\n")[0] + b"|" + await reader.readexactly(length)
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


async def test_a_script_posts_to_a_service_of_this_machine() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    engine = ScriptEngine(still_router())
    engine.host.fetcher = LoopbackFetcher({"portal.example": ("127.0.0.1", port)})
    text = ':put ([/tool fetch url="https://portal.example/pull?a=1" http-method=post http-data=state output=user as-value]->"data")'
    assert (await engine.run_live(text)).output == "POST /pull?a=1 HTTP/1.1|state"
    server.close()
    await server.wait_closed()
    assert (await engine.run_live(text)).error == "failure: connection refused"


async def test_an_unknown_name_is_not_looked_up() -> None:
    engine = ScriptEngine(still_router())
    engine.host.fetcher = LoopbackFetcher({})
    assert (await engine.run_live("/tool fetch url=http://example.com/")).error == "failure: resolving error"


def test_an_address_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        LoopbackFetcher({"portal.example": ("192.0.2.1", 80)})
