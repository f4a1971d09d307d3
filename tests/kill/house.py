"""The house as it stands in service: web, worker and PostgreSQL as processes of their own, each started again when it
dies. The providers and the routers are simulators in the test's process, which is never killed."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from portal.airtel.simulator import AirtelSimulator
from portal.db import DB
from portal.embedded_postgres import EmbeddedPostgres
from portal.migrations import migrate
from portal.mpesa.simulator import DarajaSimulator
from portal.mpesa.simulator.knobs import Knobs
from portal.mpesa.simulator.world import World
from portal.paystack.simulator import PaystackSimulator
from portal.spool import Spool
from tests.flows.programs import KEY, Program, answers, free_port, until

#: Which program passes which point of a sale.
AT_THE_POINT = {
    "checkout.stored": "web",
    "push.claimed": "worker",
    "push.answered": "worker",
    "rail.claimed": "worker",
    "rail.answered": "worker",
    "callback.arrived": "web",
    "callback.stored": "web",
    "settle.inside": "worker",
    "settle.committed": "worker",
    "login.user_added": "worker",
    "login.confirmed": "worker",
    "start.committed": "worker",
    "spool.appended": "web",
    "spool.synced": "web",
    "spool.drained": "web",
}


async def said(url: str) -> str:
    """What a server that is not ready answers, or why it does not."""
    async with httpx.AsyncClient(trust_env=False, timeout=3) as client:
        try:
            return (await client.get(url)).text
        except httpx.TransportError as error:
            return repr(error)


class Server:
    """PostgreSQL in a folder, started again within a moment of its death."""

    def __init__(self, folder: Path) -> None:
        self.embedded = EmbeddedPostgres(folder)
        self.deaths = 0
        self._is_held = False

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self.embedded.postmaster_pid

    @asynccontextmanager
    async def away(self) -> AsyncGenerator[None]:
        """Stopped, and not started again before the end."""
        self._is_held = True
        try:
            await self.embedded.stop_async()
            yield
        finally:
            self._is_held = False

    async def keep_alive(self) -> None:
        """Start it again whenever it is gone; runs until cancelled."""
        while True:
            await asyncio.sleep(0.1)
            if not self.embedded.is_running and not self._is_held:
                self.deaths += 1
                await self.embedded.start_async()


class House:
    """What the tests kill. `web`, `worker` and `database` have a `pid` and count their `deaths`."""

    def __init__(
        self, folder: Path, logs: Path, server: Server, *, daraja: DarajaSimulator, airtel: AirtelSimulator,
        paystack: PaystackSimulator,
    ) -> None:  # fmt: skip
        port = free_port()
        self.portal = f"http://127.0.0.1:{port}"
        self.daraja = daraja
        self.airtel = airtel
        self.paystack = paystack
        self.database = server
        self._plan = folder / "fault"
        self.spool = Spool(folder / "data" / "spool")
        settings = {
            "PORTAL_DATABASE_URL": server.embedded.dsn,
            "PORTAL_DATA_DIR": str(folder / "data"),
            "PORTAL_SECRET_KEYS": KEY,
            "PORTAL_BASE_URL": self.portal,
            "PORTAL_PORT": str(port),
            "PORTAL_MPESA_ENVIRONMENT": "loopback",
            "PORTAL_MPESA_URL": daraja.url,
            "PORTAL_AIRTEL_URL": airtel.url,
            "PORTAL_PAYSTACK_URL": paystack.url,
            "PORTAL_FAULT": str(self._plan),
        }
        self.web = Program("serve", settings=settings, log=logs / "web.log")
        self.worker = Program("work", settings=settings, log=logs / "worker.log")

    async def start(self) -> None:
        """Start web and worker."""
        await self.web.keep_alive()
        await self.worker.keep_alive()
        await self.is_ready()

    async def stop(self) -> None:
        """Kill web and worker for good."""
        await self.web.stop()
        await self.worker.stop()

    async def is_ready(self) -> None:
        """Wait until the web answers and the database with it."""
        try:
            await until(lambda: answers(f"{self.portal}/readyz"), "the web server is ready", within=20)
        except AssertionError as late:
            late.add_note(f"it said: {await said(f'{self.portal}/readyz')}")
            raise

    def arm(self, point: str, victim: str) -> None:
        """Plan a death: when a sale reaches this point, `web`, `worker` or `database` is killed."""
        pid = "self" if victim == AT_THE_POINT[point] else str(getattr(self, victim).pid)
        draft = self._plan.with_suffix(".draft")
        draft.write_text(f"{point} {pid}\n")
        draft.rename(self._plan)

    @property
    def has_struck(self) -> bool:
        """Whether what was planned last has happened."""
        return not self._plan.exists()

    def disarm(self) -> None:
        """Take back what was planned and did not happen."""
        self._plan.unlink(missing_ok=True)

    @contextmanager
    def callbacks_lost(self) -> Generator[None]:
        """M-Pesa sends none of the callbacks that become due meanwhile."""
        self.daraja.world.turn(callback_lost=True)
        try:
            yield
        finally:
            self.daraja.world.turn(callback_lost=False)

    @property
    def deaths(self) -> dict[str, int]:
        """How often each of the three has died so far."""
        return {"web": self.web.deaths, "worker": self.worker.deaths, "database": self.database.deaths}


@asynccontextmanager
async def house_standing(folder: Path, *, logs: Path) -> AsyncGenerator[House]:
    """A house on a database of its own; while it stands, this process's DB handle points there too."""
    server = Server(folder / "pg")
    await server.embedded.start_async()
    kept = (DB.pool, DB.config)
    DB.pool = None
    DB.configure(server.embedded.dsn)
    keeper = asyncio.create_task(server.keep_alive())
    world = World.sandbox(knobs=Knobs(query_per_minute=None, no_answer_seconds=60))
    try:
        await migrate()
        await DB.open(min_size=1, max_size=4)
        async with DarajaSimulator(world) as daraja, AirtelSimulator() as airtel, PaystackSimulator() as paystack:
            house = House(folder, logs, server, daraja=daraja, airtel=airtel, paystack=paystack)
            try:
                await house.start()
                yield house
            finally:
                await house.stop()
    finally:
        await DB.close()
        DB.pool, DB.config = kept
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await server.embedded.stop_async()
