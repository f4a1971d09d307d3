"""The courier: runs what is due in the world and posts callbacks to merchants. Bodies are written by callbacks.py.

Once, without a retry or a redirect, to loopback only, as far as the knobs do not say otherwise.
"""

import asyncio
import ipaddress
import logging
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import msgspec

from portal.mpesa.simulator.records import Callback, Delivery, Exchange, Push
from portal.mpesa.simulator.world import World

logger = logging.getLogger(__name__)

# An injected clock may jump without telling anyone; while something is planned, look at it this often.
LOOK_EVERY_SECONDS = 0.25
ANSWER_LIMIT = 65_536
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
                task = asyncio.create_task(self._deliver(self.world.outbox.popleft()))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            wait = self.world.seconds_to_next()
            try:
                async with asyncio.timeout(None if wait is None else min(wait, LOOK_EVERY_SECONDS)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _deliver(self, callback: Callback) -> None:
        world, push = self.world, callback.push
        delivery = Delivery(world.clock.now(), callback.result_code)
        if is_allowed(push.callback_url, world.knobs.callback_hosts):
            async with self._lanes:
                delivery.status, delivery.error = await self._post(push, callback.body)
        else:
            delivery.error = "refused: the target is not loopback and not in callback_hosts"
        if delivery.error:
            logger.warning("callback of %s not delivered: %s", push.merchant_request_id, delivery.error)
        push.deliveries.append(delivery)
        world.record(
            Exchange(
                at=delivery.at,
                direction="out",
                method="POST",
                target=push.callback_url,
                request=msgspec.json.decode(callback.body),
                status=delivery.status,
                answer=None,
                note=delivery.error or "",
            )
        )
        if callback.retries_left and not (delivery.status and 200 <= delivery.status < 300):
            again = replace(callback, retries_left=callback.retries_left - 1)
            world.after(world.knobs.callback_retry_seconds, lambda: world.outbox.append(again))
        world.notify()

    async def _post(self, push: Push, body: bytes) -> tuple[int | None, str | None]:
        """Status of the answer, or why there is none. The answer's body is thrown away, whatever its size."""
        parts = urlsplit(push.callback_url)
        # The path as it was given: a URL library would normalise its escapes.
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json;charset=UTF-8", "Businessshortcode": push.shortcode.number}
        try:
            async with asyncio.timeout(self.world.knobs.callback_timeout_seconds):
                request = self._client().build_request("POST", push.callback_url, content=body, headers=headers)
                request.extensions["target"] = target.encode("ascii", "replace")
                response = await self._client().send(request, stream=True)
                try:
                    await _skim(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            return None, "timeout"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return None, type(error).__name__
        return response.status_code, None

    def _client(self) -> httpx.AsyncClient:
        knobs = self.world.knobs
        address = knobs.listed_address if knobs.callback_source == "listed" else knobs.foreign_address
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


async def _skim(response: httpx.Response) -> None:
    """Read a short answer to its end, so that the connection can serve again; leave a long one."""
    seen = 0
    async for chunk in response.aiter_raw():
        seen += len(chunk)
        if seen > ANSWER_LIMIT:
            return
