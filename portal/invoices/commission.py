"""What the platform took of a merchant in a month: its commission by way and rate, fees of payouts, the cost of SMS.

Summed from the ledger, posting by posting, so that the totals are the movements of its accounts."""

from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from portal.db import DB
from portal.errors import Invalid
from portal.identity import Actor
from portal.invoices import taxes, vat
from portal.invoices.looks import bounds
from portal.invoices.taxes import Taxes
from portal.merchants import profile
from portal.payouts import rights
from portal.payouts.statements import NO_MONTH


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold by a way at a rate; `way` is a payment's method, "bill" (of subscribers) or "" (no payment: mended by hand).
    What was given back counts against its way. `rate_bp` None: the rate was not kept."""

    way: str
    rate_bp: int | None
    count: int
    sold_cents: int
    commission_cents: int


class Commission(msgspec.Struct, frozen=True, kw_only=True):
    """A month's. `by` is who takes it and says so; `vat_cents` the VAT inside what it took. All in cents; what was taken is
    positive."""

    month: date
    by: Taxes
    to: Taxes
    shop: str
    currency: str
    lines: list[Sold]
    payout_fees_cents: int
    payouts: int
    sms_cents: int
    messages: int

    @property
    def sold_cents(self) -> int:
        """Sold in all."""
        return sum(line.sold_cents for line in self.lines)

    @property
    def commission_cents(self) -> int:
        """Commission in all: what the account `commission` moved by."""
        return sum(line.commission_cents for line in self.lines)

    @property
    def total_cents(self) -> int:
        """Commission, fees and messages."""
        return self.commission_cents + self.payout_fees_cents + self.sms_cents

    @property
    def vat_cents(self) -> int:
        """The VAT inside, line by line."""
        parts = (self.commission_cents, self.payout_fees_cents, self.sms_cents)
        return sum(vat.inside(abs(cents), self.by.vat_bp) * (-1 if cents < 0 else 1) for cents in parts)


_LINES = """
SELECT CASE WHEN l.bill_id IS NOT NULL THEN 'bill' ELSE coalesce(p.method, '') END AS way,
       coalesce(b.commission_bp, p.commission_bp, c.commission_bp) AS rate_bp,
       count(DISTINCT l.id) FILTER (WHERE l.kind IN ('sale', 'bill', 'extra_payment', 'credit_use', 'resolution')) AS count,
       -sum(e.amount_cents)::bigint AS sold_cents,
       -coalesce(sum(e.amount_cents) FILTER (WHERE e.account = 'commission'), 0)::bigint AS commission_cents
FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id LEFT JOIN payments p ON p.id = l.payment_id
LEFT JOIN checkouts c ON c.id = p.checkout_id LEFT JOIN subscriber_bills b ON b.id = l.bill_id
WHERE e.merchant_id = $1 AND l.created_at >= $2 AND l.created_at < $3 AND e.account IN ('merchant_payable', 'commission')
  AND NOT EXISTS (SELECT FROM ledger_entries o WHERE o.posting_id = l.id AND o.account IN ('payouts', 'payout_fees', 'sms_cost'))
GROUP BY 1, 2 HAVING sum(e.amount_cents) <> 0 OR sum(e.amount_cents) FILTER (WHERE e.account = 'commission') <> 0
ORDER BY 1, 2 NULLS LAST"""
_FEES = """
SELECT -coalesce(sum(e.amount_cents) FILTER (WHERE e.account = 'payout_fees'), 0)::bigint AS fees,
       count(DISTINCT l.id) FILTER (WHERE e.account = 'payout_fees' AND l.kind = 'payout') AS payouts,
       -coalesce(sum(e.amount_cents) FILTER (WHERE e.account = 'sms_cost'), 0)::bigint AS sms,
       count(DISTINCT l.id) FILTER (WHERE e.account = 'sms_cost' AND l.kind = 'sms') AS messages
FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id
WHERE e.merchant_id = $1 AND l.created_at >= $2 AND l.created_at < $3 AND e.account IN ('payout_fees', 'sms_cost')"""


async def commission(actor: Actor, month: str) -> Commission:
    """The statement of "2026-11", in the merchant's own days; for owners and managers. Invalid: no month."""
    merchant_id = rights.reader(actor)
    merchant = await profile(merchant_id)
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise Invalid({"month": NO_MONTH}) from error
    begin, end = bounds(first, ZoneInfo(merchant.timezone))
    rows = await DB.fetch(_LINES, merchant_id, begin, end)
    fees = await DB.row(_FEES, merchant_id, begin, end)
    assert fees is not None  # sums
    return Commission(
        month=first, by=await taxes.of(None), to=await taxes.of(merchant_id), shop=merchant.name, currency=merchant.currency,
        lines=[Sold(**dict(row)) for row in rows], payout_fees_cents=fees["fees"], payouts=fees["payouts"],
        sms_cents=fees["sms"], messages=fees["messages"],
    )  # fmt: skip
