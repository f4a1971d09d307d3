"""Taking money out of suspense again, once somebody or something says what it is for."""

from datetime import datetime

from asyncpg import Record

from portal.db import Tx
from portal.ledger import Account, Entry
from portal.payments.outcomes import Settled
from portal.states import E, move

#: Outcomes that leave money where it is.
STAYS = frozenset({Settled.SUSPENSE, Settled.WRONG_AMOUNT})


async def open_row(tx: Tx, receipt_id: int) -> Record | None:
    """The open suspense of a receipt, locked; None when a person has decided about it."""
    return await tx.row("SELECT * FROM suspense WHERE receipt_id = $1 AND status = 'open' FOR UPDATE", receipt_id)


def source(row: Record) -> Entry:
    """Where suspended money stands in the ledger, ready to be given to something."""
    return Entry(Account.SUSPENSE, row["amount_cents"], is_platform=row["merchant_id"] is None)


async def close(tx: Tx, row: Record, resolution: str, *, by: str, now: datetime, note: str = "") -> bool:
    """Say what became of it. False: somebody else did so first."""
    return await move(
        tx, "suspense", row["id"], E.REFUND if resolution == "refund" else E.RESOLVE, at=now, actor=by,
        data={"resolution": resolution} | ({"note": note} if note else {}), resolution=resolution, resolved_by=by,
        resolved_at=now, note=note[:200],
    )  # fmt: skip
