"""The courier: runs what is due in the world and posts callbacks to merchants. Bodies are written by callbacks.py.

Once, without a retry or a redirect, to loopback only, as far as the knobs do not say otherwise.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import httpx

from portal.mpesa.simulator.exchange_log import readable
from portal.mpesa.simulator.records import Callback, Delivery, Exchange
from portal.mpesa.simulator.world import World

logger = logging.getLogger(__name__)

# An injected clock may jump without telling anyone; while something is planned, look at it this often.
LOOK_EVERY_SECONDS = 0.25
ANSWER_LIMIT = 65_536
ANSWER_NOTED = 4_096
# Deliveries at a time; the rest wait their turn before their own timeout starts, or a burst would lose its tail.
LANES = 64
# The knob is the timeout that counts; this one is there so that none is ever missing.
LONGEST_SECONDS = 120.0


def is_allowed(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether callbacks may go there: loopback, or a host the knob names. Names are not resolved."""
    host = urlsplit(url).hostname or ""
    if host in hosts or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Courier:
    """Start with `start()` inside a loop, end with `stop()`; both may be repeated in turn."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._wake = asyncio.Event()
        self._lanes = asyncio.Semaphore(LANES)
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.world.is_closing = False
        self.world.watchers.add(self._wake.set)
        self._loop_task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Callbacks under way are cut off: for the merchant they are lost."""
        self.world.is_closing = True
        self.world.notify()
        self.world.watchers.discard(self._wake.set)
        tasks = [task for task in (self._loop_task, *self._under_way) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()
        self._loop_task = None

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            self.world.run_due()
            while self.world.outbox:
                self.world.deliveries_under_way += 1
                task = asyncio.create_task(self._deliver(self.world.outbox.popleft()))
                self._under_way.add(task)
                task.add_done_callback(self._done)
            wait = self.world.seconds_to_next()
            try:
                async with asyncio.timeout(None if wait is None else min(wait, LOOK_EVERY_SECONDS)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self.world.deliveries_under_way -= 1
        if not task.cancelled() and (error := task.exception()):
            logger.error("a delivery broke", exc_info=error)
        self.world.notify()

    async def _deliver(self, callback: Callback) -> None:
        world = self.world
        delivery, answer = Delivery(world.clock.now(), callback.result_code), b""
        url = _routed(callback.url, world.knobs.callback_routes)
        if is_allowed(url, world.knobs.callback_hosts):
            async with self._lanes:
                delivery.status, delivery.error, answer = await self._post(callback, url)
        else:
            delivery.error = "refused: the target is not loopback and not in callback_hosts"
        if delivery.error:
            logger.warning("%s %s not delivered: %s", callback.kind, callback.label, delivery.error)
        callback.deliveries.append(delivery)
        world.record(_exchange(callback, delivery, answer))
        if callback.retries_left and not (delivery.status and 200 <= delivery.status < 300):
            again = replace(callback, retries_left=callback.retries_left - 1)
            world.after(world.knobs.callback_retry_seconds, lambda: world.outbox.append(again))
        elif callback.heard:
            callback.heard(delivery, answer)
        world.notify()

    async def _post(self, callback: Callback, url: str) -> tuple[int | None, str | None, bytes]:
        """Status and body of the answer, or why there is none. A long body is cut."""
        knobs = self.world.knobs
        parts = urlsplit(url)
        # The path as it was given: a URL library would normalise its escapes.
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json;charset=UTF-8", **dict(callback.headers)}
        foreign = callback.is_foreign or knobs.callback_source == "foreign"
        client = self._client(knobs.foreign_address if foreign else knobs.listed_address)
        try:
            async with asyncio.timeout(callback.timeout_seconds or knobs.callback_timeout_seconds):
                request = client.build_request("POST", url, content=callback.body, headers=headers)
                request.extensions["target"] = target.encode("ascii", "replace")
                response = await client.send(request, stream=True)
                try:
                    answer = await _skim(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            return None, "timeout", b""
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return None, type(error).__name__, b""
        return response.status_code, None, answer

    def _client(self, address: str) -> httpx.AsyncClient:
        if address not in self._clients:
            # Plain 127.0.0.1 is where the system sends from anyway; naming it would shut out IPv6 targets.
            local = None if address == "127.0.0.1" else address
            transport = httpx.AsyncHTTPTransport(
                local_address=local, limits=httpx.Limits(max_connections=LANES, max_keepalive_connections=LANES)
            )
            self._clients[address] = httpx.AsyncClient(
                transport=transport, follow_redirects=False, trust_env=False, timeout=LONGEST_SECONDS
            )
        return self._clients[address]


def _routed(url: str, routes: Mapping[str, str]) -> str:
    for public, real in routes.items():
        if url == public or url.startswith(public.rstrip("/") + "/"):
            return real.rstrip("/") + url[len(public.rstrip("/")) :]
    return url


def _exchange(callback: Callback, delivery: Delivery, answer: bytes) -> Exchange:
    return Exchange(
        at=delivery.at,
        direction="out",
        method="POST",
        target=callback.url,
        request=readable(callback.body),
        status=delivery.status,
        answer=readable(answer[:ANSWER_NOTED]) if answer else None,
        note=delivery.error or "",
    )


async def _skim(response: httpx.Response) -> bytes:
    """Read a short answer to its end, so that the connection can serve again; leave a long one."""
    seen = bytearray()
    async for chunk in response.aiter_raw():
        seen += chunk
        if len(seen) > ANSWER_LIMIT:
            break
    return bytes(seen[:ANSWER_LIMIT])
