"""What a shopkeeper reads when a router cannot be used: each trouble made at a simulated router, found by the worker, and read
on the router's page, with the next step."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from jobs import doctor, routers
from jobs.doors import Doors
from portal.access_grants import Wish, want
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.house import doors_open
from portal.routers.findings import SENTENCES
from portal.terms import Terms
from portal.vault import Vault
from routeros.simulator.board import Board
from routeros.simulator.clock import VirtualClock
from routeros.simulator.router import SimulatedRouter
from routeros.troubles import Trouble
from tests import factories
from tests.portal.web.conftest import Cast, sign_in
from tests.portal.web.report_rows import main
from tests.routeros.test_client_tls import self_signed


class Bench(NamedTuple):
    """What a trouble is made with."""

    cast: Cast
    vault: Vault
    clock: Clock
    doors: Doors
    stack: AsyncExitStack
    folder: Path

    async def board(self, **options: Any) -> SimulatedRouter:
        """A simulated router, running until the test ends."""
        made = SimulatedRouter(
            api_user="vocha", api_password="secret", clock=VirtualClock(start=self.clock.now()), **options
        )  # fmt: skip
        return await self.stack.enter_async_context(made)

    async def router(self, **columns: Any) -> int:
        """A router of the merchant's, never seen yet."""
        columns = {"status": "new", "last_seen_at": None} | columns
        return (await factories.router(self.vault, self.cast.merchant_id, name="Kiosk", **columns)).id


@pytest.fixture
async def bench(cast: Cast, vault: Vault, clock: Clock, settings: Settings, tmp_path: Path) -> AsyncIterator[Bench]:
    async with doors_open(settings, clock) as doors, AsyncExitStack() as stack:
        yield Bench(cast, vault, clock, doors, stack, tmp_path)


async def wrong_password(bench: Bench) -> int:
    return await bench.router(api_port=(await bench.board()).api_port, password="wrong")


async def no_such_host(bench: Bench) -> int:
    return await bench.router(api_host="nobody.invalid")


async def inside_address(bench: Bench) -> int:
    return await bench.router(api_host="192.168.88.1")


async def closed_port(bench: Bench) -> int:
    board = await bench.board()
    await board.set_online(False)
    return await bench.router(api_port=board.api_port)


async def other_certificate(bench: Bench) -> int:
    context, _ = self_signed(bench.folder)
    return await bench.router(api_port=(await bench.board(tls=context)).tls_port, api_tls_pin="00" * 32)


async def secure_against_plain(bench: Bench) -> int:
    return await bench.router(api_port=(await bench.board()).api_port, api_tls_pin="00" * 32)


async def plain_against_secure(bench: Bench) -> int:
    context, _ = self_signed(bench.folder)
    return await bench.router(api_port=(await bench.board(tls=context)).tls_port)


async def no_certificate(bench: Bench) -> int:
    return await bench.router(api_port=(await bench.board(tls="anonymous")).tls_port, api_tls_pin="00" * 32)


@pytest.mark.parametrize(
    ("make", "says", "next_step"),
    [
        (wrong_password, "does not accept our name and password", "correct the password here"),
        (no_such_host, "No router can be reached at this address", "Check it for typing errors"),
        (inside_address, "An address like 192.168… works only inside your shop", "use the public address, or the tunnel"),
        (closed_port, "the API port is closed", "Run the setup script on the router"),
        (other_certificate, "shows another certificate than the one you gave us", "copy the new fingerprint here"),
        (secure_against_plain, "do not agree on a secure connection", "then the fingerprint here must be empty"),
        (no_certificate, "do not agree on a secure connection", "Port 8729 needs a certificate on the router"),
        (plain_against_secure, "hangs up before we can sign in", "check port and fingerprint"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
async def test_what_stands_in_the_way_is_said_with_the_next_step(
    bench: Bench, client: httpx.AsyncClient, make: Callable[[Bench], Awaitable[int]], says: str, next_step: str
) -> None:
    router_id = await make(bench)
    await sign_in(client, bench.cast.owner)
    assert "We are trying to reach this router." in main(await client.get(f"/routers/{router_id}"))
    await doctor.check(router_id, bench.doors)
    page = main(await client.get(f"/routers/{router_id}"))
    note, checkup = page.split('id="router-doctor"')
    for where in (note, checkup):
        assert says in where
        assert next_step in where
    assert "Offline" in note
    assert "Act now" in checkup
    assert not re.search(r"Errno|SSL|Traceback|Exception|refused", page), "the machine's words are not a shopkeeper's"


async def test_device_mode_is_said_with_the_line_to_paste(bench: Bench, client: httpx.AsyncClient) -> None:
    board = await bench.board(version="7.18", device_mode="home")
    router_id = await bench.router(api_port=board.api_port)
    await doctor.check(router_id, bench.doors)
    await sign_in(client, bench.cast.owner)
    page = main(await client.get(f"/routers/{router_id}"))
    assert "The router's device-mode switches off" in page
    assert "unplug the router within five minutes" in page
    assert "/system device-mode update hotspot=yes" in page


async def test_a_licence_for_one_is_said_before_and_when_it_keeps_somebody_out(
    bench: Bench, client: httpx.AsyncClient
) -> None:
    board = await bench.board(board=Board(license_level=3), login_by="mac-cookie,http-pap")
    router_id = await bench.router(api_port=board.api_port)
    await doctor.check(router_id, bench.doors)
    await sign_in(client, bench.cast.owner)
    page = main(await client.get(f"/routers/{router_id}"))
    assert "licence (level 3) lets one person online at a time" in page
    assert "It needs level 4 or higher" in page
    for number in (1, 2):
        await buy(bench, router_id, board, number)
    page = main(await client.get(f"/routers/{router_id}"))
    assert "The router's licence allows no more people online." in page
    assert "Buy a higher RouterOS licence" in page
    assert "session limit reached" in page, "the router's own words stand beside ours"


async def buy(bench: Bench, router_id: int, board: SimulatedRouter, number: int) -> None:
    """A device that paid, and a visit to the router that tries to let it in."""
    bought = Terms(name="1 hour", duration_s=3600)
    voucher = await factories.voucher(bench.vault, bench.cast.merchant_id, bench.cast.package_id, terms=bought.encode())
    mac, ip = f"02:00:00:00:00:{number:02X}", f"10.5.50.{number + 10}"
    board.hotspot.see_host(mac, ip)
    wish = Wish(
        merchant_id=bench.cast.merchant_id, router_id=router_id, voucher_id=voucher, mac=mac, ip=ip, terms=bought
    )
    async with atomic() as tx:
        await want(tx, wish, vault=bench.vault, now=bench.clock.now())
    await routers.reconcile(router_id, bench.doors)


@pytest.mark.parametrize(
    ("said", "words"),
    [("unknown host IP 10.5.50.9", "The phone is not on the Wi-Fi"), ("no more sessions are allowed for user x", "As many devices"),
     ("failure: already have user with this name for this server", "under Leaks and differences"),
     ("user x has reached uptime limit", "counts this package as used up"), ("wrong MAC provided", "Another phone has this address")],
)  # fmt: skip
async def test_what_keeps_one_device_out_is_said_at_its_line(
    bench: Bench, client: httpx.AsyncClient, said: str, words: str
) -> None:
    voucher = await factories.voucher(bench.vault, bench.cast.merchant_id, bench.cast.package_id)
    router_id = bench.cast.router.id
    grant = await factories.grant(bench.vault, bench.cast.merchant_id, router_id, voucher)
    await DB.fetch("UPDATE access_grants SET last_error = $2 WHERE id = $1", grant, said)
    await sign_in(client, bench.cast.owner)
    page = main(await client.get(f"/routers/{router_id}"))
    assert words in page
    assert said in page


def test_every_trouble_has_a_sentence_with_an_end() -> None:
    for trouble in Trouble:
        assert SENTENCES[f"trouble_{trouble}"].endswith(".")
