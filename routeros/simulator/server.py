"""The API's listener: api or api-ssl of one router. Who is let in is the listener's, what is spoken the connection's."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator

from routeros.simulator.connection import Connection, Router
from routeros.simulator.listener import Listener
from routeros.simulator.wire import encode_sentence


class ApiServer(Listener[Connection]):
    """One API listener of one router."""

    def __init__(
        self,
        router: Router,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        service: str = "api",
        tls: ssl.SSLContext | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        super().__init__(router, service=service, host=host, port=port, tls=tls, numbers=numbers)
        self._router = router

    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, number: int) -> Connection:
        """Begin a conversation."""
        return Connection(self._router, reader, writer, peer, number)

    def turn_away(self, writer: asyncio.StreamWriter) -> None:
        """Say what the switch says, which may be nothing."""
        if self._router.behaviour.excess_session == "fatal":
            writer.write(encode_sentence(["!fatal", "too many sessions"]))
