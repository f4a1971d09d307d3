"""One exchange over HTTP: what came back, or how it was lost. No meaning is known here; bodies, keys and addresses are never logged.

`Outside` leads to addresses that people typed: each is looked up and judged first, and the judged one is connected to."""

import asyncio
import logging
import time
from collections.abc import Mapping
from ipaddress import ip_address

import httpx
import msgspec

from portal.addresses import Addresses, AddressRefused
from portal.mpesa.loose_json import JsonObject, read_object

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
PATIENCE_S = 20.0
_TIMEOUT = httpx.Timeout(connect=5, read=15, write=5, pool=5)
_NEVER_SENT = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol),
    httpx.LocalProtocolError,  # a header no request may carry
)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `status` 0: nothing did, and `was_sent` says whether the far side may have the request."""

    status: int = 0
    raw: bytes = b""
    was_sent: bool = True
    retry_after: float = 0.0

    @property
    def json(self) -> JsonObject:
        """The answer as an object; empty when it is none."""
        return read_object(self.raw, most=MOST_BYTES) or {}

    @property
    def said(self) -> str:
        """A piece of the answer for whoever mends it."""
        text = self.raw[:300].decode("utf-8", "replace")
        return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]


class Outside:
    """Where merchants' own addresses are called. `plays`: a world of play money, which calls only this machine."""

    def __init__(self, http: httpx.AsyncClient, addresses: Addresses, *, plays: bool) -> None:
        self.http = http
        self._addresses = addresses
        self._plays = plays

    async def judged(self, host: str, port: int = 443) -> str:
        """The address to connect to. AddressRefused: it is inside a network of ours, or nowhere. Only the host is judged by
        default: mail and web servers have ports of their own."""
        found = await self._addresses.checked(host, port)
        if self._plays and not ip_address(found).is_loopback:
            raise AddressRefused
        return found

    async def exchange(
        self, method: str, url: str, *, door: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> Reply:
        """The request to an address somebody typed. AddressRefused as above."""
        parsed = httpx.URL(url)
        found = await self.judged(parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80))
        direct = parsed.copy_with(host=found)
        named = {"Host": parsed.netloc.decode("ascii")} | dict(headers)
        return await exchange(
            self.http,
            method,
            direct,
            door=door,
            headers=named,
            content=content,
            extensions={"sni_hostname": parsed.host},
        )


async def exchange(
    http: httpx.AsyncClient, method: str, url: httpx.URL | str, *, door: str, headers: Mapping[str, str],
    content: bytes | None = None, extensions: Mapping[str, object] | None = None,
) -> Reply:  # fmt: skip
    """Send one request and read its answer, within twenty seconds altogether. Never sent twice."""
    began, outcome = time.monotonic(), "lost"
    sent = {"Accept-Encoding": "identity", "User-Agent": "vocha"} | dict(headers)
    try:
        async with asyncio.timeout(PATIENCE_S):
            request = http.build_request(
                method, url, headers=sent, content=content, timeout=_TIMEOUT, extensions=dict(extensions or {})
            )
            reply = await _read(http, request)
        outcome = str(reply.status)
    except _NEVER_SENT:
        outcome, reply = "not sent", Reply(was_sent=False)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
        reply = Reply()
    finally:
        took_ms = round((time.monotonic() - began) * 1000)
        log.info("message gateway", extra={"door": door, "outcome": outcome, "took_ms": took_ms})
    return reply


async def _read(http: httpx.AsyncClient, request: httpx.Request) -> Reply:
    response = await http.send(request, stream=True, follow_redirects=False)
    try:
        raw = bytearray()
        async for chunk in response.aiter_bytes():
            raw += chunk
            if len(raw) > MOST_BYTES:
                break
    finally:
        await response.aclose()
    wait = response.headers.get("retry-after", "")
    seconds = min(3600.0, float(wait)) if wait.isascii() and wait.isdecimal() else 0.0
    return Reply(status=response.status_code, raw=bytes(raw), retry_after=seconds)
