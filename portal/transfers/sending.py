"""Sending a transfer: claimed in one transaction, sent between two, its answer kept in the second. A lost answer is unknown."""

import logging
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal import faults
from portal.callbacks import addresses
from portal.db import DB, atomic
from portal.enquiries import result_urls
from portal.errors import MpesaAlready, MpesaBusy, MpesaError, MpesaUnknown
from portal.mpesa.doors import MpesaDoors
from portal.mpesa.initiated import Ack
from portal.states import E, move
from portal.transfers import outcomes
from portal.transfers.make import B2C, REVERSAL
from portal.transfers.outcomes import Became

log = logging.getLogger(__name__)

#: How long a result may take before it is asked for.
ANSWER_WITHIN = timedelta(minutes=5)
ASKED_WITHIN = timedelta(minutes=1)
_ACTOR = "job:transfers"


class _Claimed(msgspec.Struct, frozen=True):
    """A transfer that is ours to send. `was_unknown`: an earlier request may have been carried out."""

    row: Record
    address: str
    was_unknown: bool


async def due(owner: str, *, now: datetime, limit: int = 50) -> list[int]:
    """Transfers of "refund" or "payout" by M-Pesa that were not sent yet and may be now, the oldest first."""
    rows = await DB.fetch(
        f"""SELECT id FROM transfers WHERE {owner}_id IS NOT NULL AND status = 'created' AND account_id IS NOT NULL
            AND next_try_at <= $1 ORDER BY next_try_at LIMIT $2""",
        now,
        limit,
    )
    return [row["id"] for row in rows]


async def send(transfer_id: int, doors: MpesaDoors, *, now: datetime, again: bool = False) -> str:
    """Send it, if it waits for that; `again` also one whose outcome is unknown, which M-Pesa then does once all the same.

    Returns the status it has afterwards, or "not due"."""
    claimed = await _claim(transfer_id, now=now, statuses=("created", "unknown") if again else ("created",))
    if claimed is None:
        return "not due"
    faults.reach("transfer.claimed")
    try:
        ack = await _ask(claimed, doors)
    except MpesaError as error:
        return await _not_taken(claimed, error, now=now)
    faults.reach("transfer.answered")
    status = await _taken(claimed, ack, now=now)
    faults.reach("transfer.noted")
    return status


async def _claim(transfer_id: int, *, now: datetime, statuses: tuple[str, ...]) -> _Claimed | None:
    async with atomic() as tx:
        row = await outcomes.locked(tx, transfer_id)
        if row["status"] not in statuses or row["next_try_at"] is None or row["next_try_at"] > now:
            return None
        await move(
            tx, "transfers", transfer_id, E.SUBMIT, at=now, actor=_ACTOR, tries=row["tries"] + 1, submitted_at=now,
            next_try_at=None, enquiry_id=None,
        )  # fmt: skip
        name = await addresses.of_request(tx, row["kind"], transfer_id, account_id=row["account_id"], now=now)
        await outcomes.tell(tx, row, Became.SENDING, now=now)
        return _Claimed(row, name, row["status"] == "unknown")


async def _ask(claimed: _Claimed, doors: MpesaDoors) -> Ack:
    row = claimed.row
    urls = result_urls(doors, claimed.address)
    daraja = await doors.for_account(row["account_id"])
    if row["kind"] == REVERSAL:
        return await daraja.reverse(row["receipt"], amount_cents=row["amount_cents"], urls=urls)
    assert row["kind"] == B2C
    remarks = "Refund" if row["refund_id"] else "Payout"
    return await daraja.pay_out(
        row["our_id"], phone=row["phone"], amount_cents=row["amount_cents"], urls=urls, remarks=remarks
    )


async def _taken(claimed: _Claimed, ack: Ack, *, now: datetime) -> str:
    async with atomic() as tx:
        row = await outcomes.locked(tx, claimed.row["id"])
        # What M-Pesa had taken before has told its outcome already, or never will.
        after = now + (ASKED_WITHIN if ack.is_repeat else ANSWER_WITHIN)
        await move(
            tx, "transfers", row["id"], E.ACCEPT, at=now, actor=_ACTOR, data={"is_repeat": ack.is_repeat},
            next_try_at=after, originator_conversation_id=ack.originator_conversation_id or None,
            conversation_id=ack.conversation_id or row["conversation_id"],
        )  # fmt: skip
        return await tx.value("SELECT status FROM transfers WHERE id = $1", row["id"])


async def _not_taken(claimed: _Claimed, error: MpesaError, *, now: datetime) -> str:
    """Busy: later. Refused: failed, if nothing was sent before. Everything else is unknown."""
    log.warning("transfer not taken", extra={"transfer": claimed.row["id"], "said": str(error)})
    async with atomic() as tx:
        row = await outcomes.locked(tx, claimed.row["id"])
        why = type(error).__name__
        if isinstance(error, MpesaBusy) and not claimed.was_unknown:
            later = now + timedelta(seconds=max(error.retry_after, 30) * min(row["tries"], 20))
            await move(tx, "transfers", row["id"], E.RETRY, at=now, actor=_ACTOR, data={"why": why}, next_try_at=later)
        elif claimed.was_unknown or isinstance(error, MpesaUnknown | MpesaAlready):
            later = now + timedelta(seconds=outcomes.ASK_AFTER_S[1])
            await outcomes.unknown(tx, row, why=why, now=now, actor=_ACTOR, next_try_at=later)
        else:
            await outcomes.failed(
                tx, row, code=error.code or why, said=error.provider_message, words=error.message, now=now, actor=_ACTOR
            )
        return await tx.value("SELECT status FROM transfers WHERE id = $1", row["id"])
