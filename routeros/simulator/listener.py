"""A TCP listener of one router's service: admits guests by `/ip/service` and faults, can go off the air and come back.

While off, the port is bound but not listening, so that clients are refused and nobody else takes it; or it listens
with its queue full, so that the system drops what comes and clients hear nothing at all. What is spoken is the guest's.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
import struct
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from routeros.simulator.faults import Faults
from routeros.simulator.inbox import Meter
from routeros.simulator.menus.access import Presence, is_admitted
from routeros.simulator.tables import Tables

_RESET = struct.pack("ii", 1, 0)
_DEFAULT_SESSIONS = 20


class Guest(Protocol):
    """One connection."""

    async def serve(self) -> None:
        """Answer until the client is gone."""
        ...

    def mute(self) -> None:
        """Never answer again and act on nothing more, as when packets get lost."""
        ...

    def abort(self) -> None:
        """Cut the connection at once."""
        ...

    def presence(self) -> Presence | None:
        """Say who is logged in on it; None before a login."""
        ...


G = TypeVar("G", bound=Guest)


class Admitting(Protocol):
    """What a listener needs of its router."""

    @property
    def tables(self) -> Tables: ...
    @property
    def faults(self) -> Faults: ...
    @property
    def meter(self) -> Meter: ...


class Listener(Generic[G]):
    """One listener, as the `/ip/service` row `service` allows; with `tls` it speaks TLS only.

    Port 0 takes any free port; the port then stays the same while the object lives. `numbers` number the connections
    of all listeners of a router, so that each is one row of `/user/active`.
    """

    def __init__(
        self,
        router: Admitting,
        *,
        service: str,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._admitting, self.service, self._tls = router, service, tls
        self.host = host
        self.port = port
        self.connections: dict[int, G] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._placeholder: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._numbers = numbers or itertools.count(1)

    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, number: int) -> G:
        """Make the guest of a new connection."""
        raise NotImplementedError

    def turn_away(self, writer: asyncio.StreamWriter) -> None:
        """Say a last word to a client that is one too many; the connection is closed afterwards."""

    @property
    def is_listening(self) -> bool:
        """Say whether clients can connect."""
        return self._server is not None

    def present(self) -> list[Presence]:
        """Return who is logged in, for `/user/active`."""
        return [who for guest in self.connections.values() if (who := guest.presence()) is not None]

    async def listen(self) -> None:
        """Take connections; harmless when it already does. Raises OSError when the port is not to be had."""
        if self._server is not None:
            return
        if self._fillers:  # a socket that once listened with a full queue is of no more use
            await self.close()
        sock, self._placeholder = self._placeholder or self._bound(), None
        self.port = sock.getsockname()[1]
        self._server = await asyncio.start_server(self._accept, sock=sock, backlog=64, ssl=self._tls)

    async def refuse(self) -> None:
        """Cut all connections and refuse new ones, keeping the port."""
        await self.close()
        self._placeholder = self._bound()

    async def vanish(self) -> None:
        """Let packets get lost: connections are gone without a word for the client, new ones are never answered.

        The system drops what arrives at a queue that is full of connections nobody takes.
        """
        for connection in self.connections.values():
            connection.mute()
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._placeholder is None:
            self._placeholder = self._bound()
        self._placeholder.listen(0)
        for _ in range(2):
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex((self.host, self.port))
            self._fillers.append(filler)

    async def close(self) -> None:
        """Cut all connections and give the port up."""
        while self._fillers:
            self._fillers.pop().close()
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def cut(self) -> None:
        """Cut all connections at once, as a power cut does."""
        for connection in list(self.connections.values()):
            connection.abort()

    def _bound(self) -> socket.socket:
        # The protocol is named because asyncio switches Nagle's delay off only then.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        try:
            sock.bind((self.host, self.port))
        except OSError:
            sock.close()
            raise
        return sock

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        peer = str(writer.get_extra_info("peername")[0])
        if not self._admits(peer):
            _reset(writer)
            return
        if len(self.connections) >= self._max_sessions():
            self.turn_away(writer)
            writer.close()
            return
        self._admitting.meter.connections += 1
        number = next(self._numbers)
        self.connections[number] = guest = self.welcome(reader, writer, peer, number)
        try:
            await guest.serve()
        finally:
            del self.connections[number]

    def _admits(self, peer: str) -> bool:
        if self._admitting.faults.refuse_connects:
            return False
        service = self._admitting.tables["/ip/service"].named(self.service)[0]
        return not service.is_disabled and is_admitted(service.get("address"), peer)

    def _max_sessions(self) -> int:
        service = self._admitting.tables["/ip/service"].named(self.service)[0]
        return int(service.get("max-sessions") or _DEFAULT_SESSIONS)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, as a firewall's reject does."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
