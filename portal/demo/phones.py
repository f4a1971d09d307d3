"""The customers' phones: which Wi-Fi each is in, and the browser that looks through it.

A phone has a place on every router's network and is present at one of them. Its browser is captive as a real one is:
all it fetches goes through the hotspot's proxy, and nothing it keeps outlives the network.
"""

import hashlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from portal.demo.boards import DemoRouter
from portal.demo.cast import CUSTOMERS, Customer
from portal.errors import NotFound
from routeros.simulator.proxy import Phone

_FIRST_ADDRESS = 120
_LONGEST_WAIT_S = 20.0


@dataclass(slots=True)
class DemoPhone:
    """One phone. `at` is the place of its router in the list."""

    number: int
    customer: Customer
    at: int = 0
    lines: dict[int, Phone] = field(default_factory=dict[int, Phone])
    browser: httpx.AsyncClient | None = None


class Phones:
    """All phones of the demo, numbered from 1."""

    def __init__(self, routers: list[DemoRouter]) -> None:
        self._routers = routers
        self._phones = [DemoPhone(number, customer) for number, customer in enumerate(CUSTOMERS, start=1)]
        # Without authorities: there is no TLS in this world, and loading them takes 20 ms for each browser.
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def __iter__(self) -> Iterator[DemoPhone]:
        return iter(self._phones)

    def one(self, number: int) -> DemoPhone:
        """The phone of a number; NotFound when there is none."""
        if not 1 <= number <= len(self._phones):
            raise NotFound
        return self._phones[number - 1]

    async def line(self, phone: DemoPhone) -> Phone:
        """The phone on the network it is in now."""
        if phone.at not in phone.lines:
            router = self._routers[phone.at]
            # Always the same address on the same network: whoever has paid is known again after a restart.
            address = f"{router.spec.network}{_FIRST_ADDRESS + phone.number}"
            phone.lines[phone.at] = await router.network.attach(_mac(phone, router), address)
        return phone.lines[phone.at]

    async def browser(self, phone: DemoPhone) -> httpx.AsyncClient:
        """Its captive browser, which follows no redirects by itself."""
        if phone.browser is None:
            line = await self.line(phone)
            phone.browser = httpx.AsyncClient(
                proxy=line.proxy_url, trust_env=False, verify=self._tls, timeout=_LONGEST_WAIT_S
            )
        return phone.browser

    async def move(self, phone: DemoPhone, at: int) -> None:
        """Walk over to another router."""
        if not 0 <= at < len(self._routers):
            raise NotFound
        (await self.line(phone)).leave()
        await self._forget(phone)
        phone.at = at
        (await self.line(phone)).join()

    async def reconnect(self, phone: DemoPhone) -> None:
        """Leave the Wi-Fi and come back with another MAC address, as phones with private addresses do."""
        (await self.line(phone)).change_mac()
        await self._forget(phone)

    async def _forget(self, phone: DemoPhone) -> None:
        browser, phone.browser = phone.browser, None
        if browser is not None:
            await browser.aclose()

    async def close(self) -> None:
        """Close every browser."""
        for phone in self._phones:
            await self._forget(phone)


def _mac(phone: DemoPhone, router: DemoRouter) -> str:
    """Stable, locally administered, unicast."""
    raw = bytearray(hashlib.sha256(f"{router.name}/{phone.customer.msisdn}".encode()).digest()[:6])
    raw[0] = raw[0] & 0xFC | 0x02
    return ":".join(f"{byte:02X}" for byte in raw)
