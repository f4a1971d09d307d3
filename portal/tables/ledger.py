"""The ledger: postings whose entries sum to zero. Nothing is ever edited."""

from portal.db import DB
from portal.tables.agents import Agent
from portal.tables.base import Table, cents, key, link, moment, number, word
from portal.tables.credits import Credit
from portal.tables.merchants import Merchant
from portal.tables.payments import Payment
from portal.tables.subscribers import SubscriberBill


class LedgerPosting(Table, tablename="ledger_postings", db=DB, help_text="entries that sum to zero"):
    id = key()
    merchant_id = link(Merchant, "whose; null: the platform's", null=True, index=True)
    payment_id = link(Payment, "by which payment", null=True, index=True)
    bill_id = link(SubscriberBill, "of which subscriber's bill; each is debited once", null=True, index=True)
    kind = word(16, "why: see portal.ledger.KINDS")
    receipt = word(32, "the money's receipt at the provider", null=True)
    reverses_id = number("the posting this one takes back; each at most once", null=True)
    note = word(120, "for people")
    created_at = moment("when", null=False)


class LedgerEntry(Table, tablename="ledger_entries", db=DB, help_text="one signed amount on one account"):
    id = key()
    posting_id = link(LedgerPosting, "of which posting", index=True)
    merchant_id = link(Merchant, "whose; null: the platform's", null=True)
    account = word(24, "one of portal.ledger.Account")
    credit_id = link(Credit, "which customer's, on customer_credit", null=True, index=True)
    agent_id = link(Agent, "which agent's, on agents and agent_commission", null=True)
    amount_cents = cents("signed: what comes in is positive on clearing, what we owe is negative")
    currency = word(3, "ISO 4217", default="KES")
