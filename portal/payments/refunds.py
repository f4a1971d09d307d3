"""Deciding that money goes back to its payer: booked and queued here, once per receipt; the rest of its life is `portal.refunds`."""

from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from portal import ledger
from portal.db import Tx
from portal.ledger import Account, Entry, Kind
from portal.states import E, move, note


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as it is wanted; `road` empty: not chosen yet."""

    receipt_id: int
    merchant_id: int | None
    payment_id: int | None
    amount_cents: int
    currency: str
    by: str
    why: str
    suspense_id: int | None = None
    scope: str = "whole"
    road: str = ""
    phone: str = ""
    ends_use: bool = False


async def row_of(tx: Tx, wanted: Wanted, *, now: datetime) -> Record | None:
    """The refund's row, new or wanted anew after it was dropped. None: this money is on its way back already, or was given back."""
    columns: dict[str, Any] = {
        "merchant_id": wanted.merchant_id, "payment_id": wanted.payment_id, "suspense_id": wanted.suspense_id,
        "amount_cents": wanted.amount_cents, "currency": wanted.currency, "wanted_by": wanted.by,
        "why": wanted.why[:200], "scope": wanted.scope, "road": wanted.road, "phone": wanted.phone,
        "ends_use": wanted.ends_use, "created_at": now,
    }  # fmt: skip
    marks = ", ".join(f"${number}" for number in range(2, len(columns) + 2))
    made = await tx.row(
        f"""INSERT INTO refunds (receipt_id, {", ".join(columns)}) VALUES ($1, {marks})
            ON CONFLICT (receipt_id) DO NOTHING RETURNING *""",
        wanted.receipt_id,
        *columns.values(),
    )
    if made is not None:
        return made
    old = await tx.row("SELECT id, round FROM refunds WHERE receipt_id = $1 FOR UPDATE", wanted.receipt_id)
    assert old is not None  # refunds are never deleted
    again = await move(
        tx, "refunds", old["id"], E.REOPEN, at=now, actor=wanted.by, round=old["round"] + 1, approved_by=None,
        approved_at=None, last_error=None, note="", **columns,
    )  # fmt: skip
    return await tx.row("SELECT * FROM refunds WHERE id = $1", old["id"]) if again else None


async def want(
    tx: Tx, receipt_id: int, source: Entry, *, amount_cents: int, merchant_id: int | None, payment_id: int | None,
    currency: str, by: str, why: str, now: datetime, suspense_id: int | None = None,
) -> int | None:  # fmt: skip
    """Queue the return of a receipt's money out of `source`; its refund's id. None: it is on its way already, nothing changed.

    A paid payment becomes refund_pending."""
    wanted = Wanted(
        receipt_id=receipt_id, merchant_id=merchant_id, payment_id=payment_id, amount_cents=amount_cents,
        currency=currency, by=by, why=why, suspense_id=suspense_id,
    )  # fmt: skip
    row = await row_of(tx, wanted, now=now)
    if row is None:
        return None
    receipt = await tx.value("SELECT receipt FROM receipts WHERE id = $1", receipt_id)
    owed = Entry(Account.REFUNDS, -amount_cents, is_platform=source.is_platform)
    await ledger.book(
        tx, Kind.REFUND, [source, owed], merchant_id=merchant_id, payment_id=payment_id, receipt=name_of(row, receipt),
        currency=currency, now=now, note=why[:120],
    )  # fmt: skip
    data = {"receipt": receipt, "amount_cents": amount_cents, "why": why}
    if payment_id is not None:
        await move(tx, "payments", payment_id, E.REFUND, at=now, actor=by, data=data)
    await note(tx, "refunds", row["id"], "wanted", merchant_id=merchant_id, at=now, actor=by, data=data)
    return row["id"]


def name_of(row: Record, receipt: str) -> str:
    """The name of a refund's postings: the receipt's, with a number when it was dropped and wanted again."""
    return f"{receipt}/{row['round']}"[-32:] if row["round"] else receipt
