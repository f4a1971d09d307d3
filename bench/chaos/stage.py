"""Where a chaos run plays: web, worker and PostgreSQL as processes that die and come back, merchants, and M-Pesa in this process."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import house
from bench.chaos.plan import Plan, registers_c2b
from portal.callbacks import addresses
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.embedded_postgres import EmbeddedPostgresError
from portal.house import doors_open
from portal.migrations import migrate
from portal.mpesa.simulator import DarajaSimulator, Knobs, World
from portal.mpesa.simulator.records import Registration
from portal.patience import patiently
from portal.reconciliation import pulling
from portal.routers import RouterView
from portal.signing import Signer
from tests import factories
from tests.flows.programs import Program, answers, free_port, until
from tests.kill.house import Server

PRICES = (1000, 2000)
PASSKEY = "chaos-passkey"


class Stage:
    """The processes and the shops. Only what was started here is killed."""

    def __init__(self, folder: Path, server: Server, daraja: DarajaSimulator) -> None:
        port = free_port()
        self.portal = f"http://127.0.0.1:{port}"
        self.daraja = daraja
        self.database = server
        self.clock = Clock()
        self.signer = Signer([("bench", house.KEY)])
        self.routers: list[RouterView] = []
        self.packages: list[tuple[int, int]] = []
        settings = {
            "PORTAL_DATABASE_URL": server.embedded.dsn,
            "PORTAL_DATA_DIR": str(folder / "data"),
            "PORTAL_SECRET_KEYS": "bench:" + house.KEY.hex(),
            "PORTAL_BASE_URL": self.portal,
            "PORTAL_PORT": str(port),
            "PORTAL_MPESA_ENVIRONMENT": "loopback",
            "PORTAL_MPESA_URL": daraja.url,
            "PORTAL_MPESA_TRUSTED_SOURCES": "127.0.0.1",
            "PORTAL_LOG_LEVEL": "warning",
        }
        self.web = Program("serve", settings=settings, log=folder / "web.log")
        self.worker = Program("work", settings=settings, log=folder / "worker.log")

    def kill(self, victim: str) -> bool:
        """End one process with -9; who watches over it starts it again. False: it is not alive now."""
        try:
            if victim == "database":
                os.kill(self.database.pid, signal.SIGKILL)
            else:
                getattr(self, victim).signal(signal.SIGKILL)
        except (ProcessLookupError, EmbeddedPostgresError):
            return False
        return True

    @property
    def deaths(self) -> int:
        """How often something died so far."""
        return self.web.deaths + self.worker.deaths + self.database.deaths

    async def is_ready(self) -> None:
        """Wait until everything lives."""
        await until(lambda: answers(f"{self.portal}/readyz"), "the web server is ready", within=60)

    async def pull(self) -> int:
        """Look at M-Pesa's own lists, for every merchant, as the nightly job does; how many payments they brought."""
        await self.is_ready()
        async with atomic() as tx:
            for row in await tx.fetch("SELECT id FROM mpesa_accounts ORDER BY id"):
                await pulling.want(tx, row["id"], why="demand", asked_by="chaos", now=self.clock.now())
        async with doors_open(Settings.from_env(self.worker.settings), self.clock) as doors:
            looks = [
                await pulling.look(wish, doors.mpesa, vault=doors.vault, clock=self.clock)
                for wish in await pulling.wanted()
            ]
        return sum(look.taken for look in looks if look)

    async def ask(self, sql: str, *args: object) -> list[dict[str, object]]:
        """Rows, if need be after the database is back."""
        rows = await patiently(lambda: DB.fetch(sql, *args), within_s=60)
        return [dict(row) for row in rows]


@asynccontextmanager
async def stage_set(folder: Path, plan: Plan, *, sql: str = "") -> AsyncGenerator[Stage]:
    """The stage for a plan, everything running and nothing sold yet. `sql` is run once the tables are there."""
    server = Server(folder / "pg")
    await server.embedded.start_async()
    keeper = asyncio.create_task(server.keep_alive())
    DB.configure(server.embedded.dsn)
    try:
        await migrate()
        await DB.open(min_size=1, max_size=4)
        if sql:
            await DB.fetch(sql)
        world = World.sandbox(seed=plan.seed, knobs=Knobs(no_answer_seconds=plan.late_s), log_size=10)
        async with DarajaSimulator(world) as daraja:
            stage = Stage(folder, server, daraja)
            for number in range(plan.merchants):
                await _open_shop(stage, number)
            try:
                await stage.web.keep_alive()
                await stage.worker.keep_alive()
                await stage.is_ready()
                yield stage
            finally:
                await stage.web.stop()
                await stage.worker.stop()
    finally:
        await DB.close()
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await server.embedded.stop_async()


async def _open_shop(stage: Stage, number: int) -> None:
    """A merchant with an M-Pesa app, shortcode and till of its own, two packages, and a router that asks (and is not dialled)."""
    vault, world = house.vault(), stage.daraja.world
    merchant = await factories.merchant(f"Shop {number}", kind=("personal", "isp", "homeowner")[number % 3])
    shortcode, key, secret = f"{600_000 + number}", f"key-{number}", f"secret-{number}"
    world.add_app(key, secret)
    paybill = world.add_shortcode(shortcode, passkey=PASSKEY, name=f"SHOP {number}")
    account = await factories.mpesa_account(
        vault, merchant_id=merchant, shortcode=shortcode, key=key, secret=secret, passkey=PASSKEY
    )
    await DB.fetch(
        "UPDATE mpesa_accounts SET pull_registered_at = now(), pull_number = '254700000000' WHERE id = $1", account
    )
    paybill.is_pulling = True
    if registers_c2b(number):
        async with atomic() as tx:
            name = await addresses.of_account(tx, account, now=stage.clock.now())
        paid, check = addresses.path(name, addresses.CONFIRMATION), addresses.path(name, addresses.VALIDATION)
        paybill.registration = Registration("v2", "Completed", f"{stage.portal}{paid}", f"{stage.portal}{check}")
    # It "asked" a day from now: silence is not what is tried here.
    seen = datetime.now(UTC) + timedelta(days=1)
    stage.routers.append(await factories.router(vault, merchant, way="pull", last_seen_at=seen))
    first, second = [await factories.package(merchant, name=f"{price}", price_cents=price) for price in PRICES]
    stage.packages.append((first, second))
