"""Results of transfers, as callbacks bring them: believed when trusted, of the right amount and about this transfer; else asked."""

from datetime import datetime
from decimal import Decimal

from asyncpg import Record

from portal import faults
from portal.callbacks import results
from portal.db import Tx
from portal.mpesa.initiator_codes import Verb, Verdict
from portal.mpesa.messages import Malformed
from portal.mpesa.result_facts import payout_of, reversal_of
from portal.mpesa.results import Result, read_result, timed_out
from portal.mpesa.sentences import of_result
from portal.transfers import outcomes
from portal.transfers.make import B2C, REVERSAL


async def take_result(tx: Tx, came: results.Result) -> str:
    """A result of a reversal or a B2C (a handler of `callbacks.on_result`). Repeatable; returns a word for the callback's row."""
    row = await outcomes.locked(tx, came.request_id)
    now: datetime = await tx.value("SELECT received_at FROM callbacks WHERE id = $1", came.callback_id)
    verb = Verb(came.kind)
    read = timed_out(came.body, verb=verb) if came.is_timeout else read_result(came.body, verb=verb)
    if row["status"] == "done":
        return "known"
    doubt = "unreadable" if isinstance(read, Malformed) else _doubt(came, read, row)
    if isinstance(read, Malformed) or doubt:
        if doubt == "does_not_fit":
            await outcomes.alarm(tx, row, "result_does_not_fit", now=now, actor="mpesa")
        if doubt == "already" and isinstance(read, Result):
            await tx.execute("UPDATE transfers SET result_code = $2 WHERE id = $1", row["id"], read.result_code)
        await outcomes.unknown(tx, row, why=doubt, now=now, actor="mpesa", next_try_at=now)
        return doubt
    if read.verdict is Verdict.DONE:
        receipt, _ = _carried_out(read, row)
        await outcomes.done(tx, row, receipt=receipt, now=now, actor="mpesa", said=read.result_text)
    else:
        words = of_result(verb, read.result_code)
        code, said = read.result_code, read.result_text
        await outcomes.failed(tx, row, code=code, said=said, words=words, now=now, actor="mpesa")
    faults.reach("transfer.result")
    return read.verdict.value


def _doubt(came: results.Result, read: Result, row: Record) -> str:
    """Why a result decides nothing and M-Pesa is asked; empty when it decides."""
    if not came.is_trusted:
        return "untrusted"
    if read.verdict is Verdict.ALREADY:
        return "already"
    if read.verdict is Verdict.UNKNOWN:
        return "timeout" if came.is_timeout else "unclear"
    if read.verdict is Verdict.DONE and not _fits(read, row):
        return "does_not_fit"
    return ""


def _fits(read: Result, row: Record) -> bool:
    """Whether it is about this transfer: the amount must be told, what else it does not name proves nothing against it."""
    if row["kind"] == B2C:
        is_ours = read.originator_conversation_id in ("", row["our_id"])
    else:
        is_ours = reversal_of(read).original_receipt in (None, row["receipt"])
    return is_ours and _carried_out(read, row)[1] == Decimal(row["amount_cents"]) / 100


def _carried_out(read: Result, row: Record) -> tuple[str | None, Decimal | None]:
    found = payout_of(read) if row["kind"] == B2C else reversal_of(read)
    return found.receipt, found.amount


for _kind in (REVERSAL, B2C):
    results.on_result(_kind, take_result)
