"""Questions to M-Pesa whose answer is a callback: what became of a transaction, and how much is on an account.

A row first, then the question; the answer is kept on the row, and money it proves is taken in like any other. A result comes
once or never, so an open question is repeated."""

import json
import logging
from datetime import datetime, timedelta

import msgspec

from portal import payments
from portal.callbacks import addresses, results
from portal.db import DB, Tx, atomic
from portal.errors import MpesaBusy, MpesaError
from portal.evidence import Inbound
from portal.mpesa import evidence
from portal.mpesa.doors import MpesaDoors
from portal.mpesa.initiated import ResultUrls
from portal.mpesa.initiator_codes import Verb, Verdict
from portal.mpesa.messages import Malformed
from portal.mpesa.questions import queue
from portal.mpesa.result_facts import Balance, Transaction, balances_of, transaction_of
from portal.mpesa.results import Result, read_result, timed_out
from portal.vault import Vault

__all__ = ["Answer", "answer_of", "ask", "due", "inbound_of", "queue", "result_urls", "take_answers", "take_result"]

log = logging.getLogger(__name__)

#: How long to wait for an answer before asking again, by how often it was asked; then it is given up, and told.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (2, 10, 30, 120, 480, 1440))
_KINDS = {"status": Verb.STATUS, "balance": Verb.BALANCE}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a question. `verdict` None: nothing yet; `error` is why M-Pesa did not take it, the last time."""

    id: int
    kind: str
    about: str
    account_id: int
    verdict: Verdict | None = None
    result_code: str = ""
    result_text: str = ""
    transaction: Transaction | None = None
    balances: tuple[Balance, ...] = ()
    error: str = ""


async def due(*, now: datetime, limit: int = 20) -> list[int]:
    """Questions to be asked now, the oldest first."""
    rows = await DB.fetch(
        """SELECT id FROM mpesa_enquiries WHERE answered_at IS NULL
           AND (next_try_at <= $1 OR (tries = 0 AND next_try_at IS NULL)) ORDER BY id LIMIT $2""",
        now,
        limit,
    )
    return [row["id"] for row in rows]


async def ask(enquiry_id: int, doors: MpesaDoors, *, now: datetime) -> str:
    """Ask one question that is due. Returns "asked", or the name of the error, which is kept on the row; repeatable."""
    async with atomic() as tx:
        row = await tx.row(
            """SELECT * FROM mpesa_enquiries WHERE id = $1 AND answered_at IS NULL
               AND (next_try_at <= $2 OR (tries = 0 AND next_try_at IS NULL)) FOR UPDATE SKIP LOCKED""",
            enquiry_id,
            now,
        )
        if row is None:
            return "not due"
        tries = row["tries"]
        again = now + WAITS[tries] if tries < len(WAITS) else None
        name = await addresses.of_request(tx, row["kind"], enquiry_id, account_id=row["account_id"], now=now)
        await tx.execute(
            "UPDATE mpesa_enquiries SET tries = tries + 1, next_try_at = $2 WHERE id = $1", enquiry_id, again
        )
    urls = result_urls(doors, name)
    try:
        daraja = await doors.for_account(row["account_id"])
        ack = await (
            daraja.ask_balance(urls=urls) if row["kind"] == "balance" else daraja.ask_status(row["about"], urls=urls)
        )
    except MpesaError as error:
        return await _not_taken(enquiry_id, error, now=now)
    async with atomic() as tx:
        await tx.execute(
            """UPDATE mpesa_enquiries SET asked_at = $2, originator_conversation_id = $3, conversation_id = $4, last_error = NULL
               WHERE id = $1""",
            enquiry_id,
            now,
            ack.originator_conversation_id,
            ack.conversation_id,
        )
    return "asked"


async def _not_taken(enquiry_id: int, error: MpesaError, *, now: datetime) -> str:
    """Keep why. What would be refused again is not repeated; a busy M-Pesa says when to come back."""
    log.warning("question not taken", extra={"enquiry": enquiry_id, "kind": type(error).__name__, "said": str(error)})
    again = now + timedelta(seconds=error.retry_after) if isinstance(error, MpesaBusy) else None
    async with atomic() as tx:
        await tx.execute(
            """UPDATE mpesa_enquiries SET last_error = $2,
                 next_try_at = CASE WHEN $4 THEN NULL ELSE greatest(next_try_at, $3) END WHERE id = $1""",
            enquiry_id,
            str(error)[:500],
            again,
            error.permanent,
        )
    return type(error).__name__


def result_urls(doors: MpesaDoors, name: str) -> ResultUrls:
    """The addresses of one request for its result; `name` is `addresses.of_request`'s."""
    return ResultUrls(
        result=doors.address(addresses.path(name, addresses.RESULT)),
        timeout=doors.address(addresses.path(name, addresses.TIMEOUT)),
    )


async def take_result(tx: Tx, came: results.Result) -> str:
    """Keep the answer on the question's row (a handler of `callbacks.on_result`). The first that decides stays.

    An answer from an address that is not M-Pesa's own, or a timeout, decides nothing: the question stays open and is repeated."""
    verb = _KINDS[came.kind]
    read = timed_out(came.body, verb=verb) if came.is_timeout else read_result(came.body, verb=verb)
    if isinstance(read, Malformed):
        return "unreadable"
    if not came.is_trusted:
        return "untrusted"
    if read.verdict in (Verdict.UNKNOWN, Verdict.BUSY):
        await tx.execute("UPDATE mpesa_enquiries SET last_error = $2 WHERE id = $1", came.request_id, _said(read))
        return f"open_{read.verdict}"
    taken = await tx.value(
        """UPDATE mpesa_enquiries SET answered_at = (SELECT received_at FROM callbacks WHERE id = $2), next_try_at = NULL,
             verdict = $3, result = $4::jsonb WHERE id = $1 AND answered_at IS NULL RETURNING id""",
        came.request_id,
        came.callback_id,
        Verdict.DONE.value if read.verdict is Verdict.ALREADY else read.verdict.value,
        json.dumps({"callback_id": came.callback_id, "code": read.result_code, "text": read.result_text}),
    )
    return "known" if taken is None else read.verdict.value


async def answer_of(enquiry_id: int) -> Answer:
    """What is known about a question so far, read again from the message that answered it."""
    row = await DB.row(
        """SELECT e.*, c.body FROM mpesa_enquiries e LEFT JOIN callbacks c ON c.id = (e.result->>'callback_id')::bigint
           WHERE e.id = $1""",
        enquiry_id,
    )
    assert row is not None  # questions are never deleted
    told = Answer(
        id=row["id"], kind=row["kind"], about=row["about"], account_id=row["account_id"], error=row["last_error"] or ""
    )
    read = read_result(row["body"], verb=_KINDS[row["kind"]]) if row["body"] is not None else None
    if not isinstance(read, Result):
        return told
    return msgspec.structs.replace(
        told,
        verdict=read.verdict,
        result_code=read.result_code,
        result_text=read.result_text,
        transaction=transaction_of(read) if row["kind"] == "status" and read.verdict is Verdict.DONE else None,
        balances=balances_of(read),
    )


async def inbound_of(answer: Answer) -> Inbound | None:
    """The money a status answer proves to have come to its account; None for anything else."""
    if answer.transaction is None:
        return None
    row = await DB.row("SELECT shortcode, party_b FROM mpesa_accounts WHERE id = $1", answer.account_id)
    if row is None:
        return None
    shortcodes = tuple({row["shortcode"], row["party_b"]} - {""})
    return evidence.of_status(answer.account_id, answer.transaction, shortcodes=shortcodes, is_trusted=True)


async def take_answers(*, vault: Vault, now: datetime) -> int:
    """Take in the money that answers prove, once each; returns how many were looked at. What became of it stands on the row."""
    rows = await DB.fetch(
        """SELECT id FROM mpesa_enquiries WHERE kind = 'status' AND verdict = 'done' AND NOT result ? 'taken'
           ORDER BY id LIMIT 50"""
    )
    for row in rows:
        inbound = await inbound_of(await answer_of(row["id"]))
        async with atomic() as tx:
            taken = None if inbound is None else await payments.take(tx, inbound, vault=vault, now=now)
            await tx.execute(
                "UPDATE mpesa_enquiries SET result = result || jsonb_build_object('taken', $2::text) WHERE id = $1",
                row["id"],
                "no money to us" if taken is None else str(taken.settled),
            )
    return len(rows)


def _said(read: Result) -> str:
    return f"{read.result_code} {read.result_text}".strip()[:500]


for _kind in _KINDS:
    results.on_result(_kind, take_result)
