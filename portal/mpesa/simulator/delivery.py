"""The courier: runs what is due in the world and posts callbacks to merchants. Bodies are written by callbacks.py.

Once, without a retry or a redirect, to loopback only, as far as the knobs do not say otherwise.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from portal.mpesa.simulator.exchange_log import readable
from portal.mpesa.simulator.records import Callback, Delivery, Exchange
from portal.mpesa.simulator.wire import Wire, WireError
from portal.mpesa.simulator.world import World

logger = logging.getLogger(__name__)

# An injected clock may jump without telling anyone; while something is planned, look at it this often.
LOOK_EVERY_SECONDS = 0.25
ANSWER_NOTED = 4_096
# Deliveries at a time; the rest wait their turn before their own timeout starts, or a burst would lose its tail.
LANES = 64


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
        self._wire = Wire()
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
        self._wire.close()
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
        headers = {"Content-Type": "application/json;charset=UTF-8", "Accept": "*/*", **dict(callback.headers)}
        foreign = callback.is_foreign or knobs.callback_source == "foreign"
        address = knobs.foreign_address if foreign else knobs.listed_address
        # Plain 127.0.0.1 is where the system sends from anyway; naming it would shut out IPv6 targets.
        local = None if address == "127.0.0.1" else address
        try:
            async with asyncio.timeout(callback.timeout_seconds or knobs.callback_timeout_seconds):
                status, answer = await self._wire.post(url, callback.body, headers=headers, local_address=local)
        except TimeoutError:
            return None, "timeout", b""
        except WireError as error:
            return None, str(error), b""
        return status, None, answer


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
