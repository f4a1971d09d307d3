"""The network a phone is in: an HTTP proxy on loopback that behaves like the Wi-Fi of a simulated hotspot.

It accepts connections and keeps track of phones; what happens on a connection is in `conversation`.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Self

from routeros.simulator.hotspot import Hotspot
from routeros.simulator.internet import StubInternet
from routeros.simulator.proxy.conversation import Conversation, Site
from routeros.simulator.proxy.forward import UpstreamError
from routeros.simulator.proxy.phones import Addresses, Line, Phone
from routeros.simulator.proxy.targets import Resolve
from routeros.simulator.proxy.wire import DisconnectedError, PhoneLink, reset
from routeros.simulator.radius.desk import settled
from routeros.simulator.refusals import RadiusQuestion
from routeros.simulator.servlet import Servlet
from routeros.simulator.values import parse_mac

_WATCH_SECONDS = 0.2
_LOOPBACK = "127.0.0.1"
#: What hotspot setup proposes; used while no hotspot server is configured.
_USUAL_ADDRESS = "10.5.50.1"

log = logging.getLogger(__name__)


class HotspotNetwork:
    """The proxies of one hotspot. A phone is told by the loopback address it connects from (127.0.0.N is phone N),
    or has a listener of its own (`attach`).

    `resolve` maps "host" or "host:port" to a loopback address such as "127.0.0.1:8000"; loopback targets are dialled
    as they are; every other name is the stub `internet`. `html` replaces the servlet's pages (see `Servlet`).
    `tls` is the servlet's certificate: with it the hotspot answers https too, without it such connections are reset.
    """

    def __init__(
        self,
        hotspot: Hotspot,
        *,
        internet: StubInternet | None = None,
        resolve: Resolve | None = None,
        html: Path | Mapping[str, bytes | str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.hotspot = hotspot
        self.servlet = Servlet(hotspot, html=html)
        self._site = Site(hotspot, self.servlet, internet or StubInternet(), resolve, tls, self._own_ports)
        self._addresses = Addresses(hotspot.address or _USUAL_ADDRESS, site=f"{hotspot.identity}/{hotspot.server_name}")
        self._phones: dict[str, Phone] = {}
        self._attached = 0
        self._servers: list[asyncio.Server] = []
        self._main: asyncio.Server | None = None
        self._watcher: asyncio.Task[None] | None = None
        #: Logins of phones that joined and wait for RADIUS.
        self._asking: set[asyncio.Task[None]] = set()

    @property
    def proxy_url(self) -> str:
        """The main listener, "http://127.0.0.1:PORT". Raises RuntimeError before `start`."""
        if self._main is None:
            raise RuntimeError("the network is not started")
        return _url(self._main)

    @property
    def resolve(self) -> Resolve | None:
        """Names that stand for loopback addresses; may be replaced while running."""
        return self._site.resolve

    @resolve.setter
    def resolve(self, resolve: Resolve | None) -> None:
        self._site.resolve = resolve

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
        tasks = [*self._asking, *(line.task for phone in self.phones for line in phone.lines)]
        if self._watcher:
            tasks.append(self._watcher)
        for phone in self.phones:
            for line in tuple(phone.lines):
                line.cut()
        if self._watcher:
            self._watcher.cancel()
        for task in self._asking:
            task.cancel()
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
        self._attached += 1
        phone = self._new_phone(f"attached {self._attached}", number=None, mac=mac, ip=ip)
        server = await self._listen(lambda _: phone)
        phone.proxy_url = _url(server)
        self._note_presence(phone)
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
        """A phone that joins is seen at once and logged in by MAC address or mac-cookie, before it opens any page."""
        if self.hotspot.server is None:
            return
        if phone.is_present:
            self.hotspot.see_host(phone.mac, phone.ip)
            log_in = partial(self.hotspot.cookie_login, phone.ip, phone.mac, None)
            try:
                log_in()
            except RadiusQuestion:
                task = asyncio.create_task(_log_in_later(self.hotspot, log_in))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
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
        assert task is not None  # a stream callback always runs in a task
        if not phone.is_present:
            reset(writer)
            return
        line = Line(writer, task)
        phone.lines.add(line)
        try:
            await Conversation(self._site, phone, line).run(PhoneLink(reader, writer))
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


async def _log_in_later(hotspot: Hotspot, log_in: Callable[[], object]) -> None:
    await settled(hotspot.radius, log_in)


def _url(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"http://{host}:{port}"
