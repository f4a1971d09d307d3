"""The network a phone is in: an HTTP proxy on loopback that behaves like the Wi-Fi of a simulated hotspot.

It accepts connections and keeps track of phones; decisions are in `gate`, pages in `servlet`, carrying in `forward`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

import h11

from routeros.simulator.exchange import Request
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.internet import StubInternet
from routeros.simulator.proxy.forward import UpstreamError, forward, tunnel
from routeros.simulator.proxy.gate import Way, decide
from routeros.simulator.proxy.phones import Addresses, Line, Phone
from routeros.simulator.proxy.targets import Resolve, dial_address, split_authority, split_target
from routeros.simulator.proxy.wire import (
    BadMessageError,
    BodyTooLargeError,
    DisconnectedError,
    PhoneLink,
    reset,
)
from routeros.simulator.servlet import Servlet
from routeros.simulator.values import parse_mac

BODY_LIMIT = 1024 * 1024
_WATCH_SECONDS = 0.2
_LOOPBACK = "127.0.0.1"

log = logging.getLogger(__name__)


class HotspotNetwork:
    """The proxies of one hotspot. A phone is told by the loopback address it connects from (127.0.0.N is phone N),
    or has a listener of its own (`attach`).

    `resolve` maps "host" or "host:port" to a loopback address such as "127.0.0.1:8000"; loopback targets are dialled
    as they are; every other name is the stub `internet`. `html` replaces the servlet's pages (see `Servlet`).
    """

    def __init__(
        self,
        hotspot: Hotspot,
        *,
        internet: StubInternet | None = None,
        resolve: Resolve | None = None,
        html: Path | Mapping[str, bytes | str] | None = None,
    ) -> None:
        self.hotspot = hotspot
        self.internet = internet or StubInternet()
        self.resolve = resolve
        self.servlet = Servlet(hotspot, html=html)
        self._addresses = Addresses(str(hotspot.address), site=f"{hotspot.identity}/{hotspot.server_name}")
        self._phones: dict[str, Phone] = {}
        self._servers: list[asyncio.Server] = []
        self._main: asyncio.Server | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def proxy_url(self) -> str:
        """The main listener, "http://127.0.0.1:PORT". Raises RuntimeError before `start`."""
        if self._main is None:
            raise RuntimeError("the network is not started")
        return _url(self._main)

    @property
    def phones(self) -> tuple[Phone, ...]:
        """Every phone seen or attached so far."""
        return tuple(self._phones.values())

    async def start(self, *, port: int = 0) -> Self:
        """Open the main listener on 127.0.0.1 (`port` 0: any free one) and watch for sessions that end."""
        self._main = await self._listen(self._phone_behind, port=port)
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def stop(self) -> None:
        """Close the listeners and cut every connection. May be called twice."""
        servers, self._servers, self._main = self._servers, [], None
        for server in servers:
            server.close()
        tasks = [line.task for phone in self.phones for line in phone.lines]
        if self._watcher:
            tasks.append(self._watcher)
        for phone in self.phones:
            for line in tuple(phone.lines):
                line.cut()
        if self._watcher:
            self._watcher.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in servers:
            await server.wait_closed()

    async def __aenter__(self) -> Self:
        """Start, unless already started."""
        return self if self._main else await self.start()

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def attach(self, mac: str | None = None, ip: str | None = None) -> Phone:
        """Bring one more phone with a proxy of its own. Raises ValueError for an address in use or no address."""
        phone = self._new_phone(f"attached {len(self._phones)}", number=None, mac=mac, ip=ip)
        server = await self._listen(lambda _: phone)
        phone.proxy_url = _url(server)
        return phone

    def phone(self, number: int = 1) -> Phone:
        """The phone that connects to the main listener from 127.0.0.`number`."""
        return self._phone_behind(f"127.0.0.{number}")

    def _phone_behind(self, source: str) -> Phone:
        if source not in self._phones:
            number = int(source.rpartition(".")[2]) if source.startswith("127.0.0.") else None
            self._new_phone(source, number=number)
        return self._phones[source]

    def _new_phone(self, label: str, *, number: int | None, mac: str | None = None, ip: str | None = None) -> Phone:
        if ip is not None:
            ip = self._addresses.take(ip)
        else:
            ip = self._addresses.next_ip() if number is None else self._addresses.numbered_ip(number)
        url = self.proxy_url
        phone = Phone(label, parse_mac(mac) if mac else self._addresses.make_mac(label), ip, url, self._addresses)
        phone.on_presence = self._note_presence
        self._phones[label] = phone
        return phone

    def _note_presence(self, phone: Phone) -> None:
        if phone.is_present:
            self.hotspot.see_host(phone.mac, phone.ip)
        else:
            self.hotspot.leave(phone.ip)

    async def _listen(self, phone_of: Callable[[str], Phone], *, port: int = 0) -> asyncio.Server:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(phone_of(writer.get_extra_info("peername")[0]), reader, writer)

        server = await asyncio.start_server(accept, _LOOPBACK, port)
        self._servers.append(server)
        return server

    async def _serve(self, phone: Phone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a stream callback always runs in a task
        if not phone.is_present:
            reset(writer)
            return
        line = Line(writer, task)
        phone.lines.add(line)
        try:
            await self._converse(phone, line, PhoneLink(reader, writer))
        except (DisconnectedError, UpstreamError, OSError) as error:
            log.debug("phone %s: connection ended: %r", phone.label, error)
            reset(writer)
        except asyncio.CancelledError:
            reset(writer)  # cut on purpose: see Line.cut
        except Exception:
            log.exception("phone %s: request failed", phone.label)
            reset(writer)
        finally:
            phone.lines.discard(line)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _converse(self, phone: Phone, line: Line, link: PhoneLink) -> None:
        while True:
            try:
                head = await link.next_request()
                if head is None:
                    return
                await self._answer(phone, line, link, head)
            except BadMessageError:
                await link.refuse(400, "Bad Request")
                return
            except BodyTooLargeError:
                await link.refuse(413, "Content Too Large")
                return
            if not link.recycle():
                return

    async def _answer(self, phone: Phone, line: Line, link: PhoneLink, head: h11.Request) -> None:
        request = read_head(head)
        verdict = decide(self.hotspot, request, mac=phone.mac, ip=phone.ip, resolve=self.resolve)
        if verdict.way is Way.ONWARDS:
            line.may_stay = verdict.may_stay
            try:
                await self._onwards(phone, link, head, request)
            finally:
                line.may_stay = None
        elif verdict.way is Way.DROPPED or request.method == "CONNECT":
            # No certificate here, so https to the servlet is refused like https to anywhere else.
            reset(link.writer)
        else:
            body = await link.read_body(BODY_LIMIT)
            request = replace(request, body=body)
            answer = self.servlet.answer if verdict.way is Way.SERVLET else self.servlet.intercept
            await link.reply(answer(request, mac=phone.mac, ip=phone.ip))

    async def _onwards(self, phone: Phone, link: PhoneLink, head: h11.Request, request: Request) -> None:
        tally = _Tally(self.hotspot, phone, link)
        address = dial_address(request.host, request.port, self.resolve)
        if address is not None and address[1] in self._own_ports():
            raise BadMessageError("a proxy is no destination")
        try:
            if request.method != "CONNECT":
                if address is not None:
                    await forward(link, head, request, address, tally)
                else:
                    async for _ in link.body():
                        tally()
                    await link.reply(self.internet.reply(request))
            elif address is not None:
                await tunnel(link, address, tally)
            elif not await link.become_tunnel():
                await self.internet.tunnel(link.reader, link.writer)
        finally:
            tally()

    def _own_ports(self) -> set[int]:
        return {server.sockets[0].getsockname()[1] for server in self._servers}

    async def _watch(self) -> None:
        """Let time act on the hotspot, and cut what a login allowed once that login is over."""
        while True:
            try:
                self.hotspot.tick()
            except Exception:  # a fault of the model must not stop the cutting
                log.exception("hotspot %s: tick failed", self.hotspot.server_name)
            for phone in self.phones:
                for line in tuple(phone.lines):
                    if line.may_stay is not None and not line.may_stay():
                        line.cut()
            await asyncio.sleep(_WATCH_SECONDS)


class _Tally:
    """Reports the bytes of one exchange to the hotspot as they pass. Calling it again counts only what is new."""

    def __init__(self, hotspot: Hotspot, phone: Phone, link: PhoneLink) -> None:
        self._hotspot, self._phone, self._link = hotspot, phone, link
        self._received, self._sent = link.received - link.pending, link.sent

    def __call__(self) -> None:
        came, went = self._link.received - self._received, self._link.sent - self._sent
        if came or went:
            self._received, self._sent = self._link.received, self._link.sent
            self._hotspot.count_traffic(self._phone.ip, came, went)


def read_head(head: h11.Request) -> Request:
    """Turn a parsed request head into a Request without body. Raises BadMessageError for a target that is none."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
    method, target = head.method.decode("latin-1"), head.target.decode("latin-1")
    named = next((value for name, value in headers if name == "host"), "")
    if method == "CONNECT":
        host, port = split_authority(target, default_port=None)
        return Request(method=method, host=host, port=port, headers=headers)
    host, port, path = split_target(target, named)
    return Request(method=method, host=host, port=port, target=path, headers=headers)


def _url(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"http://{host}:{port}"
