"""Money that fits nothing: booked in suspense, where a person decides. Never refused, never swallowed."""

from datetime import datetime

from portal import ledger, messages
from portal.db import Tx
from portal.ledger import Account, Entry, Kind
from portal.messages import Told
from portal.money import format_amount
from portal.payments.outcomes import Settled
from portal.payments.receipts import Money
from portal.payments.targets import Target
from portal.states import E, move, note


async def in_suspense(tx: Tx, paid: Money, why: str, *, merchant_id: int | None, now: datetime) -> Settled:
    """Hold money whose receipt's row is new; `merchant_id` None: at the platform's account, and nobody's. Money that comes out
    of suspense stays there."""
    if paid.source.account is Account.SUSPENSE:
        return Settled.SUSPENSE
    assert paid.receipt_id is not None  # money without a receipt is about a payment, and fits it
    suspense_id = await tx.value(
        """INSERT INTO suspense (merchant_id, receipt_id, amount_cents, currency, why, created_at)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING id""",
        merchant_id,
        paid.receipt_id,
        paid.amount_cents,
        paid.currency,
        why,
        now,
    )
    await ledger.book(
        tx, Kind.SUSPENSE, [paid.source, Entry(Account.SUSPENSE, -paid.amount_cents)], merchant_id=merchant_id,
        payment_id=None, receipt=paid.receipt, currency=paid.currency, now=now, note=why,
    )  # fmt: skip
    data = {"road": paid.road, "receipt": paid.receipt, "amount_cents": paid.amount_cents, "why": why}
    await note(tx, "suspense", suspense_id, "held", merchant_id=merchant_id, at=now, actor=paid.road, data=data)
    params = {"amount": format_amount(paid.amount_cents, paid.currency), "receipt": paid.receipt}
    for told in (Told.NOT_MATCHED, Told.SHOP_NOT_MATCHED):
        await messages.write(
            tx, told, str(paid.receipt), merchant_id=merchant_id, phone=paid.phone, params=params, now=now
        )
    return Settled.SUSPENSE


async def wrong_amount(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Settled:
    """An amount the rail cannot have moved: nothing is delivered, nothing is rounded; a person looks at it."""
    payment = target.payment
    if paid.receipt_id is not None and paid.amount_cents > 0:
        await in_suspense(tx, paid, "wrong_amount", merchant_id=target.merchant_id, now=now)
    data = {"road": paid.road, "receipt": paid.receipt, "amount_cents": paid.amount_cents}
    await note(
        tx,
        "payments",
        payment["id"],
        "wrong_amount",
        merchant_id=target.merchant_id,
        at=now,
        actor=paid.road,
        data=data,
    )
    if payment["received_cents"] is None:
        await tx.execute(
            "UPDATE payments SET received_cents = $2, next_query_at = NULL WHERE id = $1",
            payment["id"],
            paid.amount_cents,
        )
        await move(tx, "payments", payment["id"], E.LOSE, at=now, actor=paid.road, data={"why": "wrong amount"})
    return Settled.WRONG_AMOUNT
