"""The ledger: double entry in whole cents. The database refuses a posting that does not sum to zero, and any edit.

Signs: money that came in is positive on `mpesa_clearing`; what we owe somebody is negative on their account."""

from collections.abc import Mapping
from datetime import datetime

from portal.db import DB, Tx


async def post(
    tx: Tx, kind: str, entries: Mapping[str, int], *, merchant_id: int, payment_id: int | None, receipt: str | None,
    currency: str, now: datetime, note: str = "",
) -> bool:  # fmt: skip
    """Write one posting. False: this payment (or this receipt) already has one of this kind; nothing was written."""
    if sum(entries.values()) != 0:
        raise ValueError(f"posting {kind} does not balance: {dict(entries)}")
    posting_id = await tx.value(
        """INSERT INTO ledger_postings (merchant_id, payment_id, kind, receipt, note, created_at)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id""",
        merchant_id,
        payment_id,
        kind,
        receipt,
        note,
        now,
    )
    if posting_id is None:
        return False
    lines = [(account, amount) for account, amount in entries.items() if amount]
    await tx.execute(
        """INSERT INTO ledger_entries (posting_id, merchant_id, account, amount_cents, currency)
           SELECT $1, $2, account, amount, $5 FROM unnest($3::text[], $4::bigint[]) AS line (account, amount)""",
        posting_id,
        merchant_id,
        [account for account, _ in lines],
        [amount for _, amount in lines],
        currency,
    )
    return True


async def balance(merchant_id: int, account: str) -> int:
    """The signed sum of one account of a merchant, in cents."""
    return await DB.value(
        "SELECT coalesce(sum(amount_cents), 0)::bigint FROM ledger_entries WHERE merchant_id = $1 AND account = $2",
        merchant_id,
        account,
    )
