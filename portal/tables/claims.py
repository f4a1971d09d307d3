"""Claims: a customer says "I already paid" and names a receipt. A claim never is money itself."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, key, link, moment, word
from portal.tables.merchants import Merchant
from portal.tables.payments import Checkout


class Claim(Table, tablename="claims", db=DB, help_text="a customer says that a receipt paid for a checkout"):
    id = key()
    merchant_id = link(Merchant, "at whom", index=True)
    checkout_id = link(Checkout, "for which checkout")
    receipt = word(32, "as claimed, capitals")
    status = word(8, "open, linked or refused", default="open")
    outcome = word(24, "what came of it", null=True)
    created_at = moment("when", null=False)
    closed_at = moment("when it was linked or refused")
    claim_unique = Unique([checkout_id, receipt])
