"""Faults, clocks, power and traffic of simulated routers over HTTP, on loopback, JSON both ways.

What each path does is in `switches`; here are the socket and the manners. No sign-in: it listens on loopback only and
answers nobody who calls it by another name.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from routeros.simulator.exchange import Reply
from routeros.simulator.proxy.wire import BadMessageError, BodyTooLargeError, DisconnectedError, PhoneLink
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.switches import BadWishError, UnknownPathError, answer

log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_NAMES = frozenset({_LOOPBACK, "localhost"})
_BODY_LIMIT = 32 * 1024 * 1024
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 413: "Content Too Large"}


class ControlServer:
    """One control server for routers by name. `start` before `url`."""

    def __init__(self, routers: Mapping[str, SimulatedRouter]) -> None:
        self._routers = routers
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens. Raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the control server is not started")
        return f"http://{_LOOPBACK}:{self._server.sockets[0].getsockname()[1]}"

    async def start(self, *, port: int = 0) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._serve, _LOOPBACK, port)

    async def stop(self) -> None:
        """Close, with all connections. May be called twice."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a stream callback always runs in a task
        self._tasks.add(task)
        link = PhoneLink(reader, writer)
        try:
            while (request := await link.next_request()) is not None:
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
                body = await link.read_body(_BODY_LIMIT)
                path = request.target.decode("latin-1").partition("?")[0]
                await link.reply(await self._reply(request.method.decode(), path, headers.get("host", ""), body))
                if not link.recycle():
                    break
        except BadMessageError:
            await link.refuse(400, "Bad Request")
        except BodyTooLargeError:
            await link.refuse(413, "Content Too Large")
        except (DisconnectedError, OSError) as gone:
            log.debug("control connection ended: %r", gone)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _reply(self, method: str, path: str, host: str, body: bytes) -> Reply:
        # A web page may make a browser call loopback under a name of its own; such calls are not the operator's.
        if host.rpartition(":")[0] not in _NAMES and host not in _NAMES:
            return _json(403, {"error": "call me by 127.0.0.1"})
        try:
            return _json(200, await answer(self._routers, method, path, _wish(body)))
        except UnknownPathError:
            return _json(404, {"error": "no such path or router"})
        except (BadWishError, ValueError) as error:
            return _json(400, {"error": str(error)})


def _wish(body: bytes) -> dict[str, Any]:
    """Read a request's JSON object, {} for no body. Raises BadWishError, or ValueError for what is no JSON."""
    wish = json.loads(body or b"{}", parse_constant=_refuse)
    if not isinstance(wish, dict):
        raise BadWishError("a JSON object is wanted")
    return wish


def _refuse(constant: str) -> None:
    raise BadWishError(f"{constant} is no number")


def _json(status: int, content: Any) -> Reply:
    body = json.dumps(content).encode()
    return Reply(status, _REASONS[status], (("Content-Type", "application/json"),), body)
