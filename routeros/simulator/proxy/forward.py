"""Carrying an allowed request onwards: streamed HTTP to a loopback server, and CONNECT tunnels.

Whether a request is allowed is decided before (see `proxy.gate`); the counting of bytes is the caller's `tally`.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

import h11

from routeros.simulator.exchange import Request, plain_reply
from routeros.simulator.proxy.wire import CHUNK, IDLE_SECONDS, BadMessageError, DisconnectedError, PhoneLink

CONNECT_SECONDS = 5.0
#: Hop-by-hop (RFC 9110 section 7.6.1). Transfer-Encoding stays: it is the framing, and h11 speaks it on both sides.
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer upgrade expect".split()
)
_HEAD_LIMIT = 64 * 1024

Tally = Callable[[], None]


class UpstreamError(Exception):
    """The server could not be reached or did not answer in HTTP."""


async def dial(address: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a loopback address within 5 seconds. Raises UpstreamError."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(*address)
    except (OSError, TimeoutError) as error:
        raise UpstreamError(f"{address[0]}:{address[1]} does not answer") from error


async def forward(link: PhoneLink, head: h11.Request, request: Request, address: tuple[str, int], tally: Tally) -> None:
    """Send one request to `address` and stream the answer back. `tally` is called after every piece.

    A server that fails gives the phone 502; one that fails in the middle of its answer raises UpstreamError, and the
    phone's connection must be closed. Raises DisconnectedError and BadMessageError for what the phone does.
    """
    try:
        reader, writer = await dial(address)
    except UpstreamError:
        await link.refuse(502, "Bad Gateway")
        return
    try:
        server = _Server(reader, writer)
        await server.send(_onward(head, request))
        await _exchange(link, server, tally)
    except UpstreamError:
        if link.has_answered:
            raise
        await link.refuse(502, "Bad Gateway")
    finally:
        await _close(writer)


async def tunnel(link: PhoneLink, address: tuple[str, int], tally: Tally) -> None:
    """Answer a CONNECT and carry bytes both ways until both sides are done."""
    try:
        reader, writer = await dial(address)
    except UpstreamError:
        await link.reply(plain_reply(502, "Bad Gateway", "The server does not answer"))
        return

    def received(size: int) -> None:
        link.received += size
        tally()

    def sent(size: int) -> None:
        link.sent += size
        tally()

    try:
        early = await link.become_tunnel()
        writer.write(early)
        await _both(_pump(link.reader, writer, received), _pump(reader, link.writer, sent))
    except (OSError, TimeoutError) as error:
        raise DisconnectedError from error
    finally:
        await _close(writer)


class _Server:
    """The connection to the real server: one request, one answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_LIMIT)

    async def send(self, event: h11.Event) -> None:
        try:
            self._writer.write(self._connection.send(event) or b"")
            async with asyncio.timeout(IDLE_SECONDS):
                await self._writer.drain()
        except (OSError, TimeoutError, h11.LocalProtocolError) as error:
            raise UpstreamError("the server does not take the request") from error

    async def receive(self) -> object:
        try:
            while (event := self._connection.next_event()) is h11.NEED_DATA:
                async with asyncio.timeout(IDLE_SECONDS):
                    self._connection.receive_data(await self._reader.read(CHUNK))
        except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
            raise UpstreamError("the server does not answer in HTTP") from error
        return event


async def _exchange(link: PhoneLink, server: _Server, tally: Tally) -> None:
    """Stream up and down at once: a server may answer before it has read the whole body."""
    upload = asyncio.create_task(_upload(link, server, tally))
    download = asyncio.create_task(_download(link, server, tally))
    try:
        await asyncio.wait({upload, download}, return_when=asyncio.FIRST_COMPLETED)
        if upload.done() and not download.done() and isinstance(upload.exception(), UpstreamError):
            await asyncio.wait({download})  # it stopped reading, but its answer may be on the way
        first = upload if upload.done() and not download.done() else download
        await first
    finally:
        await _stop(upload, download)


async def _upload(link: PhoneLink, server: _Server, tally: Tally) -> None:
    async for piece in link.body():
        tally()
        await server.send(h11.Data(data=piece))
    await server.send(h11.EndOfMessage())
    await link.wait_gone()
    raise DisconnectedError


async def _download(link: PhoneLink, server: _Server, tally: Tally) -> None:
    while True:
        event = await server.receive()
        if isinstance(event, h11.Response):
            headers = _end_to_end(event)
            await link.send(h11.Response(status_code=event.status_code, reason=event.reason, headers=headers))
        elif isinstance(event, h11.Data):
            await link.send(h11.Data(data=bytes(event.data)))
            tally()
        elif isinstance(event, h11.EndOfMessage):
            await link.send(h11.EndOfMessage())
            tally()
            return
        elif not isinstance(event, h11.InformationalResponse):
            raise UpstreamError("the server hung up")


def _onward(head: h11.Request, request: Request) -> h11.Request:
    host = f"[{request.host}]" if ":" in request.host else request.host
    authority = host if request.port == 80 else f"{host}:{request.port}"
    kept = [(name, value) for name, value in _end_to_end(head) if name.lower() != b"host"]
    headers = [(b"Host", authority.encode()), *kept, (b"Connection", b"close")]
    try:
        return h11.Request(method=head.method, target=request.target.encode("latin-1"), headers=headers)
    except h11.LocalProtocolError as error:
        raise BadMessageError(str(error)) from error


def _end_to_end(message: h11.Request | h11.Response) -> list[tuple[bytes, bytes]]:
    headers = message.headers
    named = {word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")}
    dropped = _HOP_BY_HOP | (named - {b"transfer-encoding", b"content-length"})
    return [(name, value) for name, value in headers.raw_items() if name.lower() not in dropped]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None]) -> None:
    while data := await reader.read(CHUNK):
        count(len(data))
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _both(*coroutines: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        await _stop(*tasks)


async def _stop(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
