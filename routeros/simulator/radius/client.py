"""One UDP socket that sends RADIUS requests, again where nobody answers, and believes only signed answers.

Which server and what to ask is the desk's. Times are real seconds. Only loopback is ever sent to.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from routeros.simulator.radius.packets import Packet, decode, is_answer

#: How often a request is sent before the server counts as silent. The manual gives the time, not the number (inferred).
TRIES = 3


@dataclass(frozen=True, slots=True)
class Server:
    """One row of `/radius` as it matters for one request."""

    id: str
    address: str
    port: int
    secret: bytes = field(repr=False)
    timeout: float
    needs_seal: bool

    def without_seal(self) -> Server:
        """The same server for accounting, whose packets are signed as they are."""
        return replace(self, needs_seal=False)


@dataclass(slots=True)
class Tally:
    """What `/radius/monitor` counts for one server."""

    pending: int = 0
    requests: int = 0
    accepts: int = 0
    rejects: int = 0
    resends: int = 0
    timeouts: int = 0
    bad_replies: int = 0
    last_request_rtt: float = 0.0


@dataclass(slots=True, eq=False)
class RadiusClient(asyncio.DatagramProtocol):
    """The socket of one router. `is_connected` says whether packets get anywhere."""

    host: str
    is_connected: Callable[[], bool]
    tallies: dict[str, Tally] = field(default_factory=dict)
    _transport: asyncio.DatagramTransport | None = None
    _waiting: dict[tuple[str, int, int], Callable[[Packet], None]] = field(default_factory=dict)
    _identifier: int = 0
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    def tally(self, server_id: str) -> Tally:
        """Return the counters of a server."""
        return self.tallies.setdefault(server_id, Tally())

    async def exchange(self, server: Server, make: Callable[[int], Packet]) -> Packet | None:
        """Send what `make` builds for an identifier until an answer comes; None when none does.

        Called for every try when the packet tells how late it is, so `make` may give another one each time.
        """
        tally = self.tally(server.id)
        tally.requests += 1
        tally.pending += 1
        began = asyncio.get_running_loop().time()
        try:
            for attempt in range(TRIES):
                tally.resends += attempt > 0
                answer = await self._try(server, make)
                if answer is not None:
                    tally.last_request_rtt = asyncio.get_running_loop().time() - began
                    return answer
            tally.timeouts += 1
            return None
        finally:
            tally.pending -= 1

    async def _try(self, server: Server, make: Callable[[int], Packet]) -> Packet | None:
        identifier = self._free_identifier(server)
        request = make(identifier)
        came: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()

        def hear(answer: Packet) -> None:
            if not is_answer(answer, request, server.secret, needs_seal=server.needs_seal):
                self.tally(server.id).bad_replies += 1
            elif not came.done():
                came.set_result(answer)

        key = (server.address, server.port, identifier)
        self._waiting[key] = hear
        try:
            await self._send(request, server)
            async with asyncio.timeout(server.timeout):
                return await came
        except TimeoutError:
            return None
        finally:
            del self._waiting[key]

    def _free_identifier(self, server: Server) -> int:
        for _ in range(256):
            self._identifier = (self._identifier + 1) % 256
            if (server.address, server.port, self._identifier) not in self._waiting:
                return self._identifier
        raise OSError("256 requests wait for an answer already")

    async def _send(self, request: Packet, server: Server) -> None:
        if not self.is_connected() or not is_loopback(server.address):
            return
        async with self._opening:
            if self._transport is None:
                loop = asyncio.get_running_loop()
                self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        self._transport.sendto(request.encode(), (server.address, server.port))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand an answer to whoever waits for it."""
        if not self.is_connected():
            return
        try:
            answer = decode(data)
        except ValueError:
            return
        if (hear := self._waiting.get((addr[0], addr[1], answer.identifier))) is not None:
            hear(answer)

    def error_received(self, exc: Exception) -> None:
        """A closed port says so; for a router that is silence like any other."""

    def close(self) -> None:
        """Give the socket up."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


def is_loopback(address: str) -> bool:
    """Say whether this is an IPv4 address of this machine, the only ones that are ever written to."""
    try:
        return ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        return False
