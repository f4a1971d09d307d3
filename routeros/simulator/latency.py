"""How slow a router and the way to it are: costs per command and per row, one CPU, jitter, round trip. Real seconds.

The profiles are planning values put together from field reports, not measurements.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, fields, replace

from routeros.simulator.calls import Call

_READING = frozenset({"print", "getall", "get", "find", "listen"})


@dataclass(slots=True)
class Latency:
    """What things cost on one router. Change attributes while it runs; a router without costs answers at once.

    `rtt` is the way's, not the router's: what one segment sends is handled that much later, and a flight of commands
    pays it once. A new connection pays it once more for its handshake.
    """

    #: Round trip between client and router.
    rtt: float = 0.0
    #: The CPU's work for a login, a reading command, a writing command (flash included).
    login: float = 0.0
    read: float = 0.0
    write: float = 0.0
    #: … for each further item of a writing command's comma list.
    item: float = 0.0
    #: … for each command of a file that is imported: there is no sentence to read and none to answer. A guess: half a write.
    scripted: float = 0.0
    #: … for each row sent, and for each row of the table looked at, sent or not.
    row: float = 0.0
    scan: float = 0.0
    #: Each cost varies by this share, up or down.
    jitter: float = 0.0
    #: The share of the CPU that forwarding, queues and graphs eat: at 0.9 everything takes ten times as long.
    load: float = 0.0
    #: Wait for the rest of a sentence whose beginning came alone in a small segment, as a client meets it whose
    #: Nagle algorithm waits for an acknowledgement the receiver withholds (usually 0.04).
    delayed_ack: float = 0.0

    def use(self, profile: str) -> None:
        """Take the costs of a profile; the way's `rtt`, `load` and `delayed_ack` stay. Raises KeyError."""
        fresh = PROFILES[profile]
        for field in fields(self):
            if field.name not in {"rtt", "load", "delayed_ack"}:
                setattr(self, field.name, getattr(fresh, field.name))

    def copy(self) -> Latency:
        """Give the same settings to a router of its own."""
        return replace(self)

    def base_cost(self, call: Call) -> float:
        """Return what the command costs before its rows are counted."""
        if call.command == "/login":
            return self.login
        if call.verb in _READING:
            return self.read
        items = call.arguments.get(".id", call.arguments.get("numbers", "")).count(",")
        return self.write + items * self.item


PROFILES = {
    "none": Latency(),
    "hap-lite": Latency(
        login=0.55, read=0.03, write=0.055, item=0.004, scripted=0.028, row=0.003, scan=0.0008, jitter=0.3
    ),
    "hex": Latency(
        login=0.175, read=0.01, write=0.0175, item=0.0012, scripted=0.009, row=0.001, scan=0.0004, jitter=0.3
    ),
    "ccr": Latency(
        login=0.05, read=0.002, write=0.004, item=0.0003, scripted=0.002, row=0.0002, scan=0.00005, jitter=0.2
    ),
}


class Processor:
    """The one CPU of a router: work on it is done one piece after the other, in the order it was asked for."""

    def __init__(self, latency: Latency, *, seed: int = 0) -> None:
        self._latency = latency
        self._random = random.Random(seed)  # noqa: S311  (a dice for jitter)
        self._turn = asyncio.Lock()

    async def begin(self, call: Call) -> None:
        """Spend a command's base cost."""
        await self._spend(self._latency.base_cost(call))

    async def finish(self, *, rows: int, scanned: int) -> None:
        """Spend what the rows of its answer cost: those sent, and those looked at."""
        await self._spend(rows * self._latency.row + scanned * self._latency.scan)

    async def run_line(self) -> None:
        """Spend what a command of an imported file costs."""
        await self._spend(self._latency.scripted)

    def dice(self, cost: float) -> float:
        """Return the seconds a piece of work really takes this time: the cost, its jitter, what else the CPU does."""
        varied = cost * (1 + self._latency.jitter * self._random.uniform(-1, 1))
        return varied / max(0.01, 1 - self._latency.load)

    async def _spend(self, cost: float) -> None:
        if cost <= 0:
            return
        async with self._turn:
            await asyncio.sleep(self.dice(cost))
