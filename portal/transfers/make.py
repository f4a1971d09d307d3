"""Making a transfer's row, and taking it back while nothing was sent. The owner's row is locked by the caller."""

from datetime import datetime

import msgspec

from portal import codes
from portal.db import Tx
from portal.states import E, move

B2C, REVERSAL = "b2c", "reversal"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Money to be sent: by B2C to `phone` (E.164 digits), or by taking `receipt` back whole. One of the owners is named, and one
    of the accounts: M-Pesa's, or one at another rail, which only takes back."""

    kind: str
    account_id: int | None
    amount_cents: int
    merchant_id: int | None
    refund_id: int | None = None
    payout_id: int | None = None
    phone: str = ""
    receipt: str = ""
    rail_account_id: int | None = None


async def make(tx: Tx, order: Order, *, now: datetime) -> int | None:
    """The transfer's id, due now. None: there is one that may have moved this money, or has."""
    return await tx.value(
        """INSERT INTO transfers (merchant_id, account_id, refund_id, payout_id, kind, our_id, phone, receipt, amount_cents,
                                  next_try_at, created_at, rail_account_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11) ON CONFLICT DO NOTHING RETURNING id""",
        order.merchant_id,
        order.account_id,
        order.refund_id,
        order.payout_id,
        order.kind,
        # Never of the form of a receipt: M-Pesa is asked about either by the same question.
        f"vocha-{order.kind}-{codes.hex_token(12)}",
        order.phone,
        order.receipt,
        order.amount_cents,
        now,
        order.rail_account_id,
    )


async def take_back(tx: Tx, *, now: datetime, actor: str, refund_id: int | None = None, payout_id: int | None = None) -> bool:  # fmt: skip
    """End the owner's transfer that was never sent. False: one was sent, and may have moved money; True also when there is none."""
    live = await tx.row(
        """SELECT id, status, tries FROM transfers
           WHERE (refund_id = $1 OR payout_id = $2) AND status <> 'failed' FOR UPDATE""",
        refund_id,
        payout_id,
    )
    if live is None:
        return True
    if live["status"] != "created":
        return False
    return await move(
        tx, "transfers", live["id"], E.FAIL, at=now, actor=actor, ended_at=now, next_try_at=None, result_code="not sent"
    )
