"""Running the parts in one event loop: the web server, the worker, and the signals that end them."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Generator

import uvicorn
from litestar.types import ASGIApp

#: Open connections get this long to finish once the end was asked for.
GRACE_S = 2


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the command that runs several parts handles them once."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio leaves Nagle's delay on: 40 ms for every answer in two parts.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    listener.setblocking(False)
    return listener


def web_server(app: ASGIApp) -> Server:
    """A server for the application; run it with `serve(sockets=[listen(…)])`, end it with `should_exit = True`."""
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType]
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=32_768,
        proxy_headers=False,  # whose word counts is decided in portal.headers
    )
    return Server(config)


def stop_event() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    return event
