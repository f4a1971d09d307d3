"""What a first and a second receipt have in common: marking a payment paid, whose money the price is, what is left over."""

from datetime import datetime

from portal import customer_credits, money
from portal.db import Tx
from portal.ledger import Account, Entry
from portal.payments.receipts import Money
from portal.payments.targets import Target
from portal.states import E, move, note

#: Statuses of a payment that was paid, whatever became of it since.
PAID = frozenset({"paid", "refund_pending", "refunded"})
_METHODS = {
    "stk_callback": "stk",
    "stk_query": "stk",
    "cash": "cash",
    "manual": "manual",
    "airtel": "airtel",
    "paystack": "paystack",
}


def method_of(road: str) -> str:
    """How money of this road was paid, as payments name it."""
    return _METHODS.get(road, "c2b")


async def mark_paid(
    tx: Tx, target: Target, paid: Money, *, received_cents: int, voucher_id: int | None, now: datetime
) -> None:
    """Move the payment to paid, whatever it was before: late success wins."""
    data = {"receipt": paid.receipt} | ({"reason": paid.reason} if paid.reason else {})
    payment = target.payment
    await move(
        tx, "payments", payment["id"], E.PAY, at=now, actor=paid.road, data=data, paid_at=now, receipt=paid.receipt,
        received_cents=received_cents, voucher_id=voucher_id, result_code="0", next_query_at=None, next_try_at=None,
        phone=payment["phone"] or paid.phone or "",
    )  # fmt: skip


def sale_entries(target: Target) -> list[Entry]:
    """The merchant's and our part of the price; together they are the price, to the cent."""
    fee, rest = money.split(target.price_cents, target.commission_bp)
    return [Entry(Account.MERCHANT_PAYABLE, -rest), Entry(Account.COMMISSION, -fee)]


async def left_over(tx: Tx, target: Target, paid: Money, cents: int, *, now: datetime) -> list[Entry]:
    """What is over is the customer's: to be used next time, or given back."""
    if cents == 0:
        return []
    holder = target.holder(paid.phone or target.payment["phone"] or None)
    credit = await customer_credits.opened(tx, target.merchant_id, holder, now=now)
    await note(
        tx, "payments", target.payment["id"], "overpaid", merchant_id=target.merchant_id, at=now, actor=paid.road,
        data={"kept_cents": cents, "receipt": paid.receipt},
    )  # fmt: skip
    return [Entry(Account.CUSTOMER_CREDIT, -cents, credit.id)]


async def shop_name(tx: Tx, merchant_id: int) -> str:
    """How the shop signs its messages."""
    return await tx.value("SELECT name FROM merchants WHERE id = $1", merchant_id)
