"""Puts a checkout into any state its page can show, the way the nouns would leave it."""

from datetime import datetime, timedelta
from itertools import count

from portal import access_grants, checkouts, payments, vouchers
from portal.access_grants import Wish
from portal.clock import Clock
from portal.db import DB, atomic
from portal.devices import DeviceHint
from portal.evidence import Inbound, Road
from portal.routers import RouterView
from portal.terms import decode_terms
from portal.vault import Vault

_numbers = count(1)


class Stage:
    """Checkouts of one package at one router, each by a phone of its own."""

    def __init__(self, router: RouterView, package_id: int, *, vault: Vault, clock: Clock) -> None:
        self.router = router
        self.package_id = package_id
        self.vault = vault
        self.clock = clock

    async def waiting(self, *, sent: bool = False, age_s: int = 0, language: str = "en") -> str:
        """A checkout that was begun `age_s` seconds ago; `sent`: M-PESA took the request."""
        n = next(_numbers)
        token = await checkouts.start(
            self.router, self.package_id, phone=f"0712345{n % 1000:03}", device=self.device(n), form_key=f"{n:064x}",
            language=language, now=self.clock.now(),
        )  # fmt: skip
        begun = self.clock.now() - timedelta(seconds=age_s)
        await DB.fetch("UPDATE checkouts SET created_at = $2 WHERE token = $1", token, begun)
        if sent:
            await self.payment(token, status="pending", submitted_at=begun)
        return token

    def device(self, n: int) -> DeviceHint:
        return DeviceHint(f"A4:5E:60:11:{n // 256 % 256:02X}:{n % 256:02X}", f"10.5.50.{2 + n % 250}")

    async def payment(self, token: str, **columns: object) -> None:
        """Write columns of the checkout's payment."""
        sets = ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, start=2))
        where = "checkout_id = (SELECT id FROM checkouts WHERE token = $1)"
        await DB.fetch(f"UPDATE payments SET {sets} WHERE {where}", token, *columns.values())

    async def failed(self, code: str | None, *, age_s: int = 20) -> str:
        token = await self.waiting(sent=True, age_s=age_s)
        await self.payment(token, status="failed", result_code=code)
        return token

    async def mismatch(self) -> str:
        token = await self.waiting(sent=True)
        await self.payment(token, status="unknown", received_cents=300, receipt=f"SKL4H7M{next(_numbers):03}")
        return token

    async def underpaid(self, cents: int = 300) -> str:
        """Some of the price came in by hand and is kept for the same purchase."""
        token = await self.waiting(sent=True)
        row = await DB.row(
            """SELECT p.account_reference, p.account_id FROM payments p JOIN checkouts c ON c.id = p.checkout_id
               WHERE c.token = $1""",
            token,
        )
        assert row is not None
        inbound = Inbound(
            road=Road.C2B, receipt=f"SKL4H7U{next(_numbers):03}", amount_cents=cents, is_trusted=True,
            account_id=row["account_id"], reference=row["account_reference"],
        )  # fmt: skip
        async with atomic() as tx:
            await payments.take(tx, inbound, vault=self.vault, now=self.clock.now())
        return token

    async def paid(self) -> str:
        """Paid, the router not asked yet: connecting, or the router is away."""
        token = await self.waiting(sent=True)
        now = self.clock.now()
        await self.payment(
            token,
            status="paid",
            received_cents=5000,
            receipt=f"SKL4H7T{next(_numbers):03}",
            result_code="0",
            paid_at=now,
        )
        row = await DB.row("SELECT * FROM checkouts WHERE token = $1", token)
        assert row is not None
        terms = decode_terms(row["terms"])
        async with atomic() as tx:
            made = await vouchers.issue_paid(
                tx, terms, merchant_id=row["merchant_id"], package_id=self.package_id, router_id=self.router.id,
                price_cents=row["price_cents"], vault=self.vault, now=now,
            )  # fmt: skip
            await tx.execute("UPDATE checkouts SET voucher_id = $2 WHERE token = $1", token, made.id)
            wish = Wish(
                merchant_id=row["merchant_id"], router_id=self.router.id, voucher_id=made.id, mac=row["mac"], ip=row["ip"],
                terms=terms,
            )  # fmt: skip
            await access_grants.want(tx, wish, vault=self.vault, now=now)
        return token

    async def connected(self, *, until: datetime | None = None) -> str:
        token = await self.paid()
        now = self.clock.now()
        ends = until or now + timedelta(days=1)
        of_token = "(SELECT voucher_id FROM checkouts WHERE token = $1)"
        await DB.fetch(
            f"UPDATE access_grants SET status = 'present', logged_in_at = $2, login_wanted_at = NULL WHERE voucher_id = {of_token}",
            token,
            now,
        )
        await DB.fetch(
            f"UPDATE vouchers SET status = 'in_use', started_at = $2, expires_at = $3 WHERE id = {of_token}",
            token,
            now,
            ends,
        )
        return token

    async def over(self) -> str:
        now = self.clock.now()
        token = await self.connected(until=now - timedelta(minutes=5))
        await DB.fetch(
            """UPDATE vouchers SET status = 'expired', ended_at = $2, ended_why = 'usage'
               WHERE id = (SELECT voucher_id FROM checkouts WHERE token = $1)""",
            token,
            now,
        )
        return token

    async def code_of(self, token: str) -> str:
        """The voucher code a paid checkout became, canonical."""
        code = (await checkouts.look(token, vault=self.vault, now=self.clock.now())).code
        assert code is not None
        return code
