"""Asking other rails what became of attempts nobody told us about, by our own reference. The sibling of `payments.enquire`."""

import logging
from datetime import datetime, timedelta

import msgspec

from portal import exchanges
from portal.db import DB, atomic
from portal.evidence import Outcome
from portal.exchanges import Asking, Exchange
from portal.payments.enquire import LONGEST_WAIT, WAITS, WATCH_FOR
from portal.rails import accounts, hearing
from portal.rails.doors import RailDoors
from portal.rails.errors import RailBusy, RailError
from portal.rails.interface import Answer, Observation, Proof
from portal.rails.starting import attempt_of
from portal.vault import Vault

log = logging.getLogger(__name__)

#: A page is paid on for a while: its questions begin later and are not made denser by a customer who only reads.
_AT_ONCE = 20
_NO_KEYS_AGAIN = timedelta(minutes=5)


class RailQuestion(msgspec.Struct, frozen=True):
    """A payment to ask about, by which account."""

    payment_id: int
    account_id: int


async def to_ask(*, now: datetime) -> list[RailQuestion]:
    """What is due, the newest first. Takes each turn by moving its next question, so that two workers never ask the same."""
    async with atomic() as tx:
        rows = await tx.fetch(
            """SELECT p.id, p.rail_account_id, p.queries, p.created_at FROM payments p
               JOIN rail_accounts a ON a.id = p.rail_account_id
               WHERE p.rail_account_id IS NOT NULL AND p.next_query_at <= $1 AND (a.query_free_at IS NULL OR a.query_free_at <= $1)
               AND p.status IN ('submitting', 'pending', 'unknown', 'failed')
               ORDER BY p.id DESC LIMIT $2 FOR UPDATE OF p SKIP LOCKED""",
            now,
            _AT_ONCE,
        )
        for row in rows:
            wait = WAITS[row["queries"]] if row["queries"] < len(WAITS) else LONGEST_WAIT
            again = now + wait if now - row["created_at"] < WATCH_FOR else None
            await tx.execute(
                "UPDATE payments SET queries = queries + 1, next_query_at = $2 WHERE id = $1", row["id"], again
            )
        return [RailQuestion(row["id"], row["rail_account_id"]) for row in rows]


async def ask(question: RailQuestion, doors: RailDoors, *, vault: Vault, now: datetime) -> str:
    """Ask about one payment and settle by the answer. What cannot be asked is asked again later."""
    row = await DB.row(
        """SELECT p.*, c.terms->>'name' AS package_name, c.token FROM payments p
           LEFT JOIN checkouts c ON c.id = p.checkout_id WHERE p.id = $1""",
        question.payment_id,
    )
    assert row is not None  # payments are never deleted
    asking = Asking("query", now=now)
    try:
        rail = await doors.for_account(question.account_id)
        answer = await rail.query(attempt_of(row, doors))
    except RailError as error:
        return await _not_told(question, error, asking.ended(error.code or "setup", error.message), now=now)
    exchange = asking.ended("not known" if answer.is_unknown else answer.why or answer.outcome.value, answer.said)
    async with atomic() as tx:
        await exchanges.keep(tx, question.payment_id, exchange)
        said = await hearing.settle(tx, row, _seen(row["account_reference"], answer), vault=vault, now=now)
    log.info("rail answered", extra={"payment": question.payment_id, "rail": row["method"], "outcome": said})
    return said


async def _not_told(question: RailQuestion, error: RailError, exchange: Exchange, *, now: datetime) -> str:
    """The account rests: a busy provider as long as it says, one that refuses our keys for some minutes."""
    is_busy = isinstance(error, RailBusy)
    async with atomic() as tx:
        await exchanges.keep(tx, question.payment_id, exchange)
    if not is_busy:
        await accounts.note_trouble(question.account_id, error.code, error.message, now=now)
    await _rest(
        question.account_id, now + (timedelta(seconds=min(error.retry_after, 300)) if is_busy else _NO_KEYS_AGAIN)
    )
    return "busy" if is_busy else "setup"


def _seen(reference: str, answer: Answer) -> Observation:
    """An answer we asked for over TLS is proof enough."""
    outcome = Outcome.OPEN if answer.is_unknown else answer.outcome
    return Observation(
        reference=reference, proof=Proof.ADDRESS, outcome=outcome, why=answer.why, said=answer.said, receipt=answer.receipt,
        amount_cents=answer.amount_cents, currency=answer.currency,
    )  # fmt: skip


async def _rest(account_id: int, until: datetime) -> None:
    await DB.fetch("UPDATE rail_accounts SET query_free_at = $2 WHERE id = $1", account_id, until)


async def came_back(checkout_token: str, *, now: datetime) -> None:
    """A payer is back from a provider's page: ask about it now, if the next question is not near anyway. Repeatable, and at most
    one question a few seconds: whoever reloads the page asks nobody more often."""
    await DB.fetch(
        """UPDATE payments p SET next_query_at = $2 FROM checkouts c
           WHERE c.token = $1 AND p.checkout_id = c.id AND p.pay_url IS NOT NULL AND p.status IN ('pending', 'unknown', 'failed')
           AND p.next_query_at > $3 AND p.queries < 40""",
        checkout_token,
        now,
        now + timedelta(seconds=5),
    )
