"""Papers of the demo shop: what it says of its taxes, receipts of its last sales, and invoices of its monthly customers. Made by the
verbs the pages use."""

from datetime import datetime

from portal.db import DB
from portal.demo.cast import MERCHANT, OWNER
from portal.identity import Actor, Role
from portal.invoices import bills, receipts, taxes

_TAXES = {
    "legal_name": f"{MERCHANT} Ltd", "pin": "P051234567X", "has_vat": "yes", "vat": "16", "address": "P.O. Box 1234, 00100 Nairobi",
    "receipt_prefix": "R", "invoice_prefix": "INV", "credit_prefix": "CN", "footer": "Asante sana. Keep this receipt.",
}  # fmt: skip
_RECEIPTS = 3


async def hand_out(*, now: datetime) -> None:
    """Once: nothing when the shop has said anything of taxes before, or is not the demo's any more."""
    row = await DB.row(
        """SELECT u.id, u.name, m.merchant_id FROM users u JOIN memberships m ON m.user_id = u.id
           WHERE u.email = $1 AND NOT EXISTS (SELECT FROM tax_settings t WHERE t.merchant_id = m.merchant_id)""",
        OWNER.email,
    )
    if row is None:
        return
    owner = Actor(
        user_id=row["id"], merchant_id=row["merchant_id"], role=Role.OWNER, is_operator=False, name=row["name"],
        email=OWNER.email,
    )  # fmt: skip
    await taxes.change(owner, _TAXES, now=now)
    paid = await DB.fetch(
        """SELECT p.id FROM payments p WHERE merchant_id = $1 AND status = 'paid' AND subscriber_id IS NULL
           AND EXISTS (SELECT FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind = 'sale')
           ORDER BY paid_at DESC LIMIT $2""",
        row["merchant_id"],
        _RECEIPTS,
    )
    for payment in reversed(paid):
        await receipts.make(owner, payment["id"], now=now)
    await bills.make_all(owner, now=now)
