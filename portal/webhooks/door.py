"""The way out to addresses merchants typed: looked up, judged, and the judged address connected to; nothing is followed.

Public addresses by https on port 443 only; others only within PORTAL_WEBHOOK_NETWORKS. In a world of play money: this machine."""

import asyncio
import time
from collections.abc import Mapping
from ipaddress import IPv4Network, ip_address

import httpx
import msgspec

from portal.addresses import Addresses, AddressRefused, is_public, literal
from portal.config import Settings
from portal.gateways.wire import Outside, Reply, exchange

PATIENCE_S = 15.0
LONGEST_URL = 500
_THIS_MACHINE = IPv4Network("127.0.0.0/8")
_PORTS = {"https": 443, "http": 80}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try. `status` 0: no answer, and `why` is refused, unreachable, timeout or lost. `answer`: its beginning."""

    status: int = 0
    why: str = ""
    answer: str = ""
    retry_after: float = 0.0
    took_ms: int = 0

    @property
    def is_taken(self) -> bool:
        """Any 2xx is a yes."""
        return 200 <= self.status < 300


def _is_playing(settings: Settings) -> bool:
    return settings.mpesa_environment == "loopback"


def _judge(settings: Settings) -> Addresses:
    return Addresses([_THIS_MACHINE] if _is_playing(settings) else settings.webhook_networks)


def may_be_told(url: str, settings: Settings) -> bool:
    """Whether an address can be one to send to, as far as its text tells: no name is looked up."""
    try:
        parsed = httpx.URL(url)
        address = literal(parsed.host)
    except (httpx.InvalidURL, ValueError):
        return False
    if len(url) > LONGEST_URL or parsed.scheme not in _PORTS or parsed.userinfo or parsed.fragment or not parsed.host:
        return False
    judge, port = _judge(settings), parsed.port or _PORTS[parsed.scheme]
    if address is None:  # a name: judged by where it leads, whenever it is connected to
        return _is_playing(settings) or bool(settings.webhook_networks) or (parsed.scheme == "https" and port == 443)
    if is_public(address):
        return not _is_playing(settings) and parsed.scheme == "https" and port == 443
    return judge.allows(address, port)


class WebhookDoor:
    """Posts to one address at a time. Keeps nothing."""

    def __init__(self, http: httpx.AsyncClient, settings: Settings, *, addresses: Addresses | None = None) -> None:
        self._http = http
        self._outside = Outside(http, addresses or _judge(settings), plays=_is_playing(settings))

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Told:
        """One request, fifteen seconds at most altogether. Never raises for what the far side does."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                told = _told(await self._exchange(url, headers, body))
        except (AddressRefused, httpx.InvalidURL):
            told = Told(why="refused")
        except TimeoutError:
            told = Told(why="timeout")
        return msgspec.structs.replace(told, took_ms=round((time.monotonic() - began) * 1000))

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        parsed = httpx.URL(url)
        port = parsed.port or _PORTS.get(parsed.scheme, 0)
        found = await self._outside.judged(parsed.host, port)
        if is_public(ip_address(found)) and (parsed.scheme != "https" or port != 443):
            raise AddressRefused
        named = {"Host": parsed.netloc.decode("ascii")} | dict(headers)
        return await exchange(
            self._http, "POST", parsed.copy_with(host=found), door="webhook", headers=named, content=body,
            extensions={"sni_hostname": parsed.host},
        )  # fmt: skip


def _told(reply: Reply) -> Told:
    if not reply.was_sent:
        return Told(why="unreachable")
    if reply.status == 0:
        return Told(why="lost")
    return Told(status=reply.status, answer=reply.said, retry_after=reply.retry_after)
