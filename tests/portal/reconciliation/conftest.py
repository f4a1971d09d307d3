"""A stall that sells through the simulator's paybill, the simulator beside it, and doors to it: M-Pesa's lists and ours can meet."""

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

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
from portal.mpesa.simulator.hand_payments import pay_by_hand
from portal.reconciliation import pulling
from portal.reconciliation.pulling import Pulled
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import Stall, all_is_well


@dataclass
class Desk:
    """Where somebody reconciles. M-Pesa's messages are lost from the beginning: only asking finds money."""

    stall: Stall
    doors: MpesaDoors
    world: World
    clock: Clock
    vault: Vault
    settings: Settings

    def pay(self, reference: str, shillings: int = 10, *, phone: str = "254712345678") -> str:
        """Somebody pays by hand; nobody is told. The receipt."""
        self.world.phone(phone).balance_cents += shillings * 100
        return pay_by_hand(self.world, phone, SANDBOX_SHORTCODE, amount=shillings, account=reference).receipt

    async def want(self, why: str = "demand", hours: float = 47) -> int:
        """Wish for a look."""
        async with atomic() as tx:
            made = await pulling.want(
                tx, self.stall.account_id, why=why, asked_by="test", now=self.clock.now(),
                since=self.clock.now() - timedelta(hours=hours),
            )  # fmt: skip
        assert made is not None
        return made

    async def look(self) -> Pulled:
        """Wish for a look at M-Pesa's list, and look."""
        self.clock.shift(timedelta(seconds=2))
        found = await pulling.look(await self.want(), self.doors, vault=self.vault, clock=self.clock)
        assert found is not None
        return found


@pytest.fixture
async def desk(db: str, settings: Settings, vault: Vault, clock: Clock) -> AsyncIterator[Desk]:
    world = World.sandbox(clock=clock, seed=3)
    world.shortcodes[SANDBOX_SHORTCODE].is_pulling = True
    world.turn(callback_lost=True)
    account = await factories.mpesa_account(
        vault, shortcode=SANDBOX_SHORTCODE, key=DEFAULT_KEY, secret=DEFAULT_SECRET, passkey=SANDBOX_PASSKEY
    )
    await DB.fetch("UPDATE mpesa_accounts SET pull_registered_at = $1", clock.now())
    stall = await Stall.opened(vault, clock, account_id=account)
    async with DarajaSimulator(world) as daraja, httpx.AsyncClient(trust_env=False) as http:
        live = dataclasses.replace(
            settings, mpesa_environment="loopback", mpesa_url=daraja.url, mpesa_callback_base="http://127.0.0.1:9"
        )
        yield Desk(stall, MpesaDoors(http, live, vault=vault, clock=clock), world, clock, vault, live)
    await all_is_well()
