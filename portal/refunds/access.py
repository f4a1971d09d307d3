"""What a refund does to the voucher its money bought. Under the voucher's row lock: either it is taken back and no login works any
more, or it was used and the refund is refused."""

from datetime import datetime

from asyncpg import Record

from portal import access_grants
from portal.db import Tx
from portal.errors import Conflict
from portal.msgid import N_
from portal.states import E, move

IN_USE = N_(
    "The customer has been online with this voucher. Give a part back, or choose that the access may end although it was used."
)


async def bought(tx: Tx, payment_id: int) -> Record | None:
    """The voucher this payment's sale bought, locked. None: it bought none, or another payment has paid for the same one too."""
    row = await tx.row(
        """SELECT v.id, v.status, v.started_at FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id
           JOIN vouchers v ON v.id = coalesce(p.voucher_id, c.voucher_id)
           WHERE p.id = $1 AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind = 'sale'
                                       AND NOT EXISTS (SELECT FROM ledger_postings o WHERE o.reverses_id = l.id))
           FOR UPDATE OF v""",
        payment_id,
    )
    if row is None:
        return None
    also = await tx.value(
        """SELECT EXISTS (SELECT FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id
                          JOIN ledger_postings l ON l.payment_id = p.id AND l.kind = 'sale'
                          WHERE coalesce(p.voucher_id, c.voucher_id) = $1 AND p.id <> $2 AND p.status = 'paid')""",
        row["id"],
        payment_id,
    )
    return None if also else row


async def unused(tx: Tx, payment_id: int, *, ends_use: bool) -> Record | None:
    """The voucher, locked; Conflict when it was used and its use may not be ended."""
    voucher = await bought(tx, payment_id)
    if voucher is not None and voucher["started_at"] is not None and not ends_use:
        raise Conflict(IN_USE)
    return voucher


async def take_back(tx: Tx, payment_id: int, *, ends_use: bool, now: datetime, actor: str) -> bool:
    """Take the voucher back, and its devices off. False: there is none that still worked."""
    voucher = await unused(tx, payment_id, ends_use=ends_use)
    if voucher is None:
        return False
    moved = await move(
        tx, "vouchers", voucher["id"], E.REVOKE, at=now, actor=actor, data={"why": "refund"}, ended_at=now,
        ended_why="revoked",
    )  # fmt: skip
    if moved:
        await access_grants.end_for(tx, [voucher["id"]], now=now, actor=actor)
    return moved
