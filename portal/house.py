"""The whole house in one process, or parts of it: database, web, worker. What `vocha up`, `serve` and `work` run."""

import asyncio
import gc
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import httpx
from litestar.types import ControllerRouterHandler

from jobs.connections import Connections
from jobs.doors import Doors
from jobs.worker import Worker
from portal import database
from portal.addresses import Addresses
from portal.app import create_app
from portal.clock import Clock
from portal.config import Settings
from portal.mpesa.doors import MpesaDoors
from portal.serving import listen, stop_event, web_server
from portal.vault import Vault


@asynccontextmanager
async def doors_open(settings: Settings, clock: Clock) -> AsyncGenerator[Doors]:
    """The doors jobs use, closed at the end."""
    vault = Vault(settings.secret_keys)
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as http:
        tunnel = Addresses([settings.tunnel.network]) if settings.tunnel else None
        connections = Connections(Addresses(settings.router_networks), tunnel=tunnel)
        try:
            yield Doors(
                settings=settings,
                clock=clock,
                vault=vault,
                routers=connections,
                mpesa=MpesaDoors(http, settings, vault=vault, clock=clock),
            )
        finally:
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
    server = web_server(create_app(settings, clock=clock, routes=routes))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not server.started:
            if task.done():
                await task
                raise RuntimeError("the web server ended before it began")
            await asyncio.sleep(0.005)
        yield bound.getsockname()[1]
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
    async with database.opened(settings, pool_size=10 + settings.worker_concurrency // 2):
        if web and work:
            async with worker_running(settings, clock), web_running(settings, clock):
                await stop.wait()
        elif web:
            async with web_running(settings, clock):
                await stop.wait()
        else:
            async with worker_running(settings, clock):
                await stop.wait()
