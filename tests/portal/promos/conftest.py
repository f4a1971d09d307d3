"""A shop with packages, an owner who makes promos, and phones that buy with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest

from portal import packages, payments, promos
from portal.clock import Clock
from portal.db import DB
from portal.devices import DeviceHint
from portal.evidence import Evidence, Outcome
from portal.identity import Actor, Role
from portal.payments import Settled
from portal.promos import Buyer, Offer
from portal.routers import RouterView
from portal.vault import Vault
from tests import factories

NAIROBI = ZoneInfo("Africa/Nairobi")


def device(n: int) -> DeviceHint:
    """The n-th phone on the hotspot."""
    return DeviceHint(f"A4:5E:60:22:{n // 256:02X}:{n % 256:02X}", f"10.5.{50 + n // 250}.{2 + n % 250}")


@dataclass
class Stall:
    """Who sells here; `buy` shows the price first, as the page does."""

    router: RouterView
    owner: Actor
    package_ids: tuple[int, int]
    vault: Vault
    clock: Clock
    forms: int = 0

    async def promo(self, packages: Sequence[int] = (), /, **typed: str) -> int:
        """A promo's id: 20 percent off, once per customer, unless told otherwise."""
        form = {"code": "KARIBU20", "kind": "percent", "percent": "20", "most_per_customer": "1"} | typed
        ids = [str(each) for each in packages]
        return await promos.make(self.owner, form, ids, zone=NAIROBI, now=self.clock.now())

    async def quote(self, code: str = "KARIBU20", *, n: int = 1, package: int = 1, phone: str | None = None) -> Offer:
        """What the n-th phone is shown."""
        sold = await packages.one_on_sale(self.router.merchant_id, self.package_ids[package])
        number = f"25471234{n:04}" if phone is None else phone
        return await promos.quote(
            self.router.id, self.router.merchant_id, sold, code, device=device(n), phone=number, now=self.clock.now()
        )

    async def buy(
        self, code: str = "KARIBU20", *, n: int = 1, package: int = 1, offer: Offer | None = None, phone: str = ""
    ) -> str:
        """The token of the n-th phone's checkout."""
        self.forms += 1
        form_key = f"{self.forms:032x}"
        shown = offer or await self.quote(code, n=n, package=package, phone=phone or None)
        sold = await packages.one_on_sale(self.router.merchant_id, self.package_ids[package])
        buyer = Buyer(device=device(n), phone=phone or f"071234{n:04}", form_key=form_key, language="en")
        return await promos.buy(self.router, sold, shown, buyer, vault=self.vault, now=self.clock.now())

    async def payment(self, token: str) -> int:
        return await DB.value(
            "SELECT p.id FROM payments p JOIN checkouts c ON c.id = p.checkout_id WHERE c.token = $1", token
        )

    async def pays(self, token: str, *, receipt: str) -> Settled:
        """M-Pesa says that what was asked for is paid."""
        payment_id = await self.payment(token)
        amount = await DB.value("SELECT amount_cents FROM payments WHERE id = $1", payment_id)
        evidence = Evidence(
            road="stk_callback", payment_id=payment_id, outcome=Outcome.PAID, result_code="0", receipt=receipt,
            amount_cents=amount,
        )  # fmt: skip
        return await payments.settle(evidence, vault=self.vault, now=self.clock.now())

    async def fails(self, token: str, code: str = "1032") -> Settled:
        payment_id = await self.payment(token)
        await DB.fetch("UPDATE payments SET status = 'pending' WHERE id = $1 AND status = 'created'", payment_id)
        evidence = Evidence(road="stk_callback", payment_id=payment_id, outcome=Outcome.FAILED, result_code=code)
        return await payments.settle(evidence, vault=self.vault, now=self.clock.now())

    async def standing(self, promo_id: int) -> tuple[int, int]:
        """(used, held), as the owner's page says."""
        page = await promos.page_of(self.owner, promo_id, zone=NAIROBI, now=self.clock.now())
        return page.line.used, page.line.held


@pytest.fixture
async def stall(db: str, vault: Vault, clock: Clock) -> Stall:
    """An hour for KES 10 and a day for KES 50."""
    merchant = await factories.merchant()
    await factories.mpesa_account(vault)
    router = await factories.router(vault, merchant)
    user = await factories.user("amina@example.com", merchant)
    owner = Actor(
        user_id=user, merchant_id=merchant, role=Role.OWNER, is_operator=False, name="Amina", email="amina@example.com"
    )
    hour = await factories.package(merchant)
    day = await factories.package(merchant, name="1 day", price_cents=5000, duration_s=86_400)
    return Stall(router, owner, (hour, day), vault, clock)
