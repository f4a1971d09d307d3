"""Wishing for an answer of M-Pesa's that comes as a callback: a row in the caller's transaction. Asking: `portal.enquiries`."""

from datetime import datetime

from portal.db import Tx


async def queue(
    tx: Tx, kind: str, *, account_id: int, by: str, now: datetime, about: str = "", hurries: bool = True
) -> int:
    """Put a question ("status" about a transaction, or "balance") in the caller's transaction; its row.

    The same question about a transaction that waits already is that one: asked now, or with `hurries` False when its time comes,
    so that nobody makes us ask more often by repeating a message."""
    waiting = await tx.value(
        """SELECT id FROM mpesa_enquiries WHERE account_id = $1 AND kind = $2 AND about = $3 AND answered_at IS NULL
           AND $2 = 'status' FOR UPDATE""",
        account_id,
        kind,
        about,
    )
    if waiting is not None:
        if hurries:
            await tx.execute("UPDATE mpesa_enquiries SET next_try_at = $2 WHERE id = $1", waiting, now)
        return waiting
    return await tx.value(
        """INSERT INTO mpesa_enquiries (merchant_id, account_id, kind, about, asked_by, created_at, next_try_at)
           SELECT merchant_id, id, $2, $3, $4, $5, $5 FROM mpesa_accounts WHERE id = $1 RETURNING id""",
        account_id,
        kind,
        about,
        by,
        now,
    )
