"""A shop that sells for M-Pesa, for tests of settling: its payments, its paybill, and what its books say."""

from dataclasses import dataclass
from typing import Any

from portal import batches, checkouts, codes, invariants, payments
from portal.clock import Clock
from portal.db import DB, atomic
from portal.devices import hint
from portal.evidence import Evidence, Inbound, Outcome, Road
from portal.identity import Actor, Role
from portal.payments import Settled, Taken
from portal.routers import RouterView
from portal.vault import Vault
from tests import factories

DEVICE = hint("02:11:22:33:44:55", "10.5.50.7")


def actor(
    merchant_id: int | None, *, role: Role | None = Role.OWNER, user_id: int = 1, is_operator: bool = False
) -> Actor:
    """Somebody of a merchant, the owner unless told otherwise."""
    return Actor(
        user_id=user_id, merchant_id=merchant_id, role=role, is_operator=is_operator, name="A", email="a@example.com"
    )


def receipt() -> str:
    """A receipt M-Pesa has not used before."""
    return "U8" + codes.voucher_code(10)[:8]


@dataclass
class Attempt:
    """A checkout whose push was accepted."""

    payment_id: int
    checkout_id: int
    token: str
    reference: str


@dataclass
class Stall:
    """A merchant with a router and one package of KES 10, selling through the platform's paybill unless it has its own."""

    vault: Vault
    clock: Clock
    merchant_id: int
    account_id: int
    router: RouterView
    package_id: int
    owner: Actor
    phones: int = 0

    @staticmethod
    async def opened(
        vault: Vault, clock: Clock, *, kind: str = "personal", policy: str = "extend", price_cents: int = 1000,
        has_own_paybill: bool = False, account_id: int | None = None, **columns: object,
    ) -> "Stall":  # fmt: skip
        merchant = await factories.merchant(kind=kind, second_receipt=policy)
        if account_id is None:
            account_id = await factories.mpesa_account(vault, merchant_id=merchant if has_own_paybill else None)
        router = await factories.router(vault, merchant)
        package = await factories.package(merchant, price_cents=price_cents, **columns)
        user = await factories.user(f"owner{merchant}@example.com", merchant)
        return Stall(vault, clock, merchant, account_id, router, package, actor(merchant, user_id=user))

    async def attempt(self, *, phone: str | None = None, mac: str | None = None, uses_kept: bool = False) -> Attempt:
        """Somebody taps Pay and M-Pesa takes the request."""
        self.phones += 1
        token = await checkouts.start(
            self.router, self.package_id, phone=phone or f"07123456{self.phones:02}", form_key=codes.hex_token(16),
            device=hint(mac, DEVICE.ip) if mac else DEVICE, language="en", uses_kept=uses_kept, now=self.clock.now(),
        )  # fmt: skip
        row = await DB.row(
            """UPDATE payments SET status = 'pending', submitted_at = $2, checkout_request_id = $1 FROM checkouts c
               WHERE c.id = payments.checkout_id AND c.token = $3
               RETURNING payments.id, c.id AS checkout_id, account_reference""",
            f"ws_CO_{codes.hex_token(6)}",
            self.clock.now(),
            token,
        )
        assert row is not None
        return Attempt(row["id"], row["checkout_id"], token, row["account_reference"])

    async def second_push(self, attempt: Attempt) -> Attempt:
        """The customer asks again after a failure: another payment of the same checkout."""
        reference = codes.payment_reference()
        payment_id = await factories.payment(
            self.merchant_id, status="pending", checkout_id=attempt.checkout_id, account_id=self.account_id,
            account_reference=reference, submitted_at=self.clock.now(),
        )  # fmt: skip
        return Attempt(payment_id, attempt.checkout_id, attempt.token, reference)

    async def stk(self, attempt: Attempt, receipt: str | None, *, cents: int | None = 1000, **changes: Any) -> Settled:
        """The push's callback says it was paid; without a receipt it is a query's answer."""
        fields: dict[str, Any] = {
            "road": "stk_callback" if receipt else "stk_query", "payment_id": attempt.payment_id,
            "outcome": Outcome.PAID, "result_code": "0", "receipt": receipt, "amount_cents": cents if receipt else None,
        }  # fmt: skip
        evidence = Evidence(**(fields | changes))
        return await payments.settle(evidence, vault=self.vault, now=self.clock.now())

    async def failed(self, attempt: Attempt, code: str = "1037", outcome: Outcome = Outcome.KEEP_WATCHING) -> Settled:
        """The push's callback says it was not."""
        return await self.stk(attempt, None, road="stk_callback", outcome=outcome, result_code=code)

    async def hand(
        self, reference: str, cents: int = 1000, code: str | None = None, *, road: Road = Road.C2B, **changes: Any
    ) -> Taken:
        """Somebody pays the paybill by hand."""
        fields: dict[str, Any] = {
            "road": road, "receipt": code or receipt(), "amount_cents": cents, "is_trusted": True,
            "account_id": self.account_id, "reference": reference,
        }  # fmt: skip
        async with atomic() as tx:
            return await payments.take(tx, Inbound(**(fields | changes)), vault=self.vault, now=self.clock.now())

    async def voucher(self) -> tuple[int, str]:
        """An unsold voucher: its id and its payment reference."""
        made = await batches.make(
            self.owner, self.package_id, count=1, note_text="", vault=self.vault, now=self.clock.now()
        )
        voucher_id = await DB.value("SELECT id FROM vouchers WHERE batch_id = $1", made.id)
        return voucher_id, made.references[0]


async def books() -> dict[str, int]:
    """What stands on each account that is not at zero."""
    rows = await DB.fetch(
        "SELECT account, sum(amount_cents)::bigint AS total FROM ledger_entries GROUP BY account HAVING sum(amount_cents) <> 0"
    )
    return {row["account"]: row["total"] for row in rows}


async def count(table: str, where: str = "true") -> int:
    """How many rows there are."""
    return await DB.value(f"SELECT count(*) FROM {table} WHERE {where}")


async def told() -> list[tuple[str, str]]:
    """What was written to whom, in order."""
    return [
        (row["kind"], row["recipient"]) for row in await DB.fetch("SELECT kind, recipient FROM messages ORDER BY id")
    ]


async def all_is_well() -> None:
    """Every invariant holds."""
    assert await invariants.breaches() == []
