"""Deciding that money goes back to its payer: booked and queued here, once per receipt; sending it is not here."""

from datetime import datetime

from portal import ledger
from portal.db import Tx
from portal.ledger import Account, Entry, Kind
from portal.states import E, move, note


async def want(
    tx: Tx, receipt_id: int, source: Entry, *, amount_cents: int, merchant_id: int | None, payment_id: int | None,
    currency: str, by: str, why: str, now: datetime, suspense_id: int | None = None,
) -> int | None:  # fmt: skip
    """Queue the return of a receipt's money out of `source`; its refund's id. None: it is on its way already, nothing changed.

    A paid payment becomes refund_pending."""
    refund_id = await tx.value(
        """INSERT INTO refunds (merchant_id, receipt_id, payment_id, suspense_id, amount_cents, currency, wanted_by, why,
                                created_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (receipt_id) DO NOTHING RETURNING id""",
        merchant_id,
        receipt_id,
        payment_id,
        suspense_id,
        amount_cents,
        currency,
        by,
        why[:200],
        now,
    )
    if refund_id is None:
        return None
    receipt = await tx.value("SELECT receipt FROM receipts WHERE id = $1", receipt_id)
    owed = Entry(Account.REFUNDS, -amount_cents, is_platform=source.is_platform)
    await ledger.book(
        tx, Kind.REFUND, [source, owed], merchant_id=merchant_id, payment_id=payment_id, receipt=receipt,
        currency=currency, now=now, note=why[:120],
    )  # fmt: skip
    data = {"receipt": receipt, "amount_cents": amount_cents, "why": why}
    if payment_id is not None:
        await move(tx, "payments", payment_id, E.REFUND, at=now, actor=by, data=data)
    await note(tx, "refunds", refund_id, "wanted", merchant_id=merchant_id, at=now, actor=by, data=data)
    return refund_id
