"""Giving money to what it is for: too little is kept for the rest to come, enough delivers, what is over is the customer's.

Steps only: whoever calls has the payment locked and the receipt's row in hand. A second receipt is `again`'s business."""

from datetime import datetime

from portal import access_grants, customer_credits, ledger, messages, vouchers
from portal.access_grants import Wish
from portal.agents.earning import earned
from portal.customer_credits import Credit
from portal.db import Tx
from portal.evidence import Road
from portal.ledger import Account, Entry, Kind
from portal.messages import Told
from portal.money import format_amount
from portal.payments import again, hold, kept, receipts, same_device, wallets
from portal.payments.booking import PAID, left_over, mark_paid, sale_entries, shop_name
from portal.payments.outcomes import Settled
from portal.payments.receipts import Money
from portal.payments.targets import Target
from portal.states import E, move, note
from portal.vault import Vault

#: After this long nobody looks at the waiting page any more: the code goes by SMS too.
PAGE_IS_LEFT_AFTER_S = 90


async def receive(tx: Tx, target: Target, paid: Money, *, vault: Vault, now: datetime) -> Settled:
    """Take money for a payment. The receipt, if any, must be seen for the first time, or come out of suspense."""
    if not paid.is_whole or paid.currency != target.payment["currency"]:
        return await hold.wrong_amount(tx, target, paid, now=now)
    if target.payment["subscriber_id"] is not None:
        return await wallets.receive(tx, target, paid, now=now)
    ends = target.voucher["expires_at"] if target.voucher is not None else None
    if target.payment["status"] in PAID or target.is_sold or target.terms is None or (ends and ends <= now):
        return await again.receive_again(tx, target, paid, now=now)
    held, own = await _held(tx, target), await kept.proved(tx, target, paid)
    if held.cents + own.cents + paid.amount_cents < target.price_cents:
        return await _part(tx, target, paid, held=held, now=now)
    if not held.cents and not own.cents:  # what is put together from several moneys buys what was asked for
        meanwhile = await same_device.bought_meanwhile(tx, target, now=now)
        if meanwhile is not None:
            return await again.receive_beside(tx, target, meanwhile, paid, now=now)
    return await _sell(tx, target, paid, held=held, own=own, vault=vault, now=now)


async def complete(tx: Tx, target: Target, paid: Money, *, vault: Vault, now: datetime) -> Settled:
    """The number has proved itself only after its money was taken as a part payment. `paid`: that money, of amount 0 by now."""
    held, own = await _held(tx, target), await kept.proved(tx, target, paid)
    if held.cents + own.cents < target.price_cents:
        return Settled.UNDERPAID
    return await _sell(tx, target, paid, held=held, own=own, vault=vault, now=now)


async def _held(tx: Tx, target: Target) -> Credit:
    """What came before towards this reference, locked."""
    holder = customer_credits.of_reference(target.reference)
    return await customer_credits.found_for(tx, target.merchant_id, holder) or Credit(0, 0)


async def _part(tx: Tx, target: Target, paid: Money, *, held: Credit, now: datetime) -> Settled:
    """Too little so far: nothing is delivered, the money is kept for this reference, payer and shop are told what is missing."""
    merchant_id, payment_id = target.merchant_id, target.payment["id"]
    total = held.cents + paid.amount_cents
    credit = await customer_credits.opened(tx, merchant_id, customer_credits.of_reference(target.reference), now=now)
    await ledger.book(
        tx, Kind.PART_PAYMENT, [paid.source, Entry(Account.CUSTOMER_CREDIT, -paid.amount_cents, credit.id)],
        merchant_id=merchant_id, payment_id=payment_id, receipt=paid.receipt, currency=paid.currency, now=now,
        note=f"asked for {target.price_cents}, got {total}",
    )  # fmt: skip
    await receipts.belongs(tx, paid.receipt_id, payment_id, merchant_id=merchant_id)
    await tx.execute("UPDATE payments SET received_cents = $2 WHERE id = $1", payment_id, total)
    await move(tx, "payments", payment_id, E.LOSE, at=now, actor=paid.road, data={"why": "too little"})
    data = {"road": paid.road, "receipt": paid.receipt, "amount_cents": paid.amount_cents, "so_far_cents": total}
    await note(tx, "payments", payment_id, "underpaid", merchant_id=merchant_id, at=now, actor=paid.road, data=data)
    params = {
        "shop": await shop_name(tx, merchant_id),
        "amount": format_amount(paid.amount_cents, paid.currency),
        "rest": format_amount(target.price_cents - total, paid.currency),
        "reference": target.reference,
    }
    for told in (Told.PART_PAYMENT, Told.SHOP_PART_PAYMENT):
        await messages.write(
            tx, told, str(paid.receipt), merchant_id=merchant_id, phone=paid.phone, params=params, now=now
        )
    return Settled.UNDERPAID


async def _sell(
    tx: Tx, target: Target, paid: Money, *, held: Credit, own: Credit, vault: Vault, now: datetime
) -> Settled:
    """Deliver and book. `own`: what is kept for the payer's number; of it only what is missing is taken."""
    payment_id, merchant_id = target.payment["id"], target.merchant_id
    came = held.cents + paid.amount_cents
    used = max(0, min(own.cents, target.price_cents - came))
    voucher_id = await _deliver(tx, target, paid, vault=vault, now=now)
    await receipts.belongs(tx, paid.receipt_id, payment_id, merchant_id=merchant_id)
    await mark_paid(tx, target, paid, received_cents=came + used, voucher_id=voucher_id, now=now)
    from_credit = [Entry(Account.CUSTOMER_CREDIT, cents, at) for cents, at in ((held.cents, held.id), (used, own.id))]
    entries = [paid.source, *(entry for entry in from_credit if entry.cents), *sale_entries(target)]
    entries += await left_over(tx, target, paid, came + used - target.price_cents, now=now)
    if used:
        data = {"kept_cents": used, "road": paid.road}
        await note(
            tx, "payments", payment_id, "credit_used", merchant_id=merchant_id, at=now, actor=paid.road, data=data
        )
    await ledger.book(
        tx, Kind.SALE, entries, merchant_id=merchant_id, payment_id=payment_id, receipt=None, currency=paid.currency,
        now=now, note=paid.reason[:120],
    )  # fmt: skip
    if target.voucher is not None and target.voucher["allotment_id"] is not None:
        await earned(
            tx, target.voucher, payment_id=payment_id, cash_cents=paid.amount_cents if paid.road == Road.CASH else 0,
            price_cents=target.price_cents, currency=paid.currency, now=now,
        )  # fmt: skip
    await _tell(tx, target, paid, voucher_id=voucher_id, now=now)
    return Settled.SOLD


async def _deliver(tx: Tx, target: Target, paid: Money, *, vault: Vault, now: datetime) -> int:
    """The voucher this money buys: made for a checkout, sold when it was waiting. A checkout's device is let in."""
    checkout, terms = target.checkout, target.terms
    assert terms is not None  # `receive` gives money for nothing to `again`
    if checkout is None:
        assert target.voucher is not None
        await vouchers.sell(tx, target.voucher["id"], at=now, actor=paid.road)
        return target.voucher["id"]
    issued = await vouchers.issue_paid(
        tx, terms, merchant_id=target.merchant_id, package_id=checkout["package_id"], router_id=checkout["router_id"],
        price_cents=checkout["price_cents"], vault=vault, now=now,
    )  # fmt: skip
    await tx.execute("UPDATE checkouts SET voucher_id = $2 WHERE id = $1", checkout["id"], issued.id)
    wish = Wish(
        merchant_id=target.merchant_id, router_id=checkout["router_id"], voucher_id=issued.id, mac=checkout["mac"],
        ip=checkout["ip"], terms=terms,
    )  # fmt: skip
    await access_grants.want(tx, wish, vault=vault, now=now)
    return issued.id


async def _tell(tx: Tx, target: Target, paid: Money, *, voucher_id: int, now: datetime) -> None:
    """The code by SMS, where no page shows it: bought by reference, or the payment came late. At most once per voucher."""
    checkout = target.checkout
    if checkout is not None and (now - checkout["created_at"]).total_seconds() < PAGE_IS_LEFT_AFTER_S:
        return
    params = {
        "shop": await shop_name(tx, target.merchant_id),
        "amount": format_amount(paid.amount_cents, paid.currency),
        "voucher_id": voucher_id,
    }
    await messages.write(
        tx, Told.VOUCHER_CODE, str(voucher_id), merchant_id=target.merchant_id, params=params, now=now,
        phone=paid.phone or target.payment["phone"] or None,
    )  # fmt: skip
