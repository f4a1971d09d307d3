"""A stall whose M-Pesa is the simulator and whose callbacks arrive: what refunds and payouts are tried with. Jobs run when a test
says so, and time passes when it says so."""

import dataclasses
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from jobs import enquiries, payments, payouts, refunds
from jobs.doors import Doors
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.house import doors_open, web_running
from portal.identity import Actor, Role
from portal.mpesa import accounts
from portal.mpesa.simulator import (
    CERTIFICATE_FILE,
    DEFAULT_INITIATOR,
    DEFAULT_INITIATOR_PASSWORD,
    DEFAULT_KEY,
    DEFAULT_SECRET,
    SANDBOX_PASSKEY,
    SANDBOX_SHORTCODE,
    DarajaSimulator,
    World,
)
from portal.mpesa.simulator.records import LedgerRow
from portal.refunds import Road, Scope, Wish
from portal.serving import listen
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import Attempt, Stall, actor, all_is_well, books

__all__ = ["PAYER", "Till", "all_is_well", "books", "till_open", "wish"]

PAYER = "254708374149"


@dataclass
class Till:
    """A stall, the simulator it is paid and pays through, and the people who work there."""

    stall: Stall
    daraja: DarajaSimulator
    doors: Doors
    owner: Actor
    manager: Actor
    cashier: Actor
    settings: Settings

    @property
    def world(self) -> World:
        return self.daraja.world

    @property
    def clock(self) -> Clock:
        return self.stall.clock

    async def sale(self, *, cents: int = 1000, phone: str = PAYER) -> tuple[Attempt, str]:
        """Somebody taps Pay and M-Pesa takes the money: the attempt and the receipt. The stall's price is what is asked for."""
        attempt = await self.stall.attempt(phone=phone)
        paid = self.daraja.pay_by_hand(phone, SANDBOX_SHORTCODE, amount=cents // 100, account=attempt.reference)
        await self.stall.stk(attempt, paid.receipt, cents=cents)
        return attempt, paid.receipt

    async def turn(self, times: int = 1, *, minutes: float = 2) -> None:
        """Time passes, the jobs run, and what M-Pesa sends is handled."""
        for _ in range(times):
            self.clock.shift(timedelta(minutes=minutes))
            await self.send()
            await self.daraja.wait_settled()
            await payments.watch(self.doors)

    async def send(self) -> None:
        """The jobs run; nothing that M-Pesa sends is handled."""
        await refunds.run(self.doors)
        await payouts.run(self.doors)
        await enquiries.run(self.doors)

    def out(self, kind: str) -> list[LedgerRow]:
        """What M-Pesa really did: its own rows of "reversal" or "b2c"."""
        return [row for row in self.world.ledger if row.kind == kind]

    async def status(self, table: str, row_id: int) -> str:
        return await DB.value(f"SELECT status FROM {table} WHERE id = $1", row_id)

    async def voucher_of(self, payment_id: int) -> str:
        """The status of the voucher a payment bought."""
        return await DB.value(
            "SELECT v.status FROM payments p JOIN vouchers v ON v.id = p.voucher_id WHERE p.id = $1", payment_id
        )


def wish(
    road: Road = Road.REVERSAL, *, scope: Scope = Scope.WHOLE, why: str = "no internet", amount_cents: int = 0,
    phone: str = "", ends_use: bool = False,
) -> Wish:  # fmt: skip
    """A wish, the whole by reversal unless told otherwise."""
    return Wish(scope=scope, road=road, why=why, amount_cents=amount_cents, phone=phone, ends_use=ends_use)


@asynccontextmanager
async def till_open(
    settings: Settings, vault: Vault, clock: Clock, *, price_cents: int = 1000, **columns: object
) -> AsyncGenerator[Till]:
    """A till. The database must be empty and open; the invariants hold when it closes."""
    listener = listen("127.0.0.1", 0)
    portal = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with DarajaSimulator(World.sandbox(clock=clock, seed=5)) as daraja, AsyncExitStack() as stack:
        live = dataclasses.replace(
            settings, mpesa_environment="loopback", mpesa_url=daraja.url, mpesa_callback_base=portal, base_url=portal
        )
        account = await factories.mpesa_account(
            vault, shortcode=SANDBOX_SHORTCODE, key=DEFAULT_KEY, secret=DEFAULT_SECRET, passkey=SANDBOX_PASSKEY
        )
        await accounts.set_initiator(
            account, name=DEFAULT_INITIATOR, password=DEFAULT_INITIATOR_PASSWORD, vault=vault, actor="user:1",
            certificate=CERTIFICATE_FILE.read_text(), now=clock.now(),
        )  # fmt: skip
        await stack.enter_async_context(web_running(live, clock, listener=listener))
        doors = await stack.enter_async_context(doors_open(live, clock))
        stall = await Stall.opened(vault, clock, account_id=account, price_cents=price_cents)
        for name, value in columns.items():
            await DB.fetch(f"UPDATE merchants SET {name} = $2 WHERE id = $1", stall.merchant_id, value)
        manager = await _person(stall, Role.MANAGER)
        cashier = await _person(stall, Role.CASHIER)
        yield Till(stall, daraja, doors, stall.owner, manager, cashier, live)
    await all_is_well()


async def _person(stall: Stall, role: Role) -> Actor:
    user = await factories.user(f"{role}{stall.merchant_id}@example.com", stall.merchant_id, role=role)
    return actor(stall.merchant_id, role=role, user_id=user)
