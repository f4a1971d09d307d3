"""Finding out what became of transfers M-Pesa is silent about: asked by status query, and sent again only where M-Pesa itself
does the same request once (a B2C under its id, the reversal of a receipt)."""

from datetime import datetime, timedelta

from asyncpg import Record

from portal import enquiries
from portal.db import DB, Tx, atomic
from portal.enquiries import Answer
from portal.mpesa.doors import MpesaDoors
from portal.mpesa.initiator_codes import Verb, Verdict
from portal.mpesa.sentences import of_result
from portal.transfers import outcomes
from portal.transfers.make import B2C, REVERSAL
from portal.transfers.sending import send

#: Who claimed a transfer and wrote nothing for so long was killed.
STRANDED_AFTER = timedelta(minutes=2)
#: After so many requests without an outcome a person is told.
STUCK_AFTER_TRIES = 5
_ALREADY = "R000001"
_ENDED = frozenset({"cancelled", "declined", "failed", "expired", "reversed"})


async def find_stranded(*, now: datetime) -> int:
    """Transfers whose sender died: nobody knows whether they were sent. Returns how many."""
    rows = await DB.fetch(
        "SELECT id FROM transfers WHERE status = 'submitting' AND account_id IS NOT NULL AND submitted_at < $1",
        now - STRANDED_AFTER,
    )
    return await _lose(rows, "stranded", status="submitting", now=now)


async def find_silent(*, now: datetime) -> int:
    """Transfers M-Pesa took and never told the outcome of. Returns how many."""
    rows = await DB.fetch(
        "SELECT id FROM transfers WHERE status = 'sent' AND account_id IS NOT NULL AND next_try_at <= $1", now
    )
    return await _lose(rows, "silent", status="sent", now=now)


async def _lose(rows: list[Record], why: str, *, status: str, now: datetime) -> int:
    for found in rows:
        async with atomic() as tx:
            row = await outcomes.locked(tx, found["id"])
            if row["status"] == status:
                await outcomes.unknown(tx, row, why=why, now=now, actor="job:transfers", next_try_at=now)
    return len(rows)


async def to_clear_up(owner: str, *, now: datetime, limit: int = 50) -> list[int]:
    """Transfers of "refund" or "payout" whose outcome is to be asked for now, or was answered."""
    rows = await DB.fetch(
        f"""SELECT t.id FROM transfers t LEFT JOIN mpesa_enquiries e ON e.id = t.enquiry_id
            WHERE t.{owner}_id IS NOT NULL AND t.account_id IS NOT NULL AND t.status = 'unknown'
            AND (t.next_try_at <= $1 OR e.answered_at IS NOT NULL) ORDER BY t.id LIMIT $2""",
        now,
        limit,
    )
    return [row["id"] for row in rows]


async def watch(transfer_id: int, doors: MpesaDoors, *, now: datetime) -> str:
    """Take one step towards knowing: ask, read the answer, or send again. Returns what was done."""
    enquiry = await DB.row("SELECT enquiry_id, status FROM transfers WHERE id = $1", transfer_id)
    if enquiry is None or enquiry["status"] != "unknown":
        return "not due"
    answer = await enquiries.answer_of(enquiry["enquiry_id"]) if enquiry["enquiry_id"] else None
    async with atomic() as tx:
        row = await outcomes.locked(tx, transfer_id)
        if row["status"] != "unknown" or row["enquiry_id"] != enquiry["enquiry_id"]:
            return "not due"
        if answer is None or answer.verdict is None:
            return await _question(tx, row, now=now)
        said = await _judge(tx, row, answer, now=now)
    return await send(transfer_id, doors, now=now, again=True) if said == "send again" else said


async def _question(tx: Tx, row: Record, *, now: datetime) -> str:
    """Ask about it, or ask again what is not answered yet."""
    about = row["our_id"] if row["kind"] == B2C else row["originator_conversation_id"] or row["receipt"]
    if row["kind"] == REVERSAL and row["result_code"] == _ALREADY:
        about = row["receipt"]
    asked = await tx.value("SELECT tries FROM mpesa_enquiries WHERE id = $1", row["enquiry_id"]) or 0
    enquiry_id = await enquiries.queue(
        tx, "status", account_id=row["account_id"], by="job:transfers", now=now, about=about
    )
    wait = outcomes.ASK_AFTER_S[min(asked + 1, len(outcomes.ASK_AFTER_S) - 1)]
    await tx.execute(
        "UPDATE transfers SET enquiry_id = $2, next_try_at = $3 WHERE id = $1",
        row["id"],
        enquiry_id,
        now + timedelta(seconds=wait),
    )
    return "asked"


async def _judge(tx: Tx, row: Record, answer: Answer, *, now: datetime) -> str:
    """What M-Pesa's answer means: done, failed, later, or "send again"."""
    found = answer.transaction
    if answer.about == row["receipt"]:
        return await _judge_receipt(tx, row, answer, now=now)
    if found is not None and found.is_completed and found.amount_cents == row["amount_cents"]:
        await outcomes.done(tx, row, receipt=found.receipt, now=now, actor="mpesa", said=answer.result_text)
        return "done"
    if found is not None and found.status.lower() in _ENDED:
        words = of_result(None, "17")
        await outcomes.failed(tx, row, code=found.status, said=found.status, words=words, now=now, actor="mpesa")
        return "failed"
    if found is not None or answer.verdict is not Verdict.FAILED:
        return await _later(tx, row, now=now)
    return await _again(tx, row, now=now)


async def _judge_receipt(tx: Tx, row: Record, answer: Answer, *, now: datetime) -> str:
    """The same for a reversal of which only the receipt to be taken back can be asked about."""
    found = answer.transaction
    if found is not None and (row["result_code"] == _ALREADY or found.status.lower().startswith("revers")):
        # The payment is there, and M-Pesa says it was given back: it is, whoever asked for it first.
        await outcomes.done(tx, row, receipt=None, now=now, actor="mpesa", code=_ALREADY, said=answer.result_text)
        return "done"
    if found is not None:
        return await _again(tx, row, now=now)
    if answer.verdict is not Verdict.FAILED:
        return await _later(tx, row, now=now)
    # M-Pesa does not know the receipt we want to give back: nothing can have moved.
    words = of_result(Verb.REVERSAL, "R000002")
    code, said = answer.result_code, answer.result_text
    await outcomes.failed(tx, row, code=code, said=said, words=words, now=now, actor="mpesa")
    return "failed"


async def _again(tx: Tx, row: Record, *, now: datetime) -> str:
    """Send it again: M-Pesa does the same id of a B2C and the same receipt of a reversal once. After many tries a person is told, and it is
    sent once a day."""
    if row["tries"] >= STUCK_AFTER_TRIES and row["submitted_at"] > now - timedelta(days=1):
        await outcomes.alarm(tx, row, "transfer_stuck", now=now, actor="job:transfers")
        return await _later(tx, row, now=now, seconds=86_400)
    await tx.execute("UPDATE transfers SET enquiry_id = NULL, next_try_at = $2 WHERE id = $1", row["id"], now)
    return "send again"


async def _later(tx: Tx, row: Record, *, now: datetime, seconds: int = 600) -> str:
    await tx.execute(
        "UPDATE transfers SET enquiry_id = NULL, next_try_at = $2 WHERE id = $1",
        row["id"],
        now + timedelta(seconds=seconds),
    )
    return "later"
