"""The listeners of one router together: API, API over TLS, REST; all on the air or all off it."""

from __future__ import annotations

import itertools
import ssl
from dataclasses import dataclass
from typing import Any, Literal

from routeros.simulator.connection import Router
from routeros.simulator.listener import Listener
from routeros.simulator.menus.access import Presence
from routeros.simulator.rest import RestServer
from routeros.simulator.security import Tls, listening_context
from routeros.simulator.server import ApiServer

#: A server context: www-ssl with that certificate; `http`: www; None: no REST.
Rest = ssl.SSLContext | Literal["http"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where a router listens: port 0 takes any free one. `tls` opens api-ssl, `rest` the web service with REST."""

    host: str = "127.0.0.1"
    api: int = 0
    tls: Tls = None
    api_ssl: int = 0
    rest: Rest = None
    web: int = 0


class Services:
    """The listeners of one router. They keep their ports while the object lives."""

    def __init__(self, router: Router, ports: Ports) -> None:
        numbers = itertools.count(1)
        self.api = ApiServer(router, host=ports.host, port=ports.api, numbers=numbers)
        self.api_ssl: ApiServer | None = None
        self.rest: RestServer | None = None
        if ports.tls is not None:
            front = listening_context(ports.tls, router.faults)
            self.api_ssl = ApiServer(
                router, host=ports.host, port=ports.api_ssl, service="api-ssl", tls=front, numbers=numbers
            )
        if ports.rest is not None:
            front = None if ports.rest == "http" else listening_context(ports.rest, router.faults)
            self.rest = RestServer(router, host=ports.host, port=ports.web, tls=front, numbers=numbers)

    @property
    def all(self) -> list[Listener[Any]]:
        """Every listener there is."""
        return [each for each in (self.api, self.api_ssl, self.rest) if each is not None]

    def present(self) -> list[Presence]:
        """Return who is logged in to the router, for `/user/active`."""
        return [who for each in self.all for who in each.present()]

    async def listen(self) -> None:
        """Take connections. Raises OSError when a port is not to be had."""
        for each in self.all:
            await each.listen()

    async def refuse(self) -> None:
        """Cut all connections and refuse new ones, keeping the ports."""
        for each in self.all:
            await each.refuse()

    async def vanish(self) -> None:
        """Let packets get lost."""
        for each in self.all:
            await each.vanish()

    async def close(self) -> None:
        """Cut all connections and give the ports up."""
        for each in self.all:
            await each.close()

    def cut(self) -> None:
        """Cut all connections at once."""
        for each in self.all:
            each.cut()
