"""From the payment's callback to the device online, over real protocols; limit: the same commits and router commands, bare."""

import asyncio
import re
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from bench import house
from bench.result import Result, quantile
from portal.db import DB, atomic
from portal.mpesa.simulator import (
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    SANDBOX_SHORTCODE,
    DarajaSimulator,
    World,
)
from portal.routers import RouterView
from portal.serving import listen
from routeros.client import HotspotRouter
from routeros.simulator.router import SimulatedRouter
from routeros.values import HotspotUser, RouterAddress
from tests import factories

BAR = {"p50_s": 0.5, "p99_s": 1.5}
#: One site lets 120 pushes a minute through; the sales are spread over several.
ROUTERS = 8
#: Durable commits between callback and online: store, settle, user present, login confirmed.
COMMITS = 4


async def run(quick: bool) -> Result:
    """Sell to one phone after another, and time what happens between M-Pesa's callback and the phone's session."""
    sales = 60 if quick else 200
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        with listen("127.0.0.1", 0) as free:
            port = free.getsockname()[1]
        daraja = await stack.enter_async_context(DarajaSimulator(World.sandbox(seed=1)))
        boards = [
            await stack.enter_async_context(SimulatedRouter(api_user="vocha", api_password="secret", serial=f"SIM{n}"))
            for n in range(ROUTERS)
        ]
        dsn = await stack.enter_async_context(house.database(folder))
        package, routers = await _shop(boards)
        await stack.enter_async_context(house.up(folder, port, mpesa_url=daraja.url, dsn=dsn))
        http = await stack.enter_async_context(
            httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}", timeout=20)
        )
        took = [await _sell(http, daraja, boards[n % ROUTERS], routers[n % ROUTERS], package, n) for n in range(sales)]
        limit = await _bare(boards[0])
        imbalance = await DB.value("SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_entries")
        sold = await DB.value("SELECT count(*) FROM ledger_postings WHERE kind = 'sale'")
    p50, p99 = quantile(took, 0.5), quantile(took, 0.99)
    figures = {
        "sales": sales,
        "p50_s": round(p50, 4),
        "p99_s": round(p99, 4),
        "max_s": round(max(took), 4),
        "sold": sold,
        "imbalance_cents": imbalance,
    }
    ok = p50 <= BAR["p50_s"] and p99 <= BAR["p99_s"] and sold == sales and imbalance == 0
    return Result("sale", figures, {"bare_p50_s": round(limit, 4)}, round(p50 / limit, 2), dict(BAR), ok)


async def _shop(boards: list[SimulatedRouter]) -> tuple[int, list[RouterView]]:
    vault = house.vault()
    merchant = await factories.merchant()
    await factories.mpesa_account(
        vault, shortcode=SANDBOX_SHORTCODE, key=DEFAULT_KEY, secret=DEFAULT_SECRET, passkey=SANDBOX_PASSKEY
    )
    package = await factories.package(merchant, rate_down_kbps=5000, rate_up_kbps=5000)
    return package, [
        await factories.router(vault, merchant, name=f"Router {n}", api_port=board.api_port)
        for n, board in enumerate(boards)
    ]


async def _sell(
    http: httpx.AsyncClient,
    daraja: DarajaSimulator,
    board: SimulatedRouter,
    router: RouterView,
    package: int,
    number: int,
) -> float:
    """One sale as a phone does it; returns the seconds from approving to the session on the router."""
    mac, ip, phone = (
        f"02:00:00:00:{number >> 8:02X}:{number & 255:02X}",
        f"10.5.50.{2 + number // ROUTERS}",
        f"2547{10_000_000 + number}",
    )
    board.hotspot.see_host(mac, ip)
    page = await http.get(
        f"/c/{router.site}", params={"mac": mac, "ip": ip, "link-login-only": "http://10.5.50.1/login"}
    )
    link = re.search(rf'href="([^"]*/buy/{package}\?[^"]*)"', page.text)
    if link is None:
        raise RuntimeError("the package is not on the page")
    form = await http.get(link.group(1).replace("&amp;", "&"))
    hidden = dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', form.text))
    posted = await http.post(str(form.url), data={**hidden, "phone": phone})
    if posted.status_code != 303:
        raise RuntimeError(f"buying answered {posted.status_code}")
    await daraja.wait_prompt(phone, timeout=10)
    began = time.perf_counter()
    await daraja.approve(phone)
    async with asyncio.timeout(20):
        while board.hotspot.session(ip) is None:  # noqa: ASYNC110  (the router tells nobody)
            await asyncio.sleep(0.001)
    return time.perf_counter() - began


async def _bare(board: SimulatedRouter) -> float:
    """The median of the least this can take here: four durable commits and the router's three commands, one after another."""
    took: list[float] = []
    address = RouterAddress(board.api_host, board.api_port, "vocha", "secret")
    async with HotspotRouter(address) as router:
        await router.resource()
        for number in range(30):
            ip, mac, user = f"10.5.50.{200 + number}", f"02:FF:00:00:00:{number:02X}", f"bare{number}"
            board.hotspot.see_host(mac, ip)
            began = time.perf_counter()
            for _ in range(COMMITS):
                async with atomic() as tx:
                    await tx.execute(
                        "INSERT INTO devices (merchant_id, mac) SELECT min(id), $1 FROM merchants ON CONFLICT DO NOTHING",
                        f"{mac}{_}"[-17:],
                    )
            await router.user_profiles()
            await router.add_user(HotspotUser(name=user, password=user))
            await router.log_in(ip=ip, mac=mac, user=user, password=user)
            took.append(time.perf_counter() - began)
    return quantile(took, 0.5)
