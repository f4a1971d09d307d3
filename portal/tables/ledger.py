"""The ledger: postings whose entries sum to zero. Nothing is ever edited."""

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, word
from portal.tables.merchants import Merchant
from portal.tables.payments import Payment


class LedgerPosting(Table, tablename="ledger_postings", db=DB, help_text="entries that sum to zero"):
    id = key()
    merchant_id = link(Merchant, "whose", index=True)
    payment_id = link(Payment, "by which payment", null=True, index=True)
    kind = word(16, "sale, suspense, extra_payment, refund or payout")
    receipt = word(20, "the money's receipt at the provider", null=True)
    note = word(120, "for people")
    created_at = moment("when", null=False)


class LedgerEntry(Table, tablename="ledger_entries", db=DB, help_text="one signed amount on one account"):
    id = key()
    posting_id = link(LedgerPosting, "of which posting", index=True)
    merchant_id = link(Merchant, "whose")
    account = word(
        24, "mpesa_clearing, cash, merchant_payable, commission, suspense, customer_credit, refunds or payouts"
    )
    amount_cents = cents("signed: what comes in is positive on clearing, what we owe is negative")
    currency = word(3, "ISO 4217", default="KES")
