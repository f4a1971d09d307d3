"""What became of a transfer, told to its owner in the same transaction. Steps; the owner's row is locked before the transfer's."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal.db import Tx
from portal.msgid import N_
from portal.states import E, move, note

#: Asked for the first time this long after M-Pesa went silent, and again after each further one.
ASK_AFTER_S = (0, 120, 600, 3600, 21_600, 86_400)
NOT_KNOWN = N_("M-Pesa has not told what became of it. We ask by ourselves; nothing is sent twice.")


class Became(StrEnum):
    """What an owner is told."""

    SENDING = "sending"
    UNKNOWN = "unknown"
    FAILED = "failed"
    DONE = "done"


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner is told of its transfer; `words` for people, "" for none."""

    owner_id: int
    transfer: Record
    became: Became
    words: str
    now: datetime


Step = Callable[[Tx, News], Awaitable[None]]
_OWNERS: dict[str, Step] = {}


def on_outcome(owner: str, step: Step) -> None:
    """Name the step of an owner, "refund" or "payout". It runs once per outcome, in its transaction."""
    _OWNERS[owner] = step


async def locked(tx: Tx, transfer_id: int) -> Record:
    """The transfer, locked after its owner's row, and a refund's after its payment's."""
    names = await tx.row("SELECT refund_id, payout_id FROM transfers WHERE id = $1", transfer_id)
    assert names is not None  # transfers are never deleted
    owner, owner_id = ("refunds", names["refund_id"]) if names["refund_id"] else ("payouts", names["payout_id"])
    if names["refund_id"]:
        await tx.execute(
            "SELECT FROM payments WHERE id = (SELECT payment_id FROM refunds WHERE id = $1) FOR UPDATE", owner_id
        )
    await tx.execute(f"SELECT FROM {owner} WHERE id = $1 FOR UPDATE", owner_id)
    row = await tx.row("SELECT * FROM transfers WHERE id = $1 FOR UPDATE", transfer_id)
    assert row is not None  # as above
    return row


async def tell(tx: Tx, row: Record, became: Became, *, now: datetime, words: str = "") -> None:
    """Tell the owner."""
    owner = "refund" if row["refund_id"] else "payout"
    await _OWNERS[owner](tx, News(owner_id=row[f"{owner}_id"], transfer=row, became=became, words=words, now=now))


async def done(
    tx: Tx, row: Record, *, receipt: str | None, now: datetime, actor: str, code: str = "0", said: str = ""
) -> bool:
    """M-Pesa carried it out. False: that was known."""
    moved = await move(
        tx, "transfers", row["id"], E.ARRIVE, at=now, actor=actor, data={"receipt": receipt}, ended_at=now,
        next_try_at=None, enquiry_id=None, receipt_out=receipt, result_code=code, result_text=said[:500],
    )  # fmt: skip
    if moved:
        fresh = await tx.row("SELECT * FROM transfers WHERE id = $1", row["id"])
        assert fresh is not None  # it is locked
        await tell(tx, fresh, Became.DONE, now=now)
    elif row["status"] == "failed":
        await alarm(tx, row, "success_after_failure", now=now, actor=actor)
    return moved


async def failed(tx: Tx, row: Record, *, code: str, said: str, words: str, now: datetime, actor: str) -> bool:
    """Nothing moved, and nothing will by this request. False: it had ended."""
    moved = await move(
        tx, "transfers", row["id"], E.FAIL, at=now, actor=actor, data={"code": code}, ended_at=now, next_try_at=None,
        enquiry_id=None, result_code=code[:80], result_text=said[:500],
    )  # fmt: skip
    if moved:
        await tell(tx, row, Became.FAILED, now=now, words=words)
    return moved


async def unknown(
    tx: Tx, row: Record, *, why: str, now: datetime, actor: str, next_try_at: datetime, words: str = NOT_KNOWN
) -> None:
    """Nobody knows; it is asked about. Repeatable."""
    if await move(tx, "transfers", row["id"], E.LOSE, at=now, actor=actor, data={"why": why}, next_try_at=next_try_at):
        await tell(tx, row, Became.UNKNOWN, now=now, words=words)
    else:
        await tx.execute(
            "UPDATE transfers SET next_try_at = $2 WHERE id = $1 AND status = 'unknown'", row["id"], next_try_at
        )


async def alarm(tx: Tx, row: Record, name: str, *, now: datetime, actor: str) -> None:
    """Something a person must look at."""
    data = {"refund_id": row["refund_id"], "payout_id": row["payout_id"], "amount_cents": row["amount_cents"]}
    await note(tx, "transfers", row["id"], name, merchant_id=row["merchant_id"], at=now, actor=actor, data=data)
