"""Asking Daraja for the outcome of a push. About five questions a minute are allowed, so what somebody may be looking at goes
first, and every third question goes to who waits longest: the newest never starve the old. How fast: `pace`."""

import logging
import time
from datetime import datetime, timedelta

import msgspec

from portal import alerts, exchanges
from portal.db import DB, Tx, atomic
from portal.errors import MpesaError
from portal.exchanges import Asking
from portal.mpesa import evidence
from portal.mpesa.doors import MpesaDoors
from portal.mpesa.messages import QueryAnswer
from portal.mpesa.result_codes import Meaning
from portal.payments import pace
from portal.payments.settle import settle
from portal.states import note
from portal.vault import Vault

log = logging.getLogger(__name__)

#: How long to wait before the next question, by how many were asked: 15, 30, 60, 90 s, 3, 10, 30 min, then hourly for two days.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (15, 30, 60, 90, 180, 600, 1800))
LONGEST_WAIT = timedelta(hours=1)
#: Afterwards nobody asks by query any more; the payment stays as it is, and Pull, statement or a person may still settle it.
WATCH_FOR = timedelta(hours=48)
#: So long after Pay somebody may be looking at the waiting page.
LOOKED_AT = timedelta(minutes=10)
#: Every so many questions one goes to who is overdue the longest.
FAIR_TURN = 3
#: An id M-Pesa does not know after so many questions is told to a person. It fails nothing.
NOT_FOUND_AFTER = 6
NOT_FOUND = "payment_not_found"


class Question(msgspec.Struct, frozen=True):
    """A payment to ask about, by which account."""

    payment_id: int
    account_id: int
    checkout_request_id: str


_DUE = """SELECT DISTINCT account_id FROM payments WHERE status IN ('pending', 'unknown', 'failed') AND next_query_at <= $1
          AND checkout_request_id IS NOT NULL AND account_id IS NOT NULL ORDER BY account_id"""
_NEXT = """
SELECT id, checkout_request_id, queries, created_at FROM payments
WHERE account_id = $1 AND status IN ('pending', 'unknown', 'failed') AND next_query_at <= $2 AND checkout_request_id IS NOT NULL
ORDER BY CASE WHEN $3 THEN false ELSE created_at <= $4 END, CASE WHEN NOT $3 AND created_at > $4 THEN queries END,
  CASE WHEN NOT $3 AND created_at > $4 THEN -id END, next_query_at, id
LIMIT 1 FOR UPDATE SKIP LOCKED"""


async def to_enquire(*, now: datetime) -> list[Question]:
    """At most one question per app, for accounts that may ask now. Takes the app's turn, so two workers never ask at
    once; `enquire` gives it back."""
    due = [row["account_id"] for row in await DB.fetch(_DUE, now)]
    if not due:
        return []
    async with atomic() as tx:
        asked = [await _next(tx, turn, now=now) for turn in await pace.take_turns(tx, due, now=now)]
    return [question for question in asked if question is not None]


async def _next(tx: Tx, turn: pace.Turn, *, now: datetime) -> Question | None:
    is_fair = turn.number % FAIR_TURN == 0
    row = await tx.row(_NEXT, turn.account_id, now, is_fair, now - LOOKED_AT)
    if row is None:  # somebody else settled it meanwhile
        await pace.give_back(tx, turn.account_id, at=now)
        return None
    wait = WAITS[row["queries"]] if row["queries"] < len(WAITS) else LONGEST_WAIT
    again = now + wait if now - row["created_at"] < WATCH_FOR else None
    await tx.execute("UPDATE payments SET queries = queries + 1, next_query_at = $2 WHERE id = $1", row["id"], again)
    return Question(row["id"], turn.account_id, row["checkout_request_id"])


async def enquire(question: Question, doors: MpesaDoors, *, vault: Vault, now: datetime) -> str:
    """Ask about one payment and settle by the answer. An error is not an answer: it is asked again later."""
    asking, began = Asking("query", now=now), time.monotonic()
    try:
        daraja = await doors.for_account(question.account_id)
        answer = await daraja.query(question.checkout_request_id)
    except MpesaError as error:
        log.warning("query not answered", extra={"payment": question.payment_id, "said": str(error)})
        await exchanges.kept(
            question.payment_id, asking.ended(error.code or type(error).__name__, error.provider_message)
        )
        await pace.ended(question.account_id, error, took=_since(began), now=now)
        return type(error).__name__
    await exchanges.kept(question.payment_id, asking.ended(answer.result_code, answer.result_text))
    await pace.ended(question.account_id, None, took=_since(began), now=now)
    if answer.meaning is Meaning.UNKNOWN:
        await _not_found(question, answer, now=now)
    return await settle(evidence.of_query(question.payment_id, answer), vault=vault, now=now)


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)


async def _not_found(question: Question, answer: QueryAnswer, *, now: datetime) -> None:
    """M-Pesa knows nothing, or says what nobody listed: told once after some tries, for a person to resolve; never a failure."""
    async with atomic() as tx:
        row = await tx.row(
            "SELECT merchant_id, queries FROM payments WHERE id = $1 AND status IN ('pending', 'unknown')",
            question.payment_id,
        )
        if row is None or row["queries"] < NOT_FOUND_AFTER:
            return
        data = {"code": answer.result_code, "said": answer.result_text[:200], "queries": row["queries"]}
        subject = f"payments:{question.payment_id}"
        if await alerts.begin(tx, NOT_FOUND, subject, now=now, merchant_id=row["merchant_id"], data=data):
            await note(
                tx, "payments", question.payment_id, NOT_FOUND, merchant_id=row["merchant_id"], at=now, actor="mpesa",
                data=data,
            )  # fmt: skip
