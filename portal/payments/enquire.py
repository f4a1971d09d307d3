"""Asking Daraja for the outcome of a push: about five questions a minute are allowed, so the newest waiting payment goes first."""

import logging
from datetime import datetime, timedelta

import msgspec

from portal import exchanges
from portal.db import atomic
from portal.errors import MpesaError
from portal.exchanges import Asking, Exchange
from portal.mpesa import evidence
from portal.mpesa.doors import MpesaDoors
from portal.payments.settle import settle
from portal.vault import Vault

log = logging.getLogger(__name__)

#: How long to wait before the next question, by how many were asked: 15, 30, 60, 90 s, 3, 10, 30 min, then hourly for two days.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (15, 30, 60, 90, 180, 600, 1800))
LONGEST_WAIT = timedelta(hours=1)
WATCH_FOR = timedelta(hours=48)
#: Between two questions of one account: the sandbox allows five in 60 s, one at a time.
BETWEEN_QUESTIONS = timedelta(seconds=12.5)


class Question(msgspec.Struct, frozen=True):
    """A payment to ask about, by which account."""

    payment_id: int
    account_id: int
    checkout_request_id: str


async def to_enquire(*, now: datetime) -> list[Question]:
    """At most one question per account, for accounts that may ask now: the newest waiting payment, which somebody may be
    looking at. Takes the account's turn, so two workers never ask at once."""
    questions: list[Question] = []
    async with atomic() as tx:
        free = await tx.fetch(
            """UPDATE mpesa_accounts a SET query_free_at = $2
               WHERE (query_free_at IS NULL OR query_free_at <= $1) AND EXISTS (
                 SELECT FROM payments p WHERE p.account_id = a.id AND p.status IN ('pending', 'unknown', 'failed')
                 AND p.next_query_at <= $1 AND p.checkout_request_id IS NOT NULL) RETURNING id""",
            now,
            now + BETWEEN_QUESTIONS,
        )
        for account in free:
            row = await tx.row(
                """SELECT id, checkout_request_id, queries, created_at FROM payments
                   WHERE account_id = $1 AND status IN ('pending', 'unknown', 'failed') AND next_query_at <= $2
                   AND checkout_request_id IS NOT NULL ORDER BY queries > 3, id DESC LIMIT 1 FOR UPDATE SKIP LOCKED""",
                account["id"],
                now,
            )
            if row is None:
                continue
            wait = WAITS[row["queries"]] if row["queries"] < len(WAITS) else LONGEST_WAIT
            again = now + wait if now - row["created_at"] < WATCH_FOR else None
            await tx.execute(
                "UPDATE payments SET queries = queries + 1, next_query_at = $2 WHERE id = $1", row["id"], again
            )
            questions.append(Question(row["id"], account["id"], row["checkout_request_id"]))
    return questions


async def enquire(question: Question, doors: MpesaDoors, *, vault: Vault, now: datetime) -> str:
    """Ask about one payment and settle by the answer. An error is not an answer: it is asked again later."""
    asking = Asking("query", now=now)
    try:
        daraja = await doors.for_account(question.account_id)
        answer = await daraja.query(question.checkout_request_id)
    except MpesaError as error:
        log.warning("query not answered", extra={"payment": question.payment_id, "said": str(error)})
        await _keep(question, asking.ended(error.code or type(error).__name__, error.provider_message))
        return type(error).__name__
    await _keep(question, asking.ended(answer.result_code, answer.result_text))
    return await settle(evidence.of_query(question.payment_id, answer), vault=vault, now=now)


async def _keep(question: Question, exchange: Exchange) -> None:
    async with atomic() as tx:
        await exchanges.keep(tx, question.payment_id, exchange)
