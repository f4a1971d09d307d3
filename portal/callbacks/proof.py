"""Successes nobody vouches for: they came to the right address, but not from M-Pesa's. M-Pesa is asked; while it is silent, a
merchant lends a little trust; what M-Pesa then denies is taken back, and told.

Verdicts: waiting → confirmed or denied by an answer, or lent by silence; lent → confirmed or denied."""

from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal import access_grants, ledger, payments
from portal.callbacks.store import CallbackRoad
from portal.db import DB, Tx, atomic
from portal.evidence import Evidence, Outcome
from portal.mpesa import evidence
from portal.payments import Settled, pace, same_device, targets
from portal.states import E, move, note
from portal.vault import Vault

#: How long M-Pesa may take to say whether a success is true, before trust is lent.
SILENT_AFTER = timedelta(seconds=3)
#: Trust is lent to somebody who waits at the router; later M-Pesa's answer is waited for.
LEND_WITHIN = timedelta(minutes=10)
ASK_AGAIN = timedelta(seconds=60)
#: Of so many turns one is for what was lent. Every look takes a number, and who may not ask gives the turn back at once: with
#: others waiting, lent ones are one question in three, and the others' fair turns still come round.
LENT_TURN = 5
_PAID = ("paid", "refund_pending", "refunded")


class LentQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery on trust M-Pesa is to be asked about, by which account."""

    callback_id: int
    payment_id: int
    account_id: int
    checkout_request_id: str


async def ask(tx: Tx, payment_id: int, *, now: datetime) -> None:
    """Have M-Pesa asked about a payment as soon as its turn comes."""
    await tx.execute("UPDATE payments SET next_query_at = $2 WHERE id = $1 AND status <> 'paid'", payment_id, now)


async def ask_forgotten(*, now: datetime) -> int:
    """A failure told in between ends the questions about a payment; a success that waits for proof needs its answer all the same.
    Returns how many payments are asked about again."""
    rows = await DB.fetch(
        """UPDATE payments p SET next_query_at = $1 FROM callbacks c
           WHERE c.payment_id = p.id AND c.verdict = 'waiting' AND c.answered_at IS NULL AND p.next_query_at IS NULL
           AND p.status IN ('pending', 'unknown', 'failed') AND p.checkout_request_id IS NOT NULL RETURNING p.id""",
        now,
    )
    return len(rows)


async def wait(tx: Tx, row: Record, found: Evidence, *, now: datetime) -> str:
    """A message that may be forged: ask, believe later. What names another request is no evidence at all."""
    known = await tx.row("SELECT checkout_request_id, status FROM payments WHERE id = $1 FOR UPDATE", row["payment_id"])
    assert known is not None  # rows of callbacks keep their payment from going
    if known["checkout_request_id"] and found.checkout_request_id != known["checkout_request_id"]:
        return str(Settled.WRONG_REQUEST)
    if known["status"] in _PAID:
        return str(Settled.KNOWN)
    if found.outcome is Outcome.PAID:
        await tx.execute("UPDATE callbacks SET verdict = 'waiting' WHERE id = $1 AND verdict IS NULL", row["id"])
    await ask(tx, row["payment_id"], now=now)
    return str(Settled.TO_VERIFY)


async def confirm(tx: Tx, payment_id: int, *, now: datetime) -> None:
    """Somebody who is believed says that the payment was made. That money came for a delivery taken back is told: settling keeps
    it for the payer, or lets the sale stand again; a person should look."""
    rows = await tx.fetch(
        """UPDATE callbacks c SET verdict = 'confirmed', answered_at = $2 FROM callbacks was
           WHERE c.payment_id = $1 AND c.verdict IN ('waiting', 'lent', 'denied') AND was.id = c.id
           RETURNING c.merchant_id, was.verdict = 'denied' AND c.lent_cents IS NOT NULL AS is_late""",
        payment_id,
        now,
    )
    for row in rows:
        if row["is_late"]:
            await note(
                tx, "payments", payment_id, "money_after_denial", merchant_id=row["merchant_id"], at=now, actor="mpesa"
            )


async def asked(payment_id: int, *, now: datetime) -> None:
    """A question about a payment is on its way to M-Pesa: from now on its silence counts."""
    await DB.fetch(
        "UPDATE callbacks SET asked_at = $2 WHERE payment_id = $1 AND verdict = 'waiting' AND asked_at IS NULL",
        payment_id,
        now,
    )


async def answered(payment_id: int, said: str, *, now: datetime) -> None:
    """What the question came to: an outcome of settling, or the kind of error. Busy or badly set up is neither an answer nor
    silence: the next question counts."""
    if said == "MpesaUnknown":
        return
    async with atomic() as tx:
        status = await tx.value("SELECT status FROM payments WHERE id = $1", payment_id)
        if said not in set(Settled):
            await tx.execute(
                "UPDATE callbacks SET asked_at = NULL WHERE payment_id = $1 AND verdict = 'waiting'", payment_id
            )
        elif status in _PAID:
            await confirm(tx, payment_id, now=now)
        elif status == "failed" and said != Settled.OPEN:
            await _refuse(tx, payment_id, now=now)
        else:
            await tx.execute(
                "UPDATE callbacks SET answered_at = $2 WHERE payment_id = $1 AND verdict = 'waiting'", payment_id, now
            )


async def _refuse(tx: Tx, payment_id: int, *, now: datetime) -> None:
    """M-Pesa says no: the success was forged."""
    rows = await tx.fetch(
        """UPDATE callbacks SET verdict = 'denied', answered_at = $2, outcome = 'denied'
           WHERE payment_id = $1 AND verdict = 'waiting' RETURNING id, merchant_id, source""",
        payment_id,
        now,
    )
    for row in rows:
        await note(
            tx, "callbacks", row["id"], "success_denied", merchant_id=row["merchant_id"], at=now, actor="mpesa",
            data={"payment_id": payment_id, "source": row["source"]},
        )  # fmt: skip


async def lend_due(*, vault: Vault, now: datetime) -> int:
    """Deliver what waits while M-Pesa is silent, as far as its merchants lend. Returns how many were delivered."""
    rows = await DB.fetch(
        """SELECT c.id FROM callbacks c JOIN payments p ON p.id = c.payment_id
           WHERE c.verdict = 'waiting' AND c.road = $4 AND c.answered_at IS NULL AND c.asked_at <= $1 AND c.received_at > $2
           AND p.status <> ALL($3) ORDER BY c.id LIMIT 100""",
        now - SILENT_AFTER,
        now - LEND_WITHIN,
        list(_PAID),
        CallbackRoad.STK.value,
    )
    return sum([await _lend(row["id"], vault=vault, now=now) for row in rows])


async def _lend(callback_id: int, *, vault: Vault, now: datetime) -> bool:
    async with atomic() as tx:
        row = await tx.row("SELECT * FROM callbacks WHERE id = $1 AND verdict = 'waiting' FOR UPDATE", callback_id)
        if row is None:
            return False
        # Merchants lend one at a time: two deliveries at once must not both see room for themselves.
        limit = await tx.value(
            "SELECT unverified_limit_cents FROM merchants WHERE id = $1 FOR NO KEY UPDATE", row["merchant_id"]
        )
        payment = await tx.row("SELECT * FROM payments WHERE id = $1 FOR UPDATE", row["payment_id"])
        found = evidence.of_callback(row["payment_id"], row["body"])
        if payment is None or found is None or not _fits(payment, found):
            return False
        lent = await tx.value(
            "SELECT coalesce(sum(lent_cents), 0)::bigint FROM callbacks WHERE merchant_id = $1 AND verdict = 'lent'",
            row["merchant_id"],
        )
        if lent + payment["amount_cents"] > limit:
            return False
        if await same_device.bought_meanwhile(tx, await targets.load(tx, payment), now=now) is not None:
            return False  # its device is online by another's payment: nobody waits, and that voucher is not to be taken back
        # Its receipt is not believed: the true one comes by a road that is.
        plain = msgspec.structs.replace(found, receipt=None)
        if await payments.settle_in(tx, plain, vault=vault, now=now) is not Settled.SOLD:
            return False
        await tx.execute(
            "UPDATE callbacks SET verdict = 'lent', lent_cents = $2, asked_at = $3, outcome = 'unverified' WHERE id = $1",
            callback_id,
            payment["amount_cents"],
            now,
        )
        await note(
            tx, "payments", payment["id"], "delivered_unverified", merchant_id=row["merchant_id"], at=now, actor="mpesa",
            data={"callback_id": callback_id, "amount_cents": payment["amount_cents"]},
        )  # fmt: skip
        return True


def _fits(payment: Record, found: Evidence) -> bool:
    """Everything that can be checked without M-Pesa."""
    return (
        payment["status"] not in _PAID
        and found.outcome is Outcome.PAID
        and found.amount_cents == payment["amount_cents"]
        and found.checkout_request_id == payment["checkout_request_id"]
    )


async def lent_questions(*, now: datetime) -> list[LentQuestion]:
    """Deliveries on trust to ask about, the longest unasked first: by every account whose turn it is, and one turn in three where
    others wait too. Takes the turn: `pace.ended` gives it back."""
    rows = await DB.fetch(
        """SELECT DISTINCT p.account_id FROM callbacks c JOIN payments p ON p.id = c.payment_id
           WHERE c.verdict = 'lent' AND c.asked_at <= $1 AND p.checkout_request_id IS NOT NULL AND p.account_id IS NOT NULL""",
        now - ASK_AGAIN,
    )
    if not rows:
        return []
    async with atomic() as tx:
        turns = await pace.take_turns(tx, [row["account_id"] for row in rows], now=now)
        asked = [await _next_lent(tx, turn, now=now) for turn in turns]
    return [question for question in asked if question is not None]


async def _next_lent(tx: Tx, turn: pace.Turn, *, now: datetime) -> LentQuestion | None:
    row = None
    if turn.number % LENT_TURN == 1:
        row = await tx.row(
            """UPDATE callbacks c SET asked_at = $3 FROM payments p WHERE p.id = c.payment_id AND c.id = (
                 SELECT c.id FROM callbacks c JOIN payments p ON p.id = c.payment_id
                 WHERE c.verdict = 'lent' AND c.asked_at <= $2 AND p.account_id = $1 AND p.checkout_request_id IS NOT NULL
                 ORDER BY c.asked_at LIMIT 1 FOR UPDATE OF c SKIP LOCKED)
               RETURNING c.id, c.payment_id, p.checkout_request_id""",
            turn.account_id,
            now - ASK_AGAIN,
            now,
        )
    if row is None:
        await pace.give_back(tx, turn.account_id, at=now)
        return None
    return LentQuestion(
        callback_id=row["id"], payment_id=row["payment_id"], account_id=turn.account_id,
        checkout_request_id=row["checkout_request_id"],
    )  # fmt: skip


async def judge(question: LentQuestion, outcome: Outcome, *, now: datetime) -> str:
    """M-Pesa's answer about a delivery on trust. Returns the verdict; repeatable."""
    async with atomic() as tx:
        if outcome is Outcome.PAID:
            await confirm(tx, question.payment_id, now=now)
            return "confirmed"
        if outcome is Outcome.OPEN:
            return "lent"
        row = await tx.row(
            """UPDATE callbacks SET verdict = 'denied', answered_at = $2, outcome = 'denied'
               WHERE id = $1 AND verdict = 'lent' RETURNING merchant_id, source, lent_cents""",
            question.callback_id,
            now,
        )
        if row is None:
            return "judged before"
        await _take_back(tx, question, row, now=now)
        return "denied"


async def _take_back(tx: Tx, question: LentQuestion, row: Record, *, now: datetime) -> None:
    """The money never came: the sale is reversed in the books, and access ends if the merchant wants it so. The payment stays
    where it is (nothing that was paid ever fails); its event says what happened."""
    sale = await tx.value(
        "SELECT id FROM ledger_postings WHERE payment_id = $1 AND kind = 'sale' ORDER BY id LIMIT 1",
        question.payment_id,
    )
    if sale is not None:
        await ledger.reverse(tx, sale, why="M-Pesa denies a payment delivered unverified", now=now)
    merchant = await tx.row("SELECT unverified_denied FROM merchants WHERE id = $1", row["merchant_id"])
    voucher_id: int | None = await tx.value(
        """SELECT coalesce(p.voucher_id, c.voucher_id) FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id
           WHERE p.id = $1""",
        question.payment_id,
    )
    is_ended = False
    if merchant is not None and merchant["unverified_denied"] == "end" and voucher_id is not None:
        is_ended = await move(
            tx, "vouchers", voucher_id, E.REVOKE, at=now, actor="mpesa", data={"why": "payment denied"}, ended_at=now,
            ended_why="revoked",
        )  # fmt: skip
        await access_grants.end_for(tx, [voucher_id], now=now, actor="mpesa")
    await note(
        tx, "payments", question.payment_id, "unverified_denied", merchant_id=row["merchant_id"], at=now, actor="mpesa",
        data={"amount_cents": row["lent_cents"], "source": row["source"], "is_ended": is_ended},
    )  # fmt: skip
