"""Papers of the demo shop: what it says of its taxes, receipts of its last sales, and invoices of its monthly customers. Made by the
verbs the pages use."""

from datetime import datetime

from portal.db import DB
from portal.demo.cast import MERCHANT
from portal.demo.owner import find_owner
from portal.invoices import bills, receipts, taxes

_TAXES = {
    "legal_name": f"{MERCHANT} Ltd", "pin": "P051234567X", "has_vat": "yes", "vat": "16", "address": "P.O. Box 1234, 00100 Nairobi",
    "receipt_prefix": "R", "invoice_prefix": "INV", "credit_prefix": "CN", "footer": "Asante sana. Keep this receipt.",
}  # fmt: skip
_RECEIPTS = 3


async def hand_out(*, now: datetime) -> None:
    """Once: nothing when the shop has said anything of taxes before, or is not the demo's any more."""
    owner = await find_owner()
    if owner is None or await DB.value(
        "SELECT EXISTS (SELECT FROM tax_settings WHERE merchant_id = $1)", owner.merchant_id
    ):
        return
    await taxes.change(owner, _TAXES, now=now)
    paid = await DB.fetch(
        """SELECT p.id FROM payments p WHERE merchant_id = $1 AND status = 'paid' AND subscriber_id IS NULL
           AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind = 'sale')
           ORDER BY paid_at DESC LIMIT $2""",
        owner.merchant_id,
        _RECEIPTS,
    )
    for payment in reversed(paid):
        await receipts.make(owner, payment["id"], now=now)
    await bills.make_all(owner, now=now)
