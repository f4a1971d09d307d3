"""REST's listener: `www` or `www-ssl` of one router. Version 6 has those services too, but no REST behind them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator

from routeros.simulator.connection import Router
from routeros.simulator.listener import Listener
from routeros.simulator.rest.conversation import RestConnection

#: Since when `/rest` answers. Source: MikroTik manual, REST API (7.1, www-ssl); over plain www from the field (7.9).
_SINCE = {"www-ssl": (7, 1), "www": (7, 9)}


class RestServer(Listener[RestConnection]):
    """One REST listener of one router. `limit_seconds`: how long a command may take (60 on real routers)."""

    limit_seconds = 60.0

    def __init__(
        self,
        router: Router,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        super().__init__(
            router, service="www" if tls is None else "www-ssl", host=host, port=port, tls=tls, numbers=numbers
        )
        self._router = router

    @property
    def has_rest(self) -> bool:
        """Say whether this version has REST on this service."""
        return self._router.dispatcher.schema.version >= _SINCE[self.service]

    def welcome(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, number: int
    ) -> RestConnection:
        """Begin a conversation."""
        return RestConnection(self._router, self, reader, writer, peer, number)
