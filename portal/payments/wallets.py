"""Money for a subscriber: into the wallet, whatever the amount; what is due is paid out of it at once, and access follows.

Steps only: whoever calls has the payment locked and the receipt's row in hand."""

from datetime import datetime

from portal import ledger
from portal.db import Tx
from portal.ledger import Account, Entry, Kind
from portal.payments import again, hold, receipts, targets
from portal.payments.booking import PAID, mark_paid, method_of
from portal.payments.outcomes import Settled
from portal.payments.receipts import Money
from portal.payments.targets import Target
from portal.subscribers import billing


async def receive(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Settled:
    """Take money for a payment of a subscriber. A second receipt for one payment is a payment of its own, into the same wallet;
    money for a subscriber who is closed waits for a person."""
    payment = target.payment
    if payment["status"] in PAID:
        if paid.receipt is None:
            return Settled.KNOWN
        if payment["receipt"] is None and paid.amount_cents == await again.believed(tx, payment["id"]):
            return await again.add_receipt(tx, target, paid, now=now)
        extra = await targets.for_subscriber(
            tx, payment["subscriber_id"], method=method_of(paid.road), amount_cents=paid.amount_cents, phone=paid.phone,
            account_id=paid.account_id, now=now,
        )  # fmt: skip
        target = await targets.load(tx, extra)
    closed = await tx.value("SELECT closed_at IS NOT NULL FROM subscribers WHERE id = $1", payment["subscriber_id"])
    if closed and paid.receipt_id is not None:
        return await hold.in_suspense(tx, paid, "over", merchant_id=target.merchant_id, now=now)
    return await _fill(tx, target, paid, now=now)


async def _fill(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Settled:
    payment_id, subscriber_id = target.payment["id"], target.payment["subscriber_id"]
    credit_id = await tx.value("SELECT credit_id FROM subscribers WHERE id = $1 FOR UPDATE", subscriber_id)
    await receipts.belongs(tx, paid.receipt_id, payment_id, merchant_id=target.merchant_id)
    await mark_paid(tx, target, paid, received_cents=paid.amount_cents, voucher_id=None, now=now)
    await ledger.book(
        tx, Kind.WALLET, [paid.source, Entry(Account.CUSTOMER_CREDIT, -paid.amount_cents, credit_id)],
        merchant_id=target.merchant_id, payment_id=payment_id, receipt=paid.receipt, currency=paid.currency, now=now,
        note=paid.reason[:120],
    )  # fmt: skip
    held = await billing.proceed(tx, subscriber_id, now=now, actor=paid.road, has_paid=True)
    await billing.tell_paid(tx, held, paid.amount_cents, payment_id=payment_id, now=now)
    return Settled.CREDITED
