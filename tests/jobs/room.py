"""One simulated router, our doors to it, and devices with vouchers: what jobs on routers are tried with. No web, no M-Pesa."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from jobs import routers
from jobs.doors import Doors
from portal.access_grants import Wish, want
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.house import doors_open
from portal.routers import RouterView
from portal.terms import Terms
from portal.vault import Vault
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.clock import VirtualClock
from routeros.simulator.router import SimulatedRouter
from tests import factories


@dataclass(frozen=True)
class Guest:
    """A device with a voucher of its own."""

    voucher_id: int
    mac: str
    ip: str


@dataclass
class Room:
    """What a test plays with; time passes for us and for the router together."""

    doors: Doors
    clock: Clock
    vault: Vault
    board: SimulatedRouter
    router: RouterView
    merchant_id: int
    package_id: int
    guests: int = 0

    def shift(self, **by: float) -> None:
        """Let time pass."""
        self.clock.shift(timedelta(**by))
        self.board.clock.advance(timedelta(**by).total_seconds())
        self.board.tick()

    async def guest(
        self, *, duration_s: int = 86_400, uptime_s: int | None = None, data_bytes: int | None = None
    ) -> Guest:
        """A device that bought and was let in."""
        bought = await self.buyer(duration_s=duration_s, uptime_s=uptime_s, data_bytes=data_bytes)
        assert await routers.reconcile(self.router.id, self.doors) == 1
        assert self.board.hotspot.session(bought.ip), "let in"
        return bought

    async def buyer(
        self, *, duration_s: int = 86_400, uptime_s: int | None = None, data_bytes: int | None = None
    ) -> Guest:
        """A device that bought and waits before the router."""
        self.guests += 1
        bought = Terms(name="1 day", duration_s=duration_s, uptime_s=uptime_s, data_bytes=data_bytes)
        mac, ip = f"02:00:00:00:00:{self.guests:02X}", f"10.5.50.{self.guests + 10}"
        voucher = await factories.voucher(
            self.vault, self.merchant_id, self.package_id, terms=bought.encode(), paid_at=self.clock.now()
        )
        self.board.hotspot.see_host(mac, ip)
        async with atomic() as tx:
            wish = Wish(
                merchant_id=self.merchant_id,
                router_id=self.router.id,
                voucher_id=voucher,
                mac=mac,
                ip=ip,
                terms=bought,
            )
            await want(tx, wish, vault=self.vault, now=self.clock.now())
        return Guest(voucher, mac, ip)

    async def log_in_again(self, guest: Guest) -> None:
        """The device logs in with what it was given."""
        row = await DB.row(
            "SELECT id, user_name, password_sealed FROM access_grants WHERE voucher_id = $1", guest.voucher_id
        )
        assert row
        password = self.vault.open("access_grants", "password_sealed", row_id=row["id"], sealed=row["password_sealed"])
        self.board.hotspot.see_host(guest.mac, guest.ip)
        self.board.hotspot.login(
            ip=guest.ip, mac=guest.mac, username=row["user_name"], by="http-pap", password=password
        )

    async def sync(self) -> bool:
        """A complete pass."""
        return await routers.sync_one(self.router.id, self.doors)

    async def used(self, guest: Guest) -> tuple[int, int]:
        """Seconds and bytes we count for a guest."""
        row = await DB.row(
            "SELECT used_uptime_s, used_bytes FROM access_grants WHERE voucher_id = $1", guest.voucher_id
        )
        assert row
        return row["used_uptime_s"], row["used_bytes"]

    async def voucher(self, guest: Guest) -> tuple[str, str | None]:
        """A guest's voucher: its status, and why it ended."""
        row = await DB.row("SELECT status, ended_why FROM vouchers WHERE id = $1", guest.voucher_id)
        assert row
        return row["status"], row["ended_why"]


@asynccontextmanager
async def room_open(
    settings: Settings, vault: Vault, clock: Clock, *, behaviour: Behaviour | None = None
) -> AsyncGenerator[Room]:
    """A room. The database must be empty and open."""
    async with (
        SimulatedRouter(
            clock=VirtualClock(),
            behaviour=behaviour,
            api_user="vocha",
            api_password="secret",
            login_by="mac-cookie,http-pap",
        ) as board,
        doors_open(settings, clock) as doors,
    ):
        merchant = await factories.merchant()
        router = await factories.router(vault, merchant, api_port=board.api_port)
        package = await factories.package(merchant, name="1 day", duration_s=86_400, price_cents=5000)
        yield Room(doors, clock, vault, board, router, merchant, package)
