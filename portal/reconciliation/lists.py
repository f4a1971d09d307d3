"""Rows of M-Pesa's lists, whatever list they come from, held against our receipts. Reads and keeps; takes no money in."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from portal.db import DB, Tx, copy_in

#: What we hear of in the last minutes may not stand in M-Pesa's list yet, and the other way round.
NOT_YET = timedelta(minutes=30)
RAIL = "mpesa"
_COLUMNS = (
    "comparison_id", "number", "receipt", "kind", "amount_cents", "balance_cents", "happened_at", "reference", "phone",
    "payer_hint", "payer_name", "details", "verdict", "ours_cents", "receipt_id", "taken",
)  # fmt: skip


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of M-Pesa's list. `amount_cents` is signed: what came in is positive. `kind`: in (a customer's payment), out, fee,
    or other (money moved by the merchant itself). `number` is the row in the list, from 1."""

    number: int
    receipt: str
    kind: str
    amount_cents: int
    is_done: bool = True
    balance_cents: int | None = None
    happened_at: datetime | None = None
    reference: str = ""
    phone: str | None = None
    payer_hint: str = ""
    payer_name: str = ""
    details: str = ""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A row beside what we have. `is_open`: our receipt belongs to nothing yet, or this road has not told of it."""

    row: Row
    verdict: str
    receipt_id: int | None = None
    ours_cents: int | None = None
    is_open: bool = False
    taken: str | None = None


async def hold(rows: Sequence[Row], *, road: str) -> list[Held]:
    """Say of each row whether we have its receipt, alike. Only customers' payments are held against receipts."""
    listed = [row.receipt for row in rows if row.kind == "in"]
    ours = {
        found["receipt"]: found
        for found in await DB.fetch(
            "SELECT id, receipt, amount_cents, payment_id, roads FROM receipts WHERE rail = $1 AND receipt = ANY($2)",
            RAIL,
            listed,
        )
    }
    held: list[Held] = []
    for row in rows:
        found = ours.get(row.receipt) if row.kind == "in" else None
        if not row.is_done:
            held.append(Held(row=row, verdict="not_done"))
        elif row.kind != "in":
            held.append(Held(row=row, verdict="other"))
        elif found is None:
            held.append(Held(row=row, verdict="only_theirs", is_open=True))
        else:
            is_alike = found["amount_cents"] == row.amount_cents
            is_open = found["payment_id"] is None or road not in found["roads"].split()
            held.append(
                Held(
                    row=row, verdict="matched" if is_alike else "differs", receipt_id=found["id"],
                    ours_cents=None if is_alike else found["amount_cents"], is_open=is_open,
                )
            )  # fmt: skip
    return held


async def only_ours(account_id: int, *, since: datetime, until: datetime, listed: set[str]) -> list[Held]:
    """Receipts of ours whose money came to the account between two moments, and which M-Pesa's list lacks."""
    rows = await DB.fetch(
        """SELECT id, receipt, amount_cents, coalesce(happened_at, created_at) AS at, typed, payer_name FROM receipts
           WHERE account_id = $1 AND rail = $4 AND coalesce(happened_at, created_at) BETWEEN $2 AND $3 ORDER BY id""",
        account_id,
        since,
        until,
        RAIL,
    )
    return [
        Held(
            row=Row(
                number=0, receipt=row["receipt"], kind="in", amount_cents=row["amount_cents"], happened_at=row["at"],
                reference=row["typed"], payer_name=row["payer_name"],
            ),
            verdict="only_ours", receipt_id=row["id"],
        )
        for row in rows
        if row["receipt"] not in listed
    ]  # fmt: skip


async def keep(tx: Tx, comparison_id: int, held: Sequence[Held]) -> None:
    """Keep rows with what was found about them."""
    records = [
        (
            comparison_id, one.row.number, one.row.receipt[:20], one.row.kind, one.row.amount_cents, one.row.balance_cents,
            one.row.happened_at, one.row.reference[:40], one.row.phone, one.row.payer_hint[:64], one.row.payer_name[:80],
            one.row.details[:160], one.verdict, one.ours_cents, one.receipt_id, one.taken,
        )
        for one in held
    ]  # fmt: skip
    await copy_in(tx, "comparison_lines", _COLUMNS, records)
