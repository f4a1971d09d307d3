"""Ten minutes of lost callbacks: how long until every payer is served, by five questions a minute and by Pull. Virtual time."""

import dataclasses
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from bench import house
from bench.result import Result
from portal import payments
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.mpesa.doors import MpesaDoors
from portal.mpesa.simulator import (
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    SANDBOX_SHORTCODE,
    DarajaSimulator,
    World,
)
from portal.reconciliation import pulling
from portal.terms import Terms
from portal.vault import Vault
from tests import factories

#: Pull: the next look is at most a minute away, and one look is enough.
BAR = {"pull_recovery_s": 120, "lost": 0}
LOST_FOR_S = 600
LOOK_EVERY_S = 60


@dataclass
class Scene:
    """A shop whose payers have paid, and nobody told us."""

    clock: Clock
    vault: Vault
    doors: MpesaDoors
    account_id: int

    async def unpaid(self) -> int:
        """Payers who are still waiting."""
        return await DB.value(
            "SELECT count(*) FROM payments WHERE account_id = $1 AND status <> 'paid'", self.account_id
        )


async def run(quick: bool) -> Result:
    """Lose every callback of ten minutes; ask by query alone; then the same again with Pull."""
    sales = 40 if quick else 300
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vocha-bench-")))
        await stack.enter_async_context(house.database(folder / "db"))
        by_query = await _scene(stack, folder, sales)
        query_s, asked, query_work_s = await _ask_all(by_query)
        left_by_query = await by_query.unpaid()
        by_pull = await _scene(stack, folder, sales)
        pull_s, pull_work_s = await _pull_all(by_pull)
        left = await by_pull.unpaid()
    figures = {
        "sales": sales, "lost_for_s": LOST_FOR_S, "query_recovery_s": round(query_s), "questions": asked,
        "query_lost": left_by_query, "query_work_s": round(query_work_s, 1), "pull_recovery_s": round(pull_s),
        "pull_lost": left, "pull_work_s": round(pull_work_s, 1),
    }  # fmt: skip
    ok = pull_s <= BAR["pull_recovery_s"] and left == left_by_query == 0
    limit = {"questions_only_s": round(sales * 12)}
    return Result("recovery", figures, limit, round(query_s / max(pull_s, 1), 1), BAR, ok)


async def _scene(stack: AsyncExitStack, folder: Path, sales: int) -> Scene:
    clock, vault = Clock(), Vault((("bench", house.KEY),))
    world = World.sandbox(clock=clock, seed=5)
    world.shortcodes[SANDBOX_SHORTCODE].is_pulling = True
    world.turn(callback_lost=True, auto_answer="pin", stk_confirmation="off", pull_delay_seconds=20)
    daraja = await stack.enter_async_context(DarajaSimulator(world))
    http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
    settings = Settings.from_env(
        {"PORTAL_DATABASE_URL": str(DB.config["dsn"]), "PORTAL_DATA_DIR": str(folder),
         "PORTAL_SECRET_KEYS": "bench:" + house.KEY.hex(), "PORTAL_BASE_URL": "http://127.0.0.1:9"}
    )  # fmt: skip
    live = dataclasses.replace(
        settings, mpesa_environment="loopback", mpesa_url=daraja.url, mpesa_callback_base="http://127.0.0.1:9"
    )
    merchant = await factories.merchant()
    account = await factories.mpesa_account(
        vault, merchant_id=merchant, shortcode=SANDBOX_SHORTCODE, key=DEFAULT_KEY, secret=DEFAULT_SECRET,
        passkey=SANDBOX_PASSKEY,
    )  # fmt: skip
    router, package = await factories.router(vault, merchant), await factories.package(merchant)
    scene = Scene(clock, vault, MpesaDoors(http, live, vault=vault, clock=clock), account)
    for number in range(sales):
        phone = f"2547{number + 10_000_000:08}"
        checkout = await factories.checkout(
            router, package, phone=phone, terms=Terms(name="1 hour", duration_s=3600).encode(), created_at=clock.now(),
            mac=f"02:00:00:00:{number >> 8:02X}:{number & 255:02X}",
        )  # fmt: skip
        payment = await factories.payment(
            merchant,
            checkout_id=checkout,
            account_id=account,
            phone=phone,
            created_at=clock.now(),
            next_try_at=clock.now(),
        )
        assert await payments.push(payment, scene.doors, now=clock.now()) == "pending"
        clock.shift(timedelta(seconds=LOST_FOR_S / sales))
    assert await scene.unpaid() == sales
    return scene


async def _ask_all(scene: Scene) -> tuple[float, int, float]:
    """Virtual seconds until nobody waits, questions asked, real seconds."""
    began, real, asked = scene.clock.now(), time.perf_counter(), 0
    while await scene.unpaid() and scene.clock.now() - began < timedelta(hours=12):
        for question in await payments.to_enquire(now=scene.clock.now()):
            asked += 1
            await payments.enquire(question, scene.doors, vault=scene.vault, now=scene.clock.now())
        scene.clock.shift(timedelta(seconds=1))
    return (scene.clock.now() - began).total_seconds(), asked, time.perf_counter() - real


async def _pull_all(scene: Scene) -> tuple[float, float]:
    """The same by looks a minute apart, the first one as late as it can be."""
    began, real = scene.clock.now(), time.perf_counter()
    while await scene.unpaid() and scene.clock.now() - began < timedelta(hours=12):
        scene.clock.shift(timedelta(seconds=LOOK_EVERY_S))
        async with atomic() as tx:
            wish = await pulling.want(
                tx, scene.account_id, why="outage", asked_by="bench", now=scene.clock.now(),
                since=scene.clock.now() - timedelta(hours=1),
            )  # fmt: skip
        assert wish is not None
        await pulling.look(wish, scene.doors, vault=scene.vault, clock=scene.clock)
    return (scene.clock.now() - began).total_seconds(), time.perf_counter() - real
