"""The API's TCP listener: admits connections by service settings and faults, and can go off the air and come back.

While off, the port is bound but not listening, so that clients are refused and nobody else takes it; or it listens
with its queue full, so that the system drops what comes and clients hear nothing at all.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct

from routeros.simulator.connection import Connection, Router
from routeros.simulator.menus.access import Presence, is_admitted
from routeros.simulator.wire import encode_sentence

_RESET = struct.pack("ii", 1, 0)
_DEFAULT_SESSIONS = 20


class ApiServer:
    """One listener of one router, as the `/ip/service` row `service` allows; with `tls` it speaks TLS only.

    Port 0 takes any free port; the port then stays the same while the object lives.
    """

    def __init__(
        self,
        router: Router,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        service: str = "api",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._router, self._service, self._tls = router, service, tls
        self.host = host
        self.port = port
        self.connections: dict[int, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._placeholder: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._count = 0

    @property
    def is_listening(self) -> bool:
        """Say whether clients can connect."""
        return self._server is not None

    def present(self) -> list[Presence]:
        """Return who is logged in, for `/user/active`."""
        return [
            Presence(f"*{c.number:X}", c.user.get("name"), c.peer, c.user.get("group"), c.since)
            for c in self.connections.values()
            if c.user is not None and c.since is not None
        ]

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
            if self._router.behaviour.excess_session == "fatal":
                writer.write(encode_sentence(["!fatal", "too many sessions"]))
            writer.close()
            return
        self._count += 1
        self._router.meter.connections += 1
        connection = Connection(self._router, reader, writer, peer, self._count)
        self.connections[connection.number] = connection
        try:
            await connection.serve()
        finally:
            del self.connections[connection.number]

    def _admits(self, peer: str) -> bool:
        if self._router.faults.refuse_connects:
            return False
        service = self._router.tables["/ip/service"].named(self._service)[0]
        return not service.is_disabled and is_admitted(service.get("address"), peer)

    def _max_sessions(self) -> int:
        service = self._router.tables["/ip/service"].named(self._service)[0]
        return int(service.get("max-sessions") or _DEFAULT_SESSIONS)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, as a firewall's reject does."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
