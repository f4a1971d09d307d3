"""Carrying a refund out: what its approval does, and what becomes of it when the provider answers. Steps, and the job's own approval."""

import logging
from datetime import datetime

from asyncpg import Record

from portal import transfers
from portal.db import DB, Tx, atomic
from portal.errors import Conflict
from portal.msgid import N_
from portal.refunds import access, books, rights
from portal.states import E, move, note
from portal.transfers import Became, News, Order

log = logging.getLogger(__name__)

NO_ACCOUNT = N_("There is no account this money can leave from. Give it back in cash.")
SENT_BEFORE = N_("This money may be on its way already. Wait until it is known what became of it.")


async def locked(tx: Tx, refund_id: int) -> Record | None:
    """The refund, locked after its payment, as everybody does who holds both."""
    await tx.execute(
        "SELECT FROM payments WHERE id = (SELECT payment_id FROM refunds WHERE id = $1) FOR UPDATE", refund_id
    )
    return await tx.row("SELECT * FROM refunds WHERE id = $1 FOR UPDATE", refund_id)


async def approved(tx: Tx, row: Record, *, by: str, now: datetime) -> None:
    """It may go: the voucher is taken back, and the money sent, or kept for the customer. Conflict: used meanwhile."""
    if row["payment_id"] is not None and row["scope"] == "whole":
        await access.take_back(tx, row["payment_id"], ends_use=row["ends_use"], now=now, actor=by)
    road = row["road"] or await _road_of(tx, row)
    if not await move(
        tx, "refunds", row["id"], E.APPROVE, at=now, actor=by, approved_by=by, approved_at=now, road=road
    ):
        raise Conflict(SENT_BEFORE)
    await set_out(tx, row["id"], now=now)


async def _road_of(tx: Tx, row: Record) -> str:
    """How money goes back that nobody chose a road for: by the account it came by, else over the counter."""
    return "cash" if await source_of(tx, row["receipt_id"]) is None else "reversal"


async def source_of(tx: Tx, receipt_id: int) -> Record | None:
    """The receipt's `rail`, `receipt`, and the account it came by: `account_id` (M-Pesa's) or `rail_account_id`. None: no account
    that could give it back."""
    return await tx.row(
        """SELECT r.rail, r.receipt, r.account_id, p.rail_account_id FROM receipts r
           LEFT JOIN payments p ON p.rail_account_id IS NOT NULL AND p.method = r.rail
                                AND (p.id = r.payment_id OR (r.payment_id IS NULL AND p.account_reference = r.typed))
           WHERE r.id = $1 AND ((r.rail = 'mpesa' AND r.account_id IS NOT NULL) OR p.id IS NOT NULL)""",
        receipt_id,
    )


async def set_out(tx: Tx, refund_id: int, *, now: datetime) -> None:
    """Begin to give an approved (or failed) refund back by its road. Cash waits until somebody says it was given."""
    row = await tx.row("SELECT * FROM refunds WHERE id = $1", refund_id)
    assert row is not None  # it is locked
    if row["road"] == "credit":
        await finish(tx, row, await books.to_credit(tx, row, now=now), by=row["approved_by"], now=now)
    elif row["road"] in ("reversal", "b2c"):
        source = await source_of(tx, row["receipt_id"])
        if source is None or (row["road"] == "b2c" and source["account_id"] is None):
            raise Conflict(NO_ACCOUNT)
        order = Order(
            kind=row["road"], account_id=source["account_id"], amount_cents=row["amount_cents"],
            merchant_id=row["merchant_id"], refund_id=refund_id, phone=row["phone"] if row["road"] == "b2c" else "",
            receipt=source["receipt"] if row["road"] == "reversal" else "", rail_account_id=source["rail_account_id"],
        )  # fmt: skip
        if await transfers.make(tx, order, now=now) is None:
            raise Conflict(SENT_BEFORE)


async def finish(
    tx: Tx, row: Record, to: books.Entry, *, by: str, now: datetime, receipt: str | None = None, words: str = ""
) -> bool:
    """The money is back: close the books, the payment and the suspense. False: it was."""
    moved = await move(
        tx, "refunds", row["id"], E.REFUND_DONE, at=now, actor=by, data={"receipt": receipt, "road": row["road"]},
        done_at=now, receipt_back=receipt, last_error=None, note=words[:200] or row["note"],
    )  # fmt: skip
    if not moved:
        return False
    await books.close(tx, row, to, now=now)
    if row["payment_id"] is not None and row["scope"] == "whole":
        await move(tx, "payments", row["payment_id"], E.REFUND_DONE, at=now, actor=by, data={"receipt": receipt})
    if row["suspense_id"] is not None:
        await move(tx, "suspense", row["suspense_id"], E.REFUND_DONE, at=now, actor=by, data={"receipt": receipt})
    return True


async def heard(tx: Tx, news: News) -> None:
    """What became of its transfer (the step of `transfers.on_outcome`)."""
    refund_id, now, words = news.owner_id, news.now, news.words
    row = await tx.row("SELECT * FROM refunds WHERE id = $1 FOR UPDATE", refund_id)
    assert row is not None  # a foreign key says so
    source = await source_of(tx, row["receipt_id"])
    by = source["rail"] if source else "mpesa"
    match news.became:
        case Became.SENDING:
            await move(tx, "refunds", refund_id, E.SUBMIT, at=now, actor="job:refunds", tries=row["tries"] + 1)
        case Became.UNKNOWN:
            await move(tx, "refunds", refund_id, E.LOSE, at=now, actor=by, last_error=words)
        case Became.FAILED:
            await move(tx, "refunds", refund_id, E.FAIL, at=now, actor=by, last_error=words)
        case Became.DONE:
            to = await books.from_account(tx, row, news.transfer)
            await finish(tx, row, to, by=by, now=now, receipt=news.transfer["receipt_out"])


async def approve_decided(*, now: datetime, limit: int = 50) -> int:
    """Approve what was decided by a policy of the merchant's, or about suspense by somebody who may, as far as nobody else is
    needed for so much. Returns how many."""
    rows = await DB.fetch(
        """SELECT r.id FROM refunds r LEFT JOIN merchants m ON m.id = r.merchant_id
           WHERE r.status = 'wanted' AND r.road = '' AND r.amount_cents <= coalesce(m.refund_limit_cents, $1)
           ORDER BY r.id LIMIT $2""",
        rights.PLATFORM_LIMIT_CENTS,
        limit,
    )
    done = 0
    for found in rows:
        try:
            done += await _approve_one(found["id"], now=now)
        except Conflict as error:
            log.warning("refund not approved", extra={"refund": found["id"], "said": str(error)})
    return done


async def _approve_one(refund_id: int, *, now: datetime) -> bool:
    async with atomic() as tx:
        row = await locked(tx, refund_id)
        if row is None or row["status"] != "wanted" or row["road"]:
            return False
        await approved(tx, row, by=row["wanted_by"], now=now)
        await note(
            tx, "refunds", row["id"], "approved_below_limit", merchant_id=row["merchant_id"], at=now,
            actor="job:refunds",
        )  # fmt: skip
        return True


transfers.on_outcome("refund", heard)
