"""Settle: evidence about a payment we asked for. First wins, the rest attach; late success always wins.

One transaction holds the receipt, the voucher, the posting, the grant and the wake-up of the router. A receipt settles one
payment only, and money that fits nothing is held, never swallowed."""

from datetime import datetime, timedelta

import msgspec
from asyncpg import Record

from portal import faults
from portal.db import Tx, atomic
from portal.evidence import Evidence, Outcome
from portal.ledger import Entry
from portal.payments import kept, out_of_suspense, receipts, targets
from portal.payments.booking import PAID
from portal.payments.outcomes import Settled
from portal.payments.receipts import Money
from portal.payments.receive import complete, receive
from portal.states import E, move, note
from portal.vault import Vault

#: After a final "did not answer" we ask again at these distances: late money may still come.
WATCH_AGAIN = timedelta(minutes=3)


async def settle(evidence: Evidence, *, vault: Vault, now: datetime) -> Settled:
    """Take one piece of evidence into account, once. Repeatable: a replay changes nothing and says KNOWN."""
    async with atomic() as tx:
        settled = await settle_in(tx, evidence, vault=vault, now=now)
        faults.reach("settle.inside")
    faults.reach("settle.committed")
    return settled


async def settle_in(tx: Tx, evidence: Evidence, *, vault: Vault, now: datetime) -> Settled:
    """The step of `settle`, for a verb that has its own transaction open."""
    payment = await tx.row("SELECT * FROM payments WHERE id = $1 FOR UPDATE", evidence.payment_id)
    if payment is None:
        raise LookupError(f"payment {evidence.payment_id} is gone")
    known_request = payment["checkout_request_id"]
    if evidence.checkout_request_id and known_request and evidence.checkout_request_id != known_request:
        await _note(tx, payment, "evidence_for_another_request", evidence, now=now)
        return Settled.WRONG_REQUEST
    if evidence.outcome is Outcome.PAID:
        return await _paid(tx, payment, evidence, vault=vault, now=now)
    if evidence.outcome is Outcome.OPEN:
        await _note(tx, payment, "evidence_not_final", evidence, now=now)
        return Settled.OPEN
    return await _failed(tx, payment, evidence, now=now)


async def _failed(tx: Tx, payment: Record, evidence: Evidence, *, now: datetime) -> Settled:
    watch = now + WATCH_AGAIN if evidence.outcome is Outcome.KEEP_WATCHING else None
    moved = await move(
        tx, "payments", payment["id"], E.FAIL, at=now, actor=evidence.road, data={"code": evidence.result_code},
        result_code=evidence.result_code, result_text=evidence.result_text[:500], next_query_at=watch,
        checkout_request_id=payment["checkout_request_id"] or evidence.checkout_request_id,
    )  # fmt: skip
    if not moved:
        await _note(tx, payment, "late_failure_ignored", evidence, now=now)
        return Settled.KNOWN
    return Settled.FAILED


async def _paid(tx: Tx, payment: Record, evidence: Evidence, *, vault: Vault, now: datetime) -> Settled:
    """A success: once per receipt. Without an amount (a query), what was asked for was paid."""
    amount = kept.asked_cents(payment) if evidence.amount_cents is None else evidence.amount_cents
    waits = await kept.came_before(tx, payment, evidence.receipt) if payment["status"] not in PAID else None
    if waits is not None:
        return await _proved(tx, payment, waits, evidence, vault=vault, now=now)
    if evidence.receipt is None and await _told_by_callback(tx, payment["id"]):
        return Settled.KNOWN
    rail = receipts.rail_of(evidence.road)
    account, _ = await receipts.clearing(tx, rail, payment["account_id"], rail_account_id=payment["rail_account_id"])
    paid = Money(
        road=evidence.road, rail=rail, amount_cents=amount, currency=payment["currency"], receipt=evidence.receipt,
        receipt_id=None, account_id=payment["account_id"], phone=payment["phone"] or None, payer_hint="",
        source=Entry(account, amount),
    )  # fmt: skip
    waiting = None
    if evidence.receipt and amount > 0:
        seen = await receipts.see(
            tx, rail=rail, receipt=evidence.receipt, amount_cents=amount, currency=payment["currency"],
            road=evidence.road, merchant_id=payment["merchant_id"], account_id=payment["account_id"],
            payment_id=payment["id"], phone=payment["phone"] or None, now=now,
        )  # fmt: skip
        known = await _known(tx, payment, seen, evidence, now=now)
        if known is not None:
            return known
        paid = msgspec.structs.replace(paid, receipt_id=seen["id"])
        if not seen["is_new"]:
            waiting = await out_of_suspense.open_row(tx, seen["id"])
            if waiting is None or seen["amount_cents"] != amount:  # decided about already, or not the same money
                await _note(tx, payment, "receipt_used_already", evidence, now=now)
                return Settled.RECEIPT_USED
            paid = msgspec.structs.replace(paid, source=out_of_suspense.source(waiting))
    await tx.execute(
        """UPDATE payments SET checkout_request_id = coalesce(checkout_request_id, $2), result_text = $3,
                               next_query_at = NULL WHERE id = $1""",
        payment["id"],
        evidence.checkout_request_id,
        evidence.result_text[:500],
    )
    settled = await receive(tx, await targets.load(tx, payment), paid, vault=vault, now=now)
    if waiting is not None and settled not in out_of_suspense.STAYS:
        await out_of_suspense.close(tx, waiting, "attached", by=evidence.road, now=now)
    return settled


async def _proved(
    tx: Tx, payment: Record, waits: Record, evidence: Evidence, *, vault: Vault, now: datetime
) -> Settled:
    """The push's own money was told by another road first; now its number has proved itself, and what is kept for it counts."""
    account, _ = await receipts.clearing(tx, waits["rail"], waits["account_id"])
    paid = Money(
        road=evidence.road, rail=waits["rail"], amount_cents=0, currency=payment["currency"], receipt=waits["receipt"],
        receipt_id=waits["id"], account_id=waits["account_id"], phone=payment["phone"] or None, payer_hint="",
        source=Entry(account, 0),
    )  # fmt: skip
    return await complete(tx, await targets.load(tx, payment), paid, vault=vault, now=now)


async def _known(tx: Tx, payment: Record, seen: Record, evidence: Evidence, *, now: datetime) -> Settled | None:
    """What there is to say about a receipt that was seen before; None when its money is still to be given."""
    if seen["is_new"]:
        # Receipts of before the table of receipts stand on payments only.
        other = await tx.value(
            """SELECT id FROM payments WHERE receipt = $1 AND id <> $2
               AND (CASE WHEN method IN ('airtel','paystack','cash','manual') THEN method ELSE 'mpesa' END) = $3""",
            evidence.receipt,
            payment["id"],
            receipts.rail_of(evidence.road),
        )
        if other is None:
            return Settled.KNOWN if payment["receipt"] == evidence.receipt else None
        await receipts.belongs(tx, seen["id"], other, merchant_id=payment["merchant_id"])
    elif seen["payment_id"] is None:
        return None
    elif await _same_sale(tx, seen["payment_id"], payment):
        return Settled.KNOWN
    await _note(tx, payment, "receipt_used_already", evidence, now=now)
    return Settled.RECEIPT_USED


async def _told_by_callback(tx: Tx, payment_id: int) -> bool:
    """Whether the push's own callback came with a receipt: then a query speaks of the same money, whatever its amount was."""
    return await tx.value(
        """SELECT EXISTS (SELECT FROM receipts WHERE payment_id = $1
                          AND 'stk_callback' = ANY(string_to_array(roads, ' ')))""",
        payment_id,
    )


async def _same_sale(tx: Tx, payment_id: int, payment: Record) -> bool:
    """Whether a receipt's payment is this one, or the one that was made for a second receipt of the same thing."""
    if payment_id == payment["id"]:
        return True
    return await tx.value(
        "SELECT submitted_at IS NULL AND coalesce(checkout_id = $2, voucher_id = $3, false) FROM payments WHERE id = $1",
        payment_id,
        payment["checkout_id"],
        payment["voucher_id"],
    )


async def _note(tx: Tx, payment: Record, name: str, evidence: Evidence, *, now: datetime) -> None:
    data = {
        "road": evidence.road,
        "code": evidence.result_code,
        "receipt": evidence.receipt,
        "amount_cents": evidence.amount_cents,
    }
    await note(
        tx, "payments", payment["id"], name, merchant_id=payment["merchant_id"], at=now, actor=evidence.road, data=data
    )
