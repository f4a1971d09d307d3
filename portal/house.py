"""The whole house in one process, or parts of it: database, web, worker. What `vocha up`, `serve` and `work` run."""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from litestar.types import ASGIApp, ControllerRouterHandler

from jobs.connections import Connections
from jobs.doors import Doors
from jobs.pings import Pings
from jobs.worker import Worker
from portal import database
from portal.addresses import Addresses
from portal.app import create_app, create_counter
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.gateways.doors import GatewayDoors
from portal.mpesa.doors import MpesaDoors
from portal.patience import LOST_DATABASE
from portal.rails.doors import RailDoors
from portal.serving import listen, stop_event, web_server
from portal.vault import Vault
from portal.webhooks.door import WebhookDoor

log = logging.getLogger(__name__)

_LOOK_AGAIN_S = 0.25


@asynccontextmanager
async def doors_open(settings: Settings, clock: Clock) -> AsyncGenerator[Doors]:
    """The doors jobs use, closed at the end."""
    vault = Vault(settings.secret_keys)
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as http:
        tunnel = Addresses([settings.tunnel.network]) if settings.tunnel else None
        connections = Connections(Addresses(settings.router_networks), tunnel=tunnel)
        watching = settings.watching
        pings = Pings(http, base=watching.ping_url, addresses=watching.ping_urls)
        try:
            yield Doors(
                settings=settings,
                clock=clock,
                vault=vault,
                routers=connections,
                mpesa=MpesaDoors(http, settings, vault=vault, clock=clock),
                rails=RailDoors(http, settings, vault=vault, clock=clock),
                pings=pings,
                gateways=GatewayDoors(http, settings, vault=vault, clock=clock),
                webhooks=WebhookDoor(http, settings),
            )
        finally:
            await pings.close()
            await connections.close()


@asynccontextmanager
async def web_running(
    settings: Settings,
    clock: Clock,
    *,
    listener: socket.socket | None = None,
    routes: Sequence[ControllerRouterHandler] = (),
) -> AsyncGenerator[int]:
    """The web server, answering; yields its port."""
    bound = listener or listen(settings.host, settings.port)
    async with _serving(create_app(settings, clock=clock, routes=routes), bound):
        yield bound.getsockname()[1]


@asynccontextmanager
async def _serving(app: ASGIApp, bound: socket.socket) -> AsyncGenerator[None]:
    server = web_server(app)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not server.started:
            if task.done():
                await task
                raise RuntimeError("the web server ended before it began")
            await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def worker_running(settings: Settings, clock: Clock) -> AsyncGenerator[Doors]:
    """The worker, working."""
    async with doors_open(settings, clock) as doors:
        worker = Worker(doors, concurrency=settings.worker_concurrency)
        task = asyncio.create_task(worker.run())
        try:
            yield doors
        finally:
            worker.stop()
            await _end(task)


async def _end(task: "asyncio.Task[None]") -> None:
    """Two seconds to finish what is under way; what is cut off is found by the next worker."""
    done, _ = await asyncio.wait([task], timeout=2)
    if not done:
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def run(settings: Settings, *, web: bool, work: bool) -> None:
    """Run the chosen parts until SIGINT or SIGTERM."""
    stop, clock = stop_event(), Clock()
    gc.collect()
    gc.freeze()  # modules stay: walking them again and again took a tenth of the time of ending ten thousand users
    async with AsyncExitStack() as parts:
        listener = listen(settings.host, settings.port) if web else None
        if listener is not None:
            parts.callback(listener.close)
        if not await _open_database(parts, settings, clock, listener=listener, stop=stop):
            return
        if work:
            await parts.enter_async_context(worker_running(settings, clock))
        if listener is not None:
            await parts.enter_async_context(web_running(settings, clock, listener=listener))
        await stop.wait()


async def _open_database(
    parts: AsyncExitStack, settings: Settings, clock: Clock, *, listener: socket.socket | None, stop: asyncio.Event
) -> bool:
    """Open it for as long as the parts run; False: told to stop before. A server that is away is waited for by a process that
    can spool callbacks meanwhile: M-Pesa does not repeat them. Any other is told at once."""
    while not stop.is_set():
        try:
            await parts.enter_async_context(database.opened(settings, pool_size=10 + settings.worker_concurrency // 2))
        except LOST_DATABASE as lost:
            if listener is None or settings.database_url is None or await _answers():
                raise
            log.warning("no database to start with, only callbacks are taken", extra={"error": repr(lost)})
            await _stand_in(settings, clock, listener=listener, stop=stop)
        else:
            return True
    return False


async def _stand_in(settings: Settings, clock: Clock, *, listener: socket.socket, stop: asyncio.Event) -> None:
    """Take callbacks until the database answers. On a copy of the socket: those who knock while we change wait in its queue."""
    async with _serving(create_counter(settings, clock=clock), listener.dup()):
        while not stop.is_set() and not await _answers():  # noqa: ASYNC110  (a database tells nobody)
            await asyncio.sleep(_LOOK_AGAIN_S)


async def _answers() -> bool:
    try:
        await DB.look()
    except (*LOST_DATABASE, TimeoutError):
        return False
    return True
