"""A shop that takes money by one rail, in front of that rail's simulator: the same hands for every rail, so that one test tries all."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
from asyncpg import Record

from jobs import enquiries, refunds
from jobs.doors import Doors
from portal import callbacks, checkouts, codes, payments
from portal.airtel.simulator import AirtelSimulator
from portal.airtel.simulator.server import CLIENT_ID, CLIENT_SECRET, SIGNING_KEY
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.house import doors_open, web_running
from portal.identity import Actor, Role
from portal.mpesa import accounts as mpesa_accounts
from portal.mpesa.doors import MpesaDoors
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
from portal.paystack.simulator import PaystackSimulator
from portal.paystack.simulator.server import SECRET_KEY
from portal.rails import accounts, asking, starting
from portal.rails.doors import RailDoors
from portal.routers import RouterView
from portal.serving import listen
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import DEVICE, actor

PHONES = {"mpesa": "0712345678", "airtel": "0733123456", "paystack": ""}


@dataclass
class Till:
    """The hands: a customer's, a provider's faults, the worker's."""

    rail: str
    vault: Vault
    clock: Clock
    merchant_id: int
    account_id: int
    router: RouterView
    package_id: int
    portal: str
    sim: Any
    doors: Any
    all_doors: Doors
    owner: Actor

    # -- the customer ----------------------------------------------------------------------------------------

    async def buy(self) -> Record:
        """Tap on Pay; the payment as it was made."""
        token = await checkouts.start(
            self.router, self.package_id, phone=PHONES[self.rail], form_key=codes.hex_token(16), device=DEVICE, language="en",
            way=self.rail, now=self.clock.now(),
        )  # fmt: skip
        row = await DB.row(
            "SELECT p.* FROM payments p JOIN checkouts c ON c.id = p.checkout_id WHERE c.token = $1", token
        )
        assert row is not None
        return row

    async def bought(self) -> Record:
        """Tap on Pay, and the request was sent."""
        made = await self.buy()
        assert await self.start(made["id"]) == "pending"
        return await self.payment(made["id"])

    async def pay(self, payment: Record) -> None:
        """Type the PIN, or the card's number."""
        if self.rail == "mpesa":
            await self.sim.approve(payment["phone"])
            await self.sim.wait_settled()
        elif self.rail == "airtel":
            self.sim.approve(payment["phone"])
            await self.sim.settled()
        else:
            self.sim.pay(payment["account_reference"])
            await self.sim.settled()

    async def refuse(self, payment: Record) -> None:
        """Cancel the prompt; a card that is declined."""
        if self.rail == "mpesa":
            await self.sim.cancel(payment["phone"])
            await self.sim.wait_settled()
        elif self.rail == "airtel":
            self.sim.cancel(payment["phone"])
            await self.sim.settled()
        else:
            self.sim.tells_failures = True
            self.sim.pay(payment["account_reference"], card="declined")
            await self.sim.settled()

    # -- the provider ----------------------------------------------------------------------------------------

    def goes_wrong(self, fault: str, value: Any = True) -> None:
        """Turn one fault on: lost, copies, delay, forged, amount, answer_lost, busy."""
        if self.rail == "mpesa":
            names: dict[str, dict[str, Any]] = {
                "lost": {"callback_lost": value},
                "copies": {"callback_copies": value},
                "delay": {"callback_delay_seconds": float(value)},
                "forged": {"callback_chances": {"forged": 1.0}},
                "amount": {"callback_amount": value / 100},
                "answer_lost": {"push_fault": "reset" if value else "none"},
                "busy": {"push_fault": "busy" if value else "none"},
                "refund_answer_lost": {
                    "command_fault": "reset" if value else "none",
                    "callback_lost": bool(value),
                },
                "refund_busy": {"command_fault": "busy" if value else "none"},
            }
            self.sim.world.turn(**names[fault])
            return
        turned = {
            "lost": "callback_lost",
            "copies": "callback_copies",
            "delay": "callback_delay_s",
            "amount": "amount_cents",
            "refund_answer_lost": "answer_lost",
            "refund_busy": "busy",
        }
        self.sim.turn(**{turned.get(fault, "callback_forged" if fault == "forged" else fault): value})

    def really_paid(self) -> int:
        """How many payments the provider's own ledger knows."""
        if self.rail == "mpesa":
            return sum(1 for push in self.sim.world.pushes.values() if push.receipt)
        return len(self.sim.ledger.paid)

    # -- the worker ------------------------------------------------------------------------------------------

    async def start(self, payment_id: int) -> str:
        """Send the request."""
        if self.rail == "mpesa":
            return await payments.push(payment_id, self.doors, now=self.clock.now())
        return await starting.start(payment_id, self.doors, now=self.clock.now())

    async def handle(self) -> list[str | None]:
        """Handle stored callbacks; what came of each."""
        ids = await callbacks.waiting(now=self.clock.now())
        return [await callbacks.handle(one, vault=self.vault, now=self.clock.now()) for one in ids]

    async def ask(self) -> list[str]:
        """Ask what is due."""
        now = self.clock.now()
        if self.rail == "mpesa":
            return [
                str(await payments.enquire(one, self.doors, vault=self.vault, now=now))
                for one in await payments.to_enquire(now=now)
            ]
        return [await asking.ask(one, self.doors, vault=self.vault, now=now) for one in await asking.to_ask(now=now)]

    async def pass_time(self, seconds: float) -> None:
        """For us and for the provider, who then says what is due."""
        self.clock.shift(timedelta(seconds=seconds))
        if self.rail == "mpesa":
            self.sim.world.run_due()
            self.sim.world.notify()
            await self.sim.wait_settled()
        else:
            self.sim.run_due()
            await self.sim.settled()

    async def turn(self, times: int = 1, *, minutes: float = 2) -> None:
        """Time passes, refunds are driven, and what the provider tells is handled."""
        for _ in range(times):
            await self.pass_time(minutes * 60)
            await refunds.run(self.all_doors)
            await enquiries.run(self.all_doors)
            await self.pass_time(0)
            await self.handle()

    # -- what came of it -------------------------------------------------------------------------------------

    async def payment(self, payment_id: int) -> Record:
        """The payment now."""
        row = await DB.row("SELECT * FROM payments WHERE id = $1", payment_id)
        assert row is not None
        return row

    async def paid(self) -> Record:
        """A payment that was made and sold for."""
        payment = await self.bought()
        await self.pay(payment)
        await self.handle()
        return await self.payment(payment["id"])

    def really_returned(self) -> int:
        """How many payments the provider's own ledger knows to be given back."""
        if self.rail == "mpesa":
            return sum(1 for row in self.sim.world.ledger if row.kind == "reversal")
        return len(self.sim.ledger.refunded)

    async def sold(self) -> int:
        """Vouchers that were sold."""
        return await DB.value("SELECT count(*) FROM vouchers WHERE status <> 'unsold'")


@asynccontextmanager
async def till_open(
    rail: str, settings: Settings, vault: Vault, clock: Clock, *, owned: bool = False, signing_key: str = SIGNING_KEY
) -> AsyncGenerator[Till]:
    """A shop with one package of KES 10, selling by the platform's account there unless it has its own."""
    listener = listen("127.0.0.1", 0)
    portal = f"http://127.0.0.1:{listener.getsockname()[1]}"
    merchant = await factories.merchant()
    owner = merchant if owned else None
    sim: Any = _SIMS[rail](clock)
    if rail == "airtel":
        sim.signing_key = signing_key
    async with sim, httpx.AsyncClient(trust_env=False) as http:
        live = replace(
            settings, base_url=portal, mpesa_callback_base=portal, mpesa_environment="loopback", mpesa_url=sim.url,
            rail_urls={rail: sim.url},
        )  # fmt: skip
        account, doors = await _account(rail, sim, vault, clock, owner=owner, portal=portal, http=http, live=live)
        router = await factories.router(vault, merchant)
        package = await factories.package(merchant)
        user = await factories.user(f"owner{merchant}@example.com", merchant, role=Role.OWNER)
        owner_of_it = actor(merchant, role=Role.OWNER, user_id=user)
        async with web_running(live, clock, listener=listener), doors_open(live, clock) as all_doors:
            yield Till(
                rail, vault, clock, merchant, account, router, package, portal, sim, doors, all_doors, owner_of_it
            )


_SIMS: dict[str, Callable[[Clock], Any]] = {
    "mpesa": lambda clock: DarajaSimulator(World.sandbox(clock=clock, seed=7)),
    "airtel": lambda clock: AirtelSimulator(clock=clock),
    "paystack": lambda clock: PaystackSimulator(clock=clock),
}


async def _account(
    rail: str,
    sim: Any,
    vault: Vault,
    clock: Clock,
    *,
    owner: int | None,
    portal: str,
    http: httpx.AsyncClient,
    live: Settings,
) -> tuple[int, Any]:
    if rail == "mpesa":
        account = await factories.mpesa_account(
            vault, merchant_id=owner, shortcode=SANDBOX_SHORTCODE, key=DEFAULT_KEY, secret=DEFAULT_SECRET,
            passkey=SANDBOX_PASSKEY,
        )  # fmt: skip
        await mpesa_accounts.set_initiator(
            account, name=DEFAULT_INITIATOR, password=DEFAULT_INITIATOR_PASSWORD, vault=vault, actor="user:1",
            certificate=CERTIFICATE_FILE.read_text(), now=clock.now(),
        )  # fmt: skip
        return account, MpesaDoors(http, live, vault=vault, clock=clock)
    async with atomic() as tx:
        account = await accounts.put(
            tx, rail, merchant_id=owner, environment="sandbox", key_name=CLIENT_ID if rail == "airtel" else "",
            secret=CLIENT_SECRET if rail == "airtel" else SECRET_KEY, vault=vault, now=clock.now(), by="test",
            signing_key=sim.signing_key if rail == "airtel" else "",
        )  # fmt: skip
    token = await DB.value("SELECT token FROM callback_addresses WHERE rail_account_id = $1", account)
    if rail == "airtel":
        sim.callback_url = f"{portal}/cb/{token}/airtel"
    else:
        sim.webhook_url = f"{portal}/cb/{token}/paystack"
    return account, RailDoors(http, live, vault=vault, clock=clock)
