"""HTTP/1.1 on a phone's socket: reading requests and writing answers, with caps and timeouts, over h11.

Knows nothing of hotspots; who may go where is decided in `proxy.gate`.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

import h11

from routeros.simulator.exchange import Reply, plain_reply

HEAD_LIMIT = 32 * 1024
CHUNK = 64 * 1024
#: Seconds: a kept-alive connection may wait this long for its next request, and a body or answer for its next bytes.
IDLE_SECONDS = 75.0
#: Seconds from the first byte of a head to its end: a slow-drip client is cut off.
HEAD_SECONDS = 15.0
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 1024 * 1024


class DisconnectedError(Exception):
    """The other side went away, or stayed silent too long."""


class BadMessageError(Exception):
    """The phone sent something that is not HTTP/1.1: it gets 400 and the connection is closed."""


class BodyTooLargeError(Exception):
    """A body beyond the cap: it gets 413 and the connection is closed."""


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset, as the hotspot's reject rule does (reject-with=tcp-reset)."""
    raw = writer.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError, ValueError):  # already closed; uvloop says so by ValueError
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class PhoneLink:
    """One TCP connection from a phone. `received` and `sent` count its bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.received = 0
        self.sent = 0
        #: Bytes of the current request that came before it was decided upon.
        self.pending = 0
        self._method = ""
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)

    async def next_request(self) -> h11.Request | None:
        """Wait for the next request head; None when the phone hung up or idled too long. Raises BadMessageError."""
        try:
            async with asyncio.timeout(IDLE_SECONDS) as limit:
                has_begun = bool(self._connection.trailing_data[0])
                before = self.received - len(self._connection.trailing_data[0])
                while (event := self._parse()) is h11.NEED_DATA:
                    await self._receive()
                    if not has_begun:
                        has_begun = True
                        limit.reschedule(asyncio.get_running_loop().time() + HEAD_SECONDS)
        except (TimeoutError, DisconnectedError):
            return None
        if not isinstance(event, h11.Request):
            return None
        if sum(len(name) + len(value) for name, value in event.headers) + len(event.target) > HEAD_LIMIT:
            raise BadMessageError("head too large")
        self._method = event.method.decode()
        self.pending = self.received - before
        return event

    async def body(self) -> AsyncIterator[bytes]:
        """Stream the body of the current request. Raises BadMessageError (bad chunk) and DisconnectedError."""
        if self._connection.they_are_waiting_for_100_continue:
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))
        while True:
            event = self._parse()
            if event is h11.NEED_DATA:
                try:
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self._receive()
                except TimeoutError as error:
                    raise DisconnectedError from error
            elif isinstance(event, h11.Data):
                yield bytes(event.data)
            else:
                return

    async def read_body(self, limit: int) -> bytes:
        """Read the whole body. More than `limit` bytes raise BodyTooLargeError."""
        pieces: list[bytes] = []
        size = 0
        async for piece in self.body():
            size += len(piece)
            if size > limit:
                raise BodyTooLargeError
            pieces.append(piece)
        return b"".join(pieces)

    async def wait_gone(self) -> None:
        """Return when the phone hangs up. Bytes of a following request are kept for it, then the wait has no end."""
        if not self._connection.trailing_data[0] and not await self._receive():
            return
        await asyncio.Event().wait()

    async def send(self, event: h11.Event) -> None:
        """Write one event. Raises DisconnectedError when the phone does not take it."""
        data = self._connection.send(event)
        if not data:
            return
        self.sent += len(data)
        try:
            self.writer.write(data)
            async with asyncio.timeout(IDLE_SECONDS):
                await self.writer.drain()
        except (OSError, TimeoutError) as error:
            raise DisconnectedError from error

    async def reply(self, reply: Reply) -> None:
        """Write a complete answer. The connection stays usable when the request was read to its end."""
        headers = [(name.encode("ascii"), value.encode("utf-8", "surrogateescape")) for name, value in reply.headers]
        if reply.status not in {204, 304}:
            headers.append((b"Content-Length", str(len(reply.body)).encode()))
        if self._connection.their_state is not h11.DONE:
            headers.append((b"Connection", b"close"))
        reason = reply.reason.encode("latin-1", "replace")
        await self.send(h11.Response(status_code=reply.status, reason=reason, headers=headers))
        if reply.body and self._method != "HEAD" and reply.status not in {204, 304}:
            await self.send(h11.Data(data=reply.body))
        await self.send(h11.EndOfMessage())

    async def refuse(self, status: int, reason: str) -> None:
        """Answer an unusable request if no answer has begun, and take what the phone is still sending."""
        if self._connection.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            await self.reply(plain_reply(status, reason, f"{status} {reason}"))
        # Closing with unread bytes would reset the connection and destroy the answer on its way.
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                if self.writer.can_write_eof():  # TLS cannot
                    self.writer.write_eof()
                taken = 0
                while taken < _LINGER_BYTES and (piece := await self.reader.read(CHUNK)):
                    taken += len(piece)

    @property
    def has_answered(self) -> bool:
        """Whether an answer to the current request has begun."""
        return self._connection.our_state not in {h11.IDLE, h11.SEND_RESPONSE}

    def recycle(self) -> bool:
        """Make ready for the next request on this connection; False when it must be closed."""
        if self._connection.our_state is h11.DONE and self._connection.their_state is h11.DONE:
            self._connection.start_next_cycle()
            return True
        return False

    async def become_tunnel(self) -> bytes:
        """Answer a CONNECT with success; give the bytes the phone sent ahead. From here on use reader and writer."""
        early = self._connection.trailing_data[0]
        answer = b"HTTP/1.1 200 Connection established\r\n\r\n"
        self.sent += len(answer)
        self.writer.write(answer)
        await self.writer.drain()
        return early

    def _parse(self) -> object:
        try:
            return self._connection.next_event()
        except h11.RemoteProtocolError as error:
            raise BadMessageError(str(error)) from error

    async def _receive(self) -> bytes:
        try:
            data = await self.reader.read(CHUNK)
        except OSError as error:
            raise DisconnectedError from error
        self.received += len(data)
        self._connection.receive_data(data)
        return data
