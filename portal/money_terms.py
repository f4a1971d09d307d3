"""Terms of money between the platform, a merchant and its people: what a payout costs, and up to how much one person alone gives
back. What they do: `portal.payouts` and `portal.refunds.rights`."""

from datetime import datetime

import msgspec

from portal.confirming import is_confirmed
from portal.db import DB, atomic
from portal.errors import Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.msgid import N_
from portal.states import note

PAGE_SIZE = 50
#: No single payment of M-Pesa's is larger.
MOST_CENTS = 25_000_000
#: A fee is for M-Pesa's charge and some work; more is a slip of the finger.
MOST_FEE_CENTS = 50_000
ONLY_OWNER = N_("Only the owner can change this.")
AMOUNT = N_("Write an amount in whole shillings, from 0 to 250,000.")
FEE = N_("Write an amount in whole shillings, from 0 to 500.")
PASSWORD = N_("Confirm with your password.")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """A merchant's, in cents."""

    merchant_id: int
    name: str
    currency: str
    refund_limit_cents: int
    fee_cents: int


_TERMS = """SELECT m.id AS merchant_id, m.name, m.currency, m.refund_limit_cents, coalesce(p.fee_cents, 0) AS fee_cents
            FROM merchants m LEFT JOIN payout_plans p ON p.merchant_id = m.id"""


async def of_merchant(actor: Actor) -> Terms:
    """The actor's own; for owners and managers."""
    merchant_id = actor.at_merchant()
    if actor.role not in (Role.OWNER, Role.MANAGER):
        raise Forbidden
    row = await DB.row(f"{_TERMS} WHERE m.id = $1", merchant_id)
    if row is None:
        raise NotFound
    return Terms(**dict(row))


async def of_all(actor: Actor, *, after: int = 0, most: int = PAGE_SIZE) -> list[Terms]:
    """Every merchant's, in the order they came, from above the id `after`. For operators; NotFound for anybody else."""
    _operator(actor)
    rows = await DB.fetch(f"{_TERMS} WHERE m.id > $1 ORDER BY m.id LIMIT $2", after, most)
    return [Terms(**dict(row)) for row in rows]


def _operator(actor: Actor) -> None:
    if not actor.is_operator:
        raise NotFound


async def set_refund_limit(actor: Actor, cents: int, *, password: str, now: datetime) -> bool:
    """Up to how much one manager or owner gives back alone. False: it was so already. Forbidden; Invalid: the amount, or no password."""
    merchant_id = actor.at_merchant()
    if actor.role is not Role.OWNER:
        raise Forbidden(ONLY_OWNER)
    if not 0 <= cents <= MOST_CENTS or cents % 100:
        raise Invalid({"limit": AMOUNT})
    if not await is_confirmed(actor, password, now=now):
        raise Invalid({"password": PASSWORD})
    async with atomic() as tx:
        was = await tx.value("SELECT refund_limit_cents FROM merchants WHERE id = $1 FOR UPDATE", merchant_id)
        if was == cents:
            return False
        await tx.execute("UPDATE merchants SET refund_limit_cents = $2 WHERE id = $1", merchant_id, cents)
        await note(
            tx, "merchants", merchant_id, "refund_limit", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data={"was_cents": was, "now_cents": cents},
        )  # fmt: skip
        return True


async def set_fee(actor: Actor, merchant_id: int, cents: int, *, now: datetime) -> bool:
    """What the platform takes for each payout to a merchant, from the next one on. For operators. False: it was so already.

    NotFound: no such merchant, or not an operator; Invalid: the amount."""
    _operator(actor)
    if not 0 <= cents <= MOST_FEE_CENTS or cents % 100:
        raise Invalid({"fee": FEE})
    async with atomic() as tx:
        if await tx.value("SELECT id FROM merchants WHERE id = $1 FOR UPDATE", merchant_id) is None:
            raise NotFound
        was = await tx.value("SELECT fee_cents FROM payout_plans WHERE merchant_id = $1", merchant_id)
        if (was or 0) == cents:
            return False
        await tx.execute(
            """INSERT INTO payout_plans AS p (merchant_id, fee_cents, threshold_cents, changed_at) VALUES ($1, $2, 500000, $3)
               ON CONFLICT (merchant_id) DO UPDATE SET fee_cents = excluded.fee_cents""",
            merchant_id,
            cents,
            now,
        )
        await note(
            tx, "merchants", merchant_id, "payout_fee", merchant_id=merchant_id, at=now, actor=f"user:{actor.user_id}",
            data={"was_cents": was or 0, "now_cents": cents},
        )  # fmt: skip
        return True
