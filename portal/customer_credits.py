"""Customers' credit at a merchant: money kept for whoever holds a phone number or a payment reference. Sums are in the ledger."""

from datetime import datetime

import msgspec

from portal.db import DB, Tx


class Credit(msgspec.Struct, frozen=True):
    """A customer's account, locked until the transaction ends, and what is on it in cents."""

    id: int
    cents: int


def of_phone(phone: str) -> str:
    """The holder who can be reached at this number (E.164 digits)."""
    return f"phone:{phone}"


def of_reference(reference: str) -> str:
    """The holder who can name this payment reference (canonical form)."""
    return f"ref:{reference}"


async def is_anything_kept(merchant_id: int) -> bool:
    """Whether this merchant has ever kept money for a phone number. Says nothing about any number."""
    return await DB.value(
        "SELECT EXISTS (SELECT FROM credits WHERE merchant_id = $1 AND holder LIKE 'phone:%')", merchant_id
    )


async def opened(tx: Tx, merchant_id: int, holder: str, *, now: datetime) -> Credit:
    """The holder's account, made when there is none yet, and locked."""
    await tx.execute(
        "INSERT INTO credits (merchant_id, holder, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        merchant_id,
        holder,
        now,
    )
    found = await found_for(tx, merchant_id, holder)
    if found is None:
        raise LookupError("a credit account vanished")
    return found


async def found_for(tx: Tx, merchant_id: int, holder: str) -> Credit | None:
    """The holder's account, locked; None when nothing was ever kept for them."""
    credit_id = await tx.value(
        "SELECT id FROM credits WHERE merchant_id = $1 AND holder = $2 FOR UPDATE", merchant_id, holder
    )
    if credit_id is None:
        return None
    cents = await tx.value(
        "SELECT coalesce(-sum(amount_cents), 0)::bigint FROM ledger_entries WHERE credit_id = $1", credit_id
    )
    return Credit(credit_id, cents)
