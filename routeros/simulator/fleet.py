"""Many simulated routers in one process, each on ports of its own, alike but for name, serial number and latency dice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import ssl
import sys
from dataclasses import dataclass, field
from typing import Self

from routeros.simulator.control import ControlServer
from routeros.simulator.latency import PROFILES, Latency
from routeros.simulator.router import SimulatedRouter

_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """What the routers are like. `profile` is one of latency.PROFILES; `rtt` in seconds; `port` and `control_port` 0:
    any free ones, else the first router gets `port` and the others follow. `sessions`: phones online on each."""

    count: int = 1
    version: str = "7.16"
    profile: str = "none"
    rtt: float = 0.0
    sessions: int = 0
    user: str = "vocha"
    password: str = field(default_factory=lambda: secrets.token_hex(8))
    port: int = 0
    control_port: int = 0
    tls: ssl.SSLContext | None = None

    def latency(self) -> Latency:
        """Return the settings of one router. Raises KeyError for an unknown profile."""
        latency = PROFILES[self.profile].copy()
        latency.rtt = self.rtt
        return latency


class Fleet:
    """Routers and their control server; usable as `async with`."""

    def __init__(self, options: FleetOptions) -> None:
        self.options = options
        self.routers = [self._make(number) for number in range(1, options.count + 1)]
        self.control = ControlServer({router.hotspot.identity: router for router in self.routers})

    def _make(self, number: int) -> SimulatedRouter:
        options = self.options
        router = SimulatedRouter(
            version=options.version,
            serial=f"SIM{number:08d}",
            identity=f"router-{number:03d}",
            api_user=options.user,
            api_password=options.password,
            api_port=options.port and options.port + number - 1,
            latency=options.latency(),
            tls=options.tls,
        )
        for phone in range(1, options.sessions + 1):
            high, low = divmod(phone + 9, 250)
            ip, mac = f"10.{5 + high}.50.{low + 2}", f"02:{number >> 8:02X}:{number & 255:02X}:00:{high:02X}:{low:02X}"
            router.hotspot.users.add({"name": f"guest-{phone}", "password": "x"})
            router.hotspot.login(ip=ip, mac=mac, username=f"guest-{phone}", password="x", by="api")  # noqa: S106
        return router

    async def __aenter__(self) -> Self:
        for at in range(0, len(self.routers), _AT_ONCE):
            await asyncio.gather(*(router.start() for router in self.routers[at : at + _AT_ONCE]))
        await self.control.start(port=self.options.control_port)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.control.stop()
        await asyncio.gather(*(router.stop() for router in self.routers))

    def lines(self) -> list[str]:
        """Describe what runs: a line of JSON for each router, and one for the control server."""
        options = self.options
        described = [
            {
                "name": router.hotspot.identity,
                "serial": router.serial,
                "version": router.version,
                "api_host": router.api_host,
                "api_port": router.api_port,
                "api_user": options.user,
                "api_password": options.password,
                **({"tls_port": router.tls_port} if options.tls else {}),
            }
            for router in self.routers
        ]
        return [*map(json.dumps, described), json.dumps({"control": self.control.url, "routers": len(self.routers)})]


async def run(options: FleetOptions, ended: asyncio.Event) -> None:
    """Run a fleet, tell of it on standard output, and stop when `ended` is set."""
    async with Fleet(options) as fleet:
        sys.stdout.write("\n".join(fleet.lines()) + "\n")
        sys.stdout.flush()
        with contextlib.suppress(asyncio.CancelledError):
            await ended.wait()
