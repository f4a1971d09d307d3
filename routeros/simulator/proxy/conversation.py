"""One connection of one phone: request after request, each to the servlet, onwards, or refused.

Decisions are in `gate`, pages in `servlet`, carrying in `forward`; it decides nothing and knows no listeners.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import h11

from routeros.simulator.exchange import Request
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.internet import StubInternet
from routeros.simulator.proxy.forward import forward, tunnel
from routeros.simulator.proxy.gate import Way, decide, is_own
from routeros.simulator.proxy.phones import Line, Phone
from routeros.simulator.proxy.targets import Resolve, dial_address, split_authority, split_target
from routeros.simulator.proxy.wire import HEAD_SECONDS, BadMessageError, BodyTooLargeError, PhoneLink, reset
from routeros.simulator.radius.desk import settled
from routeros.simulator.servlet import Servlet

#: The largest form the servlet reads.
BODY_LIMIT = 1024 * 1024


@dataclass(slots=True)
class Site:
    """What the conversations of one hotspot's network share. `tls` is the certificate of the servlet, None without;
    `own_ports` are the ports of the proxies themselves."""

    hotspot: Hotspot
    servlet: Servlet
    internet: StubInternet
    resolve: Resolve | None
    tls: ssl.SSLContext | None
    own_ports: Callable[[], set[int]]


class Conversation:
    """What happens on one connection. Raises DisconnectedError and UpstreamError when it ends badly."""

    def __init__(self, site: Site, phone: Phone, line: Line) -> None:
        self._site = site
        self._phone = phone
        self._line = line
        self._is_secure = False

    async def run(self, link: PhoneLink) -> None:
        """Answer until the phone hangs up or a request leaves the connection unusable."""
        while True:
            try:
                head = await link.next_request()
                if head is None:
                    return
                await self._answer(link, head)
            except BadMessageError:
                await link.refuse(400, "Bad Request")
                return
            except BodyTooLargeError:
                await link.refuse(413, "Content Too Large")
                return
            if not link.recycle():
                return

    async def _answer(self, link: PhoneLink, head: h11.Request) -> None:
        request = read_head(head, is_secure=self._is_secure)
        site, phone = self._site, self._phone
        if self._is_secure and not is_own(site.hotspot, request):
            raise BadMessageError("this is the hotspot's own https")
        seen = partial(decide, site.hotspot, request, mac=phone.mac, ip=phone.ip, resolve=site.resolve)
        verdict = await settled(site.hotspot.radius, seen)
        if verdict.way is Way.ONWARDS:
            self._line.may_stay = verdict.may_stay
            try:
                await self._onwards(link, head, request)
            finally:
                self._line.may_stay = None
        elif verdict.way is Way.SERVLET and request.method == "CONNECT" and site.tls and request.port == 443:
            await self._encrypt(link, site.tls)
        elif verdict.way is Way.DROPPED or request.method == "CONNECT":
            reset(link.writer)
        else:
            request = replace(request, body=await link.read_body(BODY_LIMIT))
            answer = site.servlet.answer if verdict.way is Way.SERVLET else site.servlet.intercept
            await link.reply(await settled(site.hotspot.radius, partial(answer, request, mac=phone.mac, ip=phone.ip)))

    async def _onwards(self, link: PhoneLink, head: h11.Request, request: Request) -> None:
        tally = _Tally(self._site.hotspot, self._phone, link)
        address = dial_address(request.host, request.port, self._site.resolve)
        if address is not None and address[1] in self._site.own_ports():
            raise BadMessageError("a proxy is no destination")
        try:
            if request.method != "CONNECT":
                if address is not None:
                    await forward(link, head, request, address, tally)
                else:
                    async for _ in link.body():
                        tally()
                    await link.reply(self._site.internet.reply(request))
            elif address is not None:
                await tunnel(link, address, tally)
            elif not await link.become_tunnel():
                await self._site.internet.tunnel(link.reader, link.writer)
        finally:
            tally()

    async def _encrypt(self, link: PhoneLink, tls: ssl.SSLContext) -> None:
        """Go on with the servlet over TLS inside the CONNECT tunnel."""
        if await link.become_tunnel():
            reset(link.writer)  # a hello sent before the answer cannot be given to the handshake
            return
        await link.writer.start_tls(tls, ssl_handshake_timeout=HEAD_SECONDS)
        self._is_secure = True
        await self.run(PhoneLink(link.reader, link.writer))


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


def read_head(head: h11.Request, *, is_secure: bool = False) -> Request:
    """Turn a parsed request head into a Request without body. Raises BadMessageError for a target that is none."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
    method, target = head.method.decode("latin-1"), head.target.decode("latin-1")
    named = next((value for name, value in headers if name == "host"), "")
    if method == "CONNECT":
        host, port = split_authority(target, default_port=None)
        return Request(method=method, host=host, port=port, headers=headers)
    host, port, path = split_target(target, named, default_port=443 if is_secure else 80)
    return Request(method=method, host=host, port=port, target=path, headers=headers, is_secure=is_secure)
