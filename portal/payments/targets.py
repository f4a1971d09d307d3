"""What a payment is for: a checkout, a voucher whose reference somebody paid, or a subscriber's wallet. Locks it, in one order
for every road."""

from datetime import datetime

import msgspec
from asyncpg import Record

from portal import codes, customer_credits
from portal.db import Tx
from portal.merchants import COMMISSION_BP
from portal.terms import Terms, decode_terms


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A payment with what it buys, all locked. `reference` is what its payer types by hand; `terms` None: it buys nothing."""

    payment: Record
    checkout: Record | None
    voucher: Record | None
    reference: str
    commission_bp: int
    terms: Terms | None

    @property
    def merchant_id(self) -> int:
        """Whose sale it is."""
        return self.payment["merchant_id"]

    @property
    def price_cents(self) -> int:
        """What is asked for, frozen."""
        return self.payment["amount_cents"]

    @property
    def is_sold(self) -> bool:
        """Whether it was paid for already, by whatever payment."""
        return self.voucher is not None and self.voucher["status"] != "unsold"

    def holder(self, phone: str | None) -> str:
        """Who money that is left over is kept for: the phone that paid, else whoever can name the reference."""
        return customer_credits.of_phone(phone) if phone else customer_credits.of_reference(self.reference)


async def load(tx: Tx, payment: Record) -> Target:
    """The payment's target. `payment` must be locked already; then its checkout, then its voucher."""
    checkout = voucher = None
    if payment["checkout_id"] is not None:
        checkout = await tx.row("SELECT * FROM checkouts WHERE id = $1 FOR UPDATE", payment["checkout_id"])
    voucher_id = payment["voucher_id"] or (checkout and checkout["voucher_id"])
    if voucher_id is not None:
        voucher = await tx.row("SELECT * FROM vouchers WHERE id = $1 FOR UPDATE", voucher_id)
    bought = checkout or voucher
    return Target(
        payment=payment,
        checkout=checkout,
        voucher=voucher,
        reference=voucher["payment_reference"] if voucher and not checkout else payment["account_reference"],
        commission_bp=await _commission_bp(tx, payment, checkout),
        terms=decode_terms(bought["terms"]) if bought else None,
    )


async def _commission_bp(tx: Tx, payment: Record, checkout: Record | None) -> int:
    if payment["commission_bp"] is not None:
        return payment["commission_bp"]
    if checkout is not None:
        return checkout["commission_bp"]
    return await commission_bp(tx, payment["merchant_id"])


async def commission_bp(tx: Tx, merchant_id: int) -> int:
    """The merchant's commission now, in basis points: its own, or its kind's."""
    row = await tx.row("SELECT kind, commission_bp FROM merchants WHERE id = $1", merchant_id)
    assert row is not None  # a foreign key says so
    return COMMISSION_BP[row["kind"]] if row["commission_bp"] is None else row["commission_bp"]


async def new_payment(
    tx: Tx, *, merchant_id: int, method: str, amount_cents: int, currency: str, now: datetime, phone: str | None = None,
    checkout_id: int | None = None, voucher_id: int | None = None, account_id: int | None = None,
    commission: int | None = None, subscriber_id: int | None = None,
) -> Record:  # fmt: skip
    """A payment nobody was asked for: money that came by itself, or over the counter. Locked, as it is new."""
    while True:
        row = await tx.row(
            """INSERT INTO payments (merchant_id, checkout_id, voucher_id, account_id, method, amount_cents, currency, phone,
                                     commission_bp, account_reference, callback_token, created_at, subscriber_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING RETURNING *""",
            merchant_id,
            checkout_id,
            voucher_id,
            account_id,
            method,
            amount_cents,
            currency,
            phone or "",
            commission,
            codes.payment_reference(),
            codes.hex_token(32),
            now,
            subscriber_id,
        )
        if row is not None:
            return row


async def for_voucher(
    tx: Tx, voucher_id: int, *, method: str, phone: str | None, account_id: int | None, now: datetime
) -> Record:
    """The open payment that buys this voucher, or a new one at the voucher's price and today's commission; locked."""
    voucher = await tx.row("SELECT * FROM vouchers WHERE id = $1 FOR UPDATE", voucher_id)
    assert voucher is not None  # the caller has just found it
    found = await tx.row(
        """SELECT * FROM payments WHERE voucher_id = $1 AND checkout_id IS NULL
           AND status IN ('created', 'pending', 'unknown', 'failed') ORDER BY id DESC LIMIT 1 FOR UPDATE""",
        voucher_id,
    )
    if found is not None:
        return found
    merchant_id = voucher["merchant_id"]
    return await new_payment(
        tx, merchant_id=merchant_id, method=method, amount_cents=voucher["price_cents"], voucher_id=voucher_id,
        currency=await tx.value("SELECT currency FROM merchants WHERE id = $1", merchant_id), phone=phone,
        account_id=account_id, commission=await commission_bp(tx, merchant_id), now=now,
    )  # fmt: skip


async def for_subscriber(
    tx: Tx,
    subscriber_id: int,
    *,
    method: str,
    amount_cents: int,
    phone: str | None,
    account_id: int | None,
    now: datetime,
) -> Record:
    """A new payment into a subscriber's wallet: whatever came is what is asked for. Locked, as it is new."""
    row = await tx.row(
        """SELECT s.merchant_id, m.currency FROM subscribers s JOIN merchants m ON m.id = s.merchant_id WHERE s.id = $1""",
        subscriber_id,
    )
    assert row is not None  # the caller has just found it
    return await new_payment(
        tx, merchant_id=row["merchant_id"], method=method, amount_cents=amount_cents, currency=row["currency"], phone=phone,
        account_id=account_id, commission=await commission_bp(tx, row["merchant_id"]), subscriber_id=subscriber_id, now=now,
    )  # fmt: skip
