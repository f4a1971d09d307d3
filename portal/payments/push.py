"""Sending the push: claim, commit, ask Daraja, write what it said. Never sent twice: a lost answer is "unknown", asked about
later. Keys and token are at hand before the claim: from there to Daraja nothing of ours is needed that may be away."""

import logging
from datetime import datetime, timedelta

import asyncpg
from asyncpg import Record

from portal import exchanges, faults
from portal.db import DB, atomic
from portal.errors import MpesaBusy, MpesaError, MpesaPromptOpen, MpesaUnknown
from portal.exchanges import Asking, Exchange
from portal.mpesa.client import Daraja
from portal.mpesa.doors import MpesaDoors
from portal.mpesa.messages import PushAccepted
from portal.patience import LOST_DATABASE, patiently
from portal.payments import kept, pace
from portal.states import E, move, note

log = logging.getLogger(__name__)

#: The first question about an accepted push: a customer needs a while for the PIN.
FIRST_QUERY_AFTER = timedelta(seconds=15)
#: A push nobody could send for this long is given up: the customer has left the page.
GIVE_UP_AFTER = timedelta(minutes=2)
#: A push whose sender died is stranded after this; Daraja's answer would have come by then.
STRANDED_AFTER = timedelta(seconds=45)
#: Only we know Daraja's answer: so long we try to write it down while the database is away.
HOLD_ANSWER_S = 30.0


async def push(payment_id: int, doors: MpesaDoors, *, now: datetime) -> str:
    """Send one payment's push if it still waits for that. Returns the status it ends in; repeatable."""
    account_id = await DB.value("SELECT account_id FROM payments WHERE id = $1 AND status = 'created'", payment_id)
    if account_id is None:
        return "not waiting"
    daraja = await _door(account_id, doors)
    payment = await _claim(payment_id, now=now)
    if payment is None:
        return "not waiting"
    faults.reach("push.claimed")
    asking = Asking("push", now=now)
    if isinstance(daraja, MpesaError):
        status = await _not_accepted(payment, daraja, asking.ended(_code(daraja), daraja.provider_message), now=now)
        await _heard(payment, daraja, now=now)
        return status
    try:
        accepted = await daraja.push(
            phone=payment["phone"],
            amount_cents=kept.asked_cents(payment),
            reference=payment["account_reference"],
            description=payment["package_name"] or "WiFi",
            callback_url=doors.callback_url(payment["callback_token"]),
        )
    except MpesaError as error:
        status = await _not_accepted(payment, error, asking.ended(_code(error), error.provider_message), now=now)
        await _heard(payment, error, now=now)
        return status
    exchange = asking.ended("accepted")
    faults.reach("push.answered")
    status = await patiently(lambda: _accepted(payment, accepted, exchange, now=now), within_s=HOLD_ANSWER_S)
    await _heard(payment, None, now=now)
    return status


async def _door(account_id: int, doors: MpesaDoors) -> Daraja | MpesaError:
    """The way to Daraja with a good token in hand, or why there is none."""
    try:
        daraja = await doors.for_account(account_id)
        await daraja.ensure_token()
    except MpesaError as error:
        return error
    except TimeoutError:
        return MpesaBusy("token", "no token to be had", retry_after=15)
    return daraja


async def _claim(payment_id: int, *, now: datetime) -> Record | None:
    async with atomic() as tx:
        moved = await move(
            tx,
            "payments",
            payment_id,
            E.SUBMIT,
            at=now,
            actor="worker",
            submitted_at=now,
            next_try_at=None,
            next_query_at=None,
        )
        if not moved:
            return None
        await tx.execute("UPDATE payments SET tries = tries + 1 WHERE id = $1", payment_id)
        return await tx.row(
            """SELECT p.*, c.terms->>'name' AS package_name FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id
               WHERE p.id = $1""",
            payment_id,
        )


async def _heard(payment: Record, error: MpesaError | None, *, now: datetime) -> None:
    """Learn from it whether M-Pesa is there at all; what became of this push matters more."""
    try:
        await pace.heard(payment["account_id"], error, now=now)
    except (*LOST_DATABASE, asyncpg.PostgresError):
        log.exception("not learnt from a push", extra={"payment": payment["id"]})


async def _accepted(payment: Record, accepted: PushAccepted, exchange: Exchange, *, now: datetime) -> str:
    """Daraja took it. The callback may have been faster: then only the ids are filled in."""
    async with atomic() as tx:
        await exchanges.keep(tx, payment["id"], exchange)
        if await move(
            tx, "payments", payment["id"], E.ACCEPT, at=now, actor="mpesa", next_query_at=now + FIRST_QUERY_AFTER,
            merchant_request_id=accepted.merchant_request_id, checkout_request_id=accepted.checkout_request_id,
        ):  # fmt: skip
            return "pending"
        await tx.execute(
            "UPDATE payments SET merchant_request_id = $2, checkout_request_id = coalesce(checkout_request_id, $3) WHERE id = $1",
            payment["id"],
            accepted.merchant_request_id,
            accepted.checkout_request_id,
        )
        return "settled before"


def _code(error: MpesaError) -> str:
    return "prompt_open" if isinstance(error, MpesaPromptOpen) else error.code[:24] or type(error).__name__


async def _not_accepted(payment: Record, error: MpesaError, exchange: Exchange, *, now: datetime) -> str:
    log.warning("push not accepted", extra={"payment": payment["id"], "kind": type(error).__name__, "said": str(error)})
    code = _code(error)
    data = {"said": str(error)}
    async with atomic() as tx:
        await exchanges.keep(tx, payment["id"], exchange)
        if isinstance(error, MpesaBusy) and now - payment["created_at"] < GIVE_UP_AFTER:
            again = now + timedelta(seconds=min(error.retry_after, 30))
            await move(tx, "payments", payment["id"], E.RETRY, at=now, actor="mpesa", data=data, next_try_at=again)
            return "created"
        is_lost = isinstance(error, MpesaUnknown)
        await move(
            tx, "payments", payment["id"], E.LOSE if is_lost else E.FAIL, at=now, actor="mpesa", data=data, result_code=code,
            result_text=error.provider_message[:500],
        )  # fmt: skip
        return "unknown" if is_lost else "failed"


async def to_push(*, now: datetime) -> list[int]:
    """Payments that wait to be pushed and nobody was woken for."""
    rows = await DB.fetch(
        "SELECT id FROM payments WHERE status = 'created' AND method = 'stk' AND next_try_at <= $1 ORDER BY id", now
    )
    return [row["id"] for row in rows]


async def find_stranded(*, now: datetime) -> int:
    """Pushes whose sender died between asking and writing: unknown, to be asked about; too old ones never sent: failed."""
    async with atomic() as tx:
        lost = await tx.fetch(
            "SELECT id, merchant_id FROM payments WHERE status = 'submitting' AND submitted_at < $1 FOR UPDATE SKIP LOCKED",
            now - STRANDED_AFTER,
        )
        for row in lost:
            await move(
                tx, "payments", row["id"], E.LOSE, at=now, actor="job:reconcile-payments", data={"why": "sender died"}
            )
            await note(tx, "payments", row["id"], "push_stranded", merchant_id=row["merchant_id"], at=now)
        stale = await tx.fetch(
            "SELECT id FROM payments WHERE status = 'created' AND method = 'stk' AND created_at < $1 FOR UPDATE SKIP LOCKED",
            now - GIVE_UP_AFTER,
        )
        for row in stale:
            await move(
                tx, "payments", row["id"], E.FAIL, at=now, actor="job:reconcile-payments", result_code="not_sent",
                result_text="M-Pesa could not be reached in time; no request was sent", next_try_at=None,
            )  # fmt: skip
        return len(lost) + len(stale)
