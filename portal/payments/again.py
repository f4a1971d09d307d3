"""A second receipt for the same thing: never swallowed. The merchant's policy says whether it adds time, is kept for the customer,
or goes back."""

from datetime import datetime

import msgspec
from asyncpg import Record

from portal import customer_credits, ledger, messages, vouchers
from portal.db import Tx
from portal.ledger import Account, Entry, Kind
from portal.messages import Told
from portal.money import format_amount
from portal.payments import hold, receipts, refunds, targets
from portal.payments.booking import PAID, left_over, mark_paid, method_of, sale_entries, shop_name
from portal.payments.outcomes import Settled
from portal.payments.receipts import Money
from portal.payments.targets import Target
from portal.states import note


async def receive_again(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Settled:
    """Take money for something that is paid for, over, or buys nothing."""
    payment, voucher = target.payment, target.voucher
    if payment["status"] in PAID:
        if paid.receipt is None:
            return Settled.KNOWN
        if payment["receipt"] is None and paid.amount_cents == await believed(tx, payment["id"]):
            return await add_receipt(tx, target, paid, now=now)
        if payment["receipt"] is None and await _may_stand_again(tx, target, paid):
            return await _sell_again(tx, target, paid, now=now)
    if target.checkout is None and voucher is not None and voucher["paid_at"] is None:
        return await hold.in_suspense(tx, paid, "over", merchant_id=target.merchant_id, now=now)
    return await _by_policy(tx, await _own_payment(tx, target, paid, now=now), paid, now=now)


async def receive_beside(tx: Tx, target: Target, voucher: Record, paid: Money, *, now: datetime) -> Settled:
    """Take money of another attempt for a device that has got its voucher meanwhile."""
    return await _by_policy(tx, msgspec.structs.replace(target, voucher=voucher), paid, now=now)


async def believed(tx: Tx, payment_id: int) -> int | None:
    """What was booked as come in for a payment on a query's word alone."""
    return await tx.value(
        """SELECT e.amount_cents FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id
           WHERE l.payment_id = $1 AND l.receipt IS NULL AND l.kind IN ('sale', 'extra_payment', 'wallet') AND e.amount_cents > 0
           AND e.account <> 'customer_credit' AND NOT EXISTS (SELECT FROM ledger_postings o WHERE o.reverses_id = l.id)""",
        payment_id,
    )


async def _may_stand_again(tx: Tx, target: Target, paid: Money) -> bool:
    """Whether this is the money of a sale that was taken back because it was denied, and its voucher still runs."""
    if paid.amount_cents != target.price_cents or target.voucher is None:
        return False
    taken_back = await tx.value(
        """SELECT EXISTS (SELECT FROM ledger_postings l JOIN ledger_postings o ON o.reverses_id = l.id
                          WHERE l.payment_id = $1 AND l.kind = 'sale')""",
        target.payment["id"],
    )
    return taken_back and target.voucher["status"] in ("paid", "in_use")


async def _sell_again(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Settled:
    """The money of a sale that was taken back came after all: the sale is booked anew, under its receipt."""
    payment_id, merchant_id = target.payment["id"], target.merchant_id
    await tx.execute("UPDATE payments SET receipt = $2 WHERE id = $1", payment_id, paid.receipt)
    await receipts.belongs(tx, paid.receipt_id, payment_id, merchant_id=merchant_id)
    await ledger.book(
        tx, Kind.SALE, [paid.source, *sale_entries(target)], merchant_id=merchant_id, payment_id=payment_id,
        receipt=paid.receipt, currency=paid.currency, now=now, note="denied before, and paid after all",
    )  # fmt: skip
    data = {"road": paid.road, "receipt": paid.receipt}
    await note(tx, "payments", payment_id, "receipt_added", merchant_id=merchant_id, at=now, actor=paid.road, data=data)
    return Settled.RECEIPT_ADDED


async def add_receipt(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Settled:
    """The receipt of money that was believed before it had one. Held in suspense meanwhile, it was booked twice: taken back."""
    payment_id, merchant_id = target.payment["id"], target.merchant_id
    await tx.execute("UPDATE payments SET receipt = $2 WHERE id = $1", payment_id, paid.receipt)
    await receipts.belongs(tx, paid.receipt_id, payment_id, merchant_id=merchant_id)
    if paid.source.account is Account.SUSPENSE:
        account, _ = await receipts.clearing(tx, paid.rail, paid.account_id)
        back = Entry(account, -paid.amount_cents, is_platform=paid.source.is_platform)
        await ledger.book(
            tx, Kind.RESOLUTION, [paid.source, back], merchant_id=merchant_id, payment_id=payment_id,
            receipt=paid.receipt, currency=paid.currency, now=now, note="the receipt of a payment known before",
        )  # fmt: skip
    data = {"road": paid.road, "receipt": paid.receipt}
    await note(tx, "payments", payment_id, "receipt_added", merchant_id=merchant_id, at=now, actor=paid.road, data=data)
    return Settled.RECEIPT_ADDED


async def _own_payment(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Target:
    """Every receipt beyond the first is a payment of its own, so that it can be shown and given back by itself."""
    if target.payment["status"] not in PAID:
        return target
    extra = await targets.new_payment(
        tx, merchant_id=target.merchant_id, method=method_of(paid.road), amount_cents=target.price_cents,
        currency=paid.currency, phone=paid.phone or target.payment["phone"], checkout_id=target.payment["checkout_id"],
        voucher_id=target.voucher["id"] if target.voucher else None, account_id=paid.account_id,
        commission=target.commission_bp, now=now,
    )  # fmt: skip
    return await targets.load(tx, extra)


async def _by_policy(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Settled:
    policy = await tx.value("SELECT second_receipt FROM merchants WHERE id = $1", target.merchant_id)
    voucher, payment_id = target.voucher, target.payment["id"]
    await receipts.belongs(tx, paid.receipt_id, payment_id, merchant_id=target.merchant_id)
    await mark_paid(
        tx, target, paid, received_cents=paid.amount_cents, voucher_id=voucher["id"] if voucher else None, now=now
    )
    if policy == "extend" and voucher is not None and target.terms and paid.amount_cents >= target.price_cents:
        if await vouchers.extend(tx, voucher["id"], target.terms, now=now, actor=paid.road):
            return await _extended(tx, target, paid, now=now)
    elif policy == "refund" and paid.receipt_id is not None:
        await refunds.want(
            tx, paid.receipt_id, paid.source, amount_cents=paid.amount_cents, merchant_id=target.merchant_id,
            payment_id=payment_id, currency=paid.currency, by="policy", why="paid twice", now=now,
        )  # fmt: skip
        await _tell_shop(tx, target, paid, now=now)
        return Settled.REFUNDING
    return await _kept(tx, target, paid, now=now)


async def _extended(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Settled:
    entries = [paid.source, *sale_entries(target)]
    entries += await left_over(tx, target, paid, paid.amount_cents - target.price_cents, now=now)
    await ledger.book(
        tx, Kind.SALE, entries, merchant_id=target.merchant_id, payment_id=target.payment["id"], receipt=None,
        currency=paid.currency, now=now, note="a second receipt: time added",
    )  # fmt: skip
    await _tell_payer(tx, Told.TIME_ADDED, target, paid, now=now)
    await _tell_shop(tx, target, paid, now=now)
    return Settled.EXTENDED


async def _kept(tx: Tx, target: Target, paid: Money, *, now: datetime) -> Settled:
    holder = target.holder(paid.phone or target.payment["phone"] or None)
    credit = await customer_credits.opened(tx, target.merchant_id, holder, now=now)
    await ledger.book(
        tx, Kind.EXTRA_PAYMENT, [paid.source, Entry(Account.CUSTOMER_CREDIT, -paid.amount_cents, credit.id)],
        merchant_id=target.merchant_id, payment_id=target.payment["id"], receipt=paid.receipt, currency=paid.currency,
        now=now,
    )  # fmt: skip
    data = {"road": paid.road, "receipt": paid.receipt, "kept_cents": paid.amount_cents}
    await note(
        tx, "payments", target.payment["id"], "extra_payment", merchant_id=target.merchant_id, at=now, actor=paid.road,
        data=data,
    )  # fmt: skip
    await _tell_payer(tx, Told.MONEY_KEPT, target, paid, now=now)
    await _tell_shop(tx, target, paid, now=now)
    return Settled.CREDITED


async def _tell_payer(tx: Tx, told: Told, target: Target, paid: Money, *, now: datetime) -> None:
    params = {
        "shop": await shop_name(tx, target.merchant_id),
        "amount": format_amount(paid.amount_cents, paid.currency),
        "voucher_id": target.voucher["id"] if target.voucher else None,
    }
    await messages.write(
        tx, told, f"payment:{target.payment['id']}", merchant_id=target.merchant_id, params=params, now=now,
        phone=paid.phone or target.payment["phone"] or None,
    )  # fmt: skip


async def _tell_shop(tx: Tx, target: Target, paid: Money, *, now: datetime) -> None:
    params = {"amount": format_amount(paid.amount_cents, paid.currency), "receipt": paid.receipt or ""}
    await messages.write(
        tx, Told.SHOP_EXTRA, f"payment:{target.payment['id']}", merchant_id=target.merchant_id, phone=None,
        params=params, now=now,
    )  # fmt: skip
