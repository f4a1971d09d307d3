"""Settle: the one verb for all evidence about a payment. First wins, the rest attach; late success always wins.

One transaction holds the voucher, the posting, the grant and the wake-up of the router. A receipt settles one payment only,
and money that fits nothing is held in suspense, never swallowed."""

from datetime import datetime, timedelta

from asyncpg import Record

from portal import access_grants, customer_credits, faults, ledger, money, vouchers
from portal.access_grants import Wish
from portal.db import Tx, atomic
from portal.evidence import Evidence, Outcome
from portal.ledger import Account, Entry
from portal.payments.outcomes import Settled
from portal.states import E, move, note
from portal.terms import decode_terms
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
    seen = await _booked_for(tx, evidence.receipt) if evidence.receipt else None
    if seen is not None and seen != payment["id"]:
        await _note(tx, payment, "receipt_used_already", evidence, now=now)
        return Settled.RECEIPT_USED
    if seen is not None:
        return Settled.KNOWN
    amount = payment["amount_cents"] if evidence.amount_cents is None else evidence.amount_cents
    if payment["status"] in ("paid", "refund_pending", "refunded"):
        return await _already_paid(tx, payment, evidence, amount=amount, now=now)
    if amount != payment["amount_cents"]:
        return await _wrong_amount(tx, payment, evidence, amount=amount, now=now)
    await move(
        tx, "payments", payment["id"], E.PAY, at=now, actor=evidence.road, data={"receipt": evidence.receipt}, paid_at=now,
        receipt=evidence.receipt, received_cents=amount, result_code=evidence.result_code,
        result_text=evidence.result_text[:500], next_query_at=None, next_try_at=None,
        checkout_request_id=payment["checkout_request_id"] or evidence.checkout_request_id,
    )  # fmt: skip
    return await _deliver(tx, payment, evidence, amount=amount, vault=vault, now=now)


async def _booked_for(tx: Tx, receipt: str) -> int | None:
    """The payment this receipt's money was booked for, as a sale or held."""
    return await tx.value(
        """SELECT id FROM payments WHERE receipt = $1
           UNION ALL SELECT payment_id FROM ledger_postings WHERE receipt = $1 LIMIT 1""",
        receipt,
    )


async def _deliver(tx: Tx, payment: Record, evidence: Evidence, *, amount: int, vault: Vault, now: datetime) -> Settled:
    checkout = await tx.row("SELECT * FROM checkouts WHERE id = $1 FOR UPDATE", payment["checkout_id"])
    if checkout is None or checkout["voucher_id"] is not None:
        # The checkout was paid by another attempt: this money buys nothing new, and is kept where the shop sees it.
        await _hold(tx, payment, evidence, amount=amount, kind="extra_payment", account="customer_credit", now=now)
        return Settled.EXTRA_MONEY
    terms = decode_terms(checkout["terms"])
    issued = await vouchers.issue_paid(
        tx, terms, merchant_id=payment["merchant_id"], package_id=checkout["package_id"], router_id=checkout["router_id"],
        price_cents=checkout["price_cents"], vault=vault, now=now,
    )  # fmt: skip
    await tx.execute("UPDATE checkouts SET voucher_id = $2 WHERE id = $1", checkout["id"], issued.id)
    fee = money.commission(amount, checkout["commission_bp"])
    await ledger.post(
        tx, "sale", {"mpesa_clearing": amount, "merchant_payable": fee - amount, "commission": -fee},
        merchant_id=payment["merchant_id"], payment_id=payment["id"], receipt=None, currency=payment["currency"], now=now,
    )  # fmt: skip
    wish = Wish(
        merchant_id=payment["merchant_id"], router_id=checkout["router_id"], voucher_id=issued.id, mac=checkout["mac"],
        ip=checkout["ip"], terms=terms,
    )  # fmt: skip
    await access_grants.want(tx, wish, vault=vault, now=now)
    return Settled.SOLD


async def _already_paid(tx: Tx, payment: Record, evidence: Evidence, *, amount: int, now: datetime) -> Settled:
    if not evidence.receipt:
        return Settled.KNOWN
    if payment["receipt"] is None and amount == payment["amount_cents"]:
        await tx.execute("UPDATE payments SET receipt = $2 WHERE id = $1", payment["id"], evidence.receipt)
        await _note(tx, payment, "receipt_added", evidence, now=now)
        return Settled.RECEIPT_ADDED
    await _hold(tx, payment, evidence, amount=amount, kind="extra_payment", account="customer_credit", now=now)
    return Settled.EXTRA_MONEY


async def _wrong_amount(tx: Tx, payment: Record, evidence: Evidence, *, amount: int, now: datetime) -> Settled:
    """The money is real but not what was asked for: nothing is granted, the amount is held in suspense for the shop to decide."""
    await _hold(tx, payment, evidence, amount=amount, kind="suspense", account="suspense", now=now)
    columns = {"received_cents": amount, "result_code": evidence.result_code, "next_query_at": None}
    if not await move(
        tx, "payments", payment["id"], E.LOSE, at=now, actor=evidence.road, data={"why": "wrong amount"}, **columns
    ):
        await tx.execute(
            "UPDATE payments SET received_cents = $2, next_query_at = NULL WHERE id = $1", payment["id"], amount
        )
    return Settled.WRONG_AMOUNT


async def _hold(
    tx: Tx, payment: Record, evidence: Evidence, *, amount: int, kind: str, account: str, now: datetime
) -> None:
    if amount > 0:
        credit_id = None
        if account == ledger.Account.CUSTOMER_CREDIT:
            credit_id = (
                await customer_credits.opened(
                    tx, payment["merchant_id"], customer_credits.of_phone(payment["phone"]), now=now
                )
            ).id
        entries = [Entry(Account.MPESA_CLEARING, amount), Entry(Account(account), -amount, credit_id)]
        await ledger.post(
            tx, kind, entries, merchant_id=payment["merchant_id"],
            payment_id=payment["id"], receipt=evidence.receipt, currency=payment["currency"], now=now,
            note=f"asked for {payment['amount_cents']}, got {amount}",
        )  # fmt: skip
    await _note(tx, payment, kind, evidence, now=now)


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
