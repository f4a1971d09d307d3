"""A provider on loopback: its clock, what is due when, what it tells its merchant, and what goes wrong with that.

Not a provider itself: see `portal.airtel.simulator` and `portal.paystack.simulator`."""

import asyncio
import heapq
import ipaddress
import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import msgspec
from litestar.types import ASGIApp

from portal.clock import Clock
from portal.serving import Server, listen, web_server

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.05


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong. Seconds are of the simulator's time."""

    #: The next callbacks never arrive.
    callback_lost: bool = False
    #: So many identical ones, at once.
    callback_copies: int = 1
    callback_delay_s: float = 0.0
    #: An invented success with a wrong signature goes first.
    callback_forged: bool = False
    #: Half a body.
    callback_cut: bool = False
    #: The provider says that it is too busy, and starts nothing.
    busy: bool = False
    #: The provider takes the request, and its answer is lost: a page of HTML with status 504.
    answer_lost: bool = False
    #: It tells another amount than was asked for, in cents; None: as it was.
    amount_cents: int | None = None


@dataclass(order=True)
class _Due:
    at: datetime
    serial: int
    act: Callable[[], None] = field(compare=False)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A callback that was sent: how it was answered, None when it was not."""

    url: str
    body: bytes
    status: int | None
    is_forged: bool = False


class Stage:
    """A provider's time and voice. Subclasses build its application and its messages."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.faults = Faults()
        self.told: list[Told] = []
        self.log: list[Mapping[str, Any]] = []
        self.url = ""
        self._due: list[_Due] = []
        self._serial = 0
        self._server: Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: httpx.AsyncClient | None = None
        self._under_way = 0

    def turn(self, **changes: Any) -> None:
        """Turn faults on or off."""
        self.faults = msgspec.structs.replace(self.faults, **changes)

    def application(self) -> ASGIApp:
        """What answers at `url`."""
        raise NotImplementedError

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something later, in the simulator's time."""
        self._serial += 1
        heapq.heappush(self._due, _Due(self.clock.now() + timedelta(seconds=seconds), self._serial, act))

    def run_due(self) -> None:
        """Do what is due."""
        while self._due and self._due[0].at <= self.clock.now():
            heapq.heappop(self._due).act()

    def note(self, what: str, **facts: object) -> None:
        """Write one exchange down."""
        self.log.append({"at": self.clock.now().isoformat(), "what": what} | facts)

    # -- telling the merchant --------------------------------------------------------------------------------

    def tell(
        self, url: str, body: bytes, *, headers: Mapping[str, str], forged: tuple[bytes, Mapping[str, str]]
    ) -> None:
        """Send a callback as the faults have it. `forged` is what a forger would send."""
        faults = self.faults
        if faults.callback_forged:
            self._send(url, forged[0], forged[1], is_forged=True)
        if faults.callback_lost:
            self.note("callback lost", url=url)
            return
        sent = body[: len(body) // 2] if faults.callback_cut else body

        def go() -> None:
            for _ in range(faults.callback_copies):
                self._send(url, sent, headers)

        if faults.callback_delay_s:
            self.after(faults.callback_delay_s, go)
        else:
            go()

    def _send(self, url: str, body: bytes, headers: Mapping[str, str], *, is_forged: bool = False) -> None:
        self._under_way += 1
        task = asyncio.get_running_loop().create_task(self._post(url, body, headers, is_forged=is_forged))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], *, is_forged: bool) -> None:
        status = None
        try:
            if self._http is not None and is_loopback(url):
                answer = await self._http.post(
                    url, content=body, headers={"content-type": "application/json", **headers}
                )
                status = answer.status_code
        except httpx.HTTPError as error:
            log.warning("callback not delivered", extra={"error": repr(error)})
        finally:
            self._under_way -= 1
            self.told.append(Told(url=url, body=body, status=status, is_forged=is_forged))
            self.note("callback", url=url, status=status, is_forged=is_forged)

    async def settled(self, *, within_s: float = 5) -> None:
        """Until every callback was sent that is due. TimeoutError otherwise."""
        async with asyncio.timeout(within_s):
            while self._under_way:  # noqa: ASYNC110  (posts end one by one, nobody is told)
                await asyncio.sleep(0.01)

    # -- serving ---------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        listener = listen("127.0.0.1", port)
        await self.begin(f"http://127.0.0.1:{listener.getsockname()[1]}")
        self._server = web_server(self.application())
        self._serving = serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if serving.done():
                serving.result()
                raise RuntimeError("the simulator did not start")
            await asyncio.sleep(0.005)

    async def begin(self, url: str) -> None:
        """Let its time run and its voice be heard; somebody else serves `application` at `url`."""
        self.url = url
        # Without authorities: it tells nobody outside this machine, and loading them takes 20 ms.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._http = httpx.AsyncClient(trust_env=False, timeout=5, follow_redirects=False, verify=tls)
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Stop listening, and the time. Repeatable; also of one that never began."""
        if self._http is None or self._ticking is None:
            return
        self._ticking.cancel()
        for task in list(self._tasks):
            task.cancel()
        serving = [self._serving] if self._serving is not None else []
        if self._server is not None:
            self._server.should_exit = True
        await asyncio.gather(*serving, self._ticking, *self._tasks, return_exceptions=True)
        await self._http.aclose()
        self._server = self._http = self._serving = self._ticking = None

    async def _tick(self) -> None:
        while True:
            self.run_due()
            await asyncio.sleep(_LOOK_EVERY_S)


def is_loopback(url: str) -> bool:
    """Whether a callback may go there: a simulator tells nobody outside."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
