"""A small HTTP/1.1 poster: path and headers leave exactly as given, no redirect is followed, nothing is tried twice.

Not a client for general use. It exists because a full client costs a millisecond of processor per message, which is
more than the five hundred messages per second of the generator allow.
"""

import asyncio
import ssl
from collections import defaultdict
from functools import cache
from typing import cast
from urllib.parse import urlsplit

import httptools

ANSWER_LIMIT = 65_536
# Shorter than servers keep idle connections (uvicorn: 5 s), so that a kept one is not just being closed.
IDLE_SECONDS = 2.0

Key = tuple[str, str, int, str]


class WireError(Exception):
    """No answer came; the text is one word: ConnectError, ReadError or RemoteProtocolError."""


class _Line(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self) -> None:
        self.status = 0
        self.answer = bytearray()
        self.last_used = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._done: asyncio.Future[None] | None = None
        self._has_head = False
        self._may_stay = False

    @property
    def is_open(self) -> bool:
        return self._may_stay and self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> None:
        """Send; returns when the answer is in `status` and `answer`. WireError when none comes."""
        if self._transport is None or self._transport.is_closing():
            raise WireError("ReadError")
        self.status, self._has_head, self._may_stay = 0, False, False
        self.answer.clear()
        self._parser = httptools.HttpResponseParser(self)
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._done

    def close(self) -> None:
        self._may_stay = False
        if self._transport:
            self._transport.abort()

    # -- asyncio's side --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not descend from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._finish(WireError("RemoteProtocolError"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._may_stay = False
        # An answer without a length ends with the connection.
        complete = self._has_head and exc is None
        self._finish(None if complete else WireError("ReadError" if exc else "RemoteProtocolError"))

    # -- the parser's side -----------------------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self.status = self._parser.get_status_code()
        self._has_head = self.status >= 200

    def on_body(self, body: bytes) -> None:
        self.answer += body[: ANSWER_LIMIT - len(self.answer)]
        if len(self.answer) >= ANSWER_LIMIT:
            # Long enough: the rest is left where it is.
            self._finish(None)

    def on_message_complete(self) -> None:
        if self._has_head and self._parser is not None:
            self._may_stay = len(self.answer) < ANSWER_LIMIT and self._parser.should_keep_alive()
            self._finish(None)

    def _finish(self, error: WireError | None) -> None:
        if self._done is None or self._done.done():
            return
        if error:
            self._done.set_exception(error)
        else:
            self._done.set_result(None)


class Wire:
    """Posts and keeps a few connections open between posts. `close()` when done."""

    def __init__(self) -> None:
        self._idle: defaultdict[Key, list[_Line]] = defaultdict(list)

    async def post(
        self, url: str, body: bytes, *, headers: dict[str, str], local_address: str | None = None
    ) -> tuple[int, bytes]:
        """Status and at most 64 KiB of the answer. WireError without one; the caller sets the time limit."""
        try:
            parts = urlsplit(url)
            key = (parts.scheme, parts.hostname or "", _port(parts.scheme, parts.port), local_address or "")
        except ValueError as error:
            raise WireError("ConnectError") from error
        # The path as it was given: a URL library would normalise its escapes.
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        head = "\r\n".join(lines).encode("ascii", "replace")
        line = self._kept(key) or await _connected(key)
        try:
            await line.ask(head + body)
        except BaseException:
            line.close()
            raise
        if line.is_open:
            line.last_used = asyncio.get_running_loop().time()
            self._idle[key].append(line)
        else:
            line.close()
        return line.status, bytes(line.answer)

    def close(self) -> None:
        for lines in self._idle.values():
            for line in lines:
                line.close()
        self._idle.clear()

    def _kept(self, key: Key) -> _Line | None:
        lines, oldest = self._idle[key], asyncio.get_running_loop().time() - IDLE_SECONDS
        while lines:
            line = lines.pop()
            if line.is_open and line.last_used >= oldest:
                return line
            line.close()
        return None


async def _connected(key: Key) -> _Line:
    scheme, host, port, local_address = key
    try:
        _, line = await asyncio.get_running_loop().create_connection(
            _Line,
            host,
            port,
            ssl=_trust() if scheme == "https" else None,
            local_addr=(local_address, 0) if local_address else None,
        )
    except (OSError, UnicodeError) as error:
        # A wrong certificate is an OSError too: for the merchant it is a connection that did not come about.
        raise WireError("ConnectError") from error
    return line


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _port(scheme: str, given: int | None) -> int:
    return given or (443 if scheme == "https" else 80)
