"""What goes on around a browser: the phone's own system, and waiting for what is no page."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from portal.db import DB
from routeros.simulator.proxy.phones import Phone
from tests.flows.world import Shop

#: How customers type it, and as Daraja knows it.
NUMBER, MSISDN = "0712 345 678", "254712345678"


async def until(holds: Callable[[], Awaitable[object]], what: str, *, within: float = 15.0) -> None:
    """Wait until something holds; the test fails, saying what it waited for, when it does not in time (seconds)."""
    try:
        async with asyncio.timeout(within):
            while not await holds():  # noqa: ASYNC110  (what we wait for is on the other side of a socket)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within:.0f} s: {what}") from None


async def has_internet(shop: Shop, phone: Phone | None = None) -> bool:
    """What a phone's system finds out beside any browser: its probe gets through, or the hotspot answers instead."""
    async with shop.browser(phone) as system:
        try:
            return (await system.get("http://connectivitycheck.gstatic.com/generate_204")).status_code == 204
        except httpx.TransportError:
            return False


async def comes_online(shop: Shop, phone: Phone | None = None) -> None:
    await until(lambda: has_internet(shop, phone), "the phone is online")


async def turns_captive(shop: Shop, phone: Phone | None = None) -> None:
    async def is_captive() -> bool:
        return not await has_internet(shop, phone)

    await until(is_captive, "the phone is captive again")


async def router_is(status: str) -> None:
    async def look() -> bool:
        return await DB.value("SELECT status FROM routers") == status

    await until(look, f"the router is seen {status}")
