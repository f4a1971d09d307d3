"""Money that is nobody's yet, and money that is to go back."""

from piccolo.columns import Boolean
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, text, word
from portal.tables.merchants import Merchant
from portal.tables.payments import Payment
from portal.tables.receipts import Receipt


class Suspense(Table, tablename="suspense", db=DB, help_text="money that is nobody's yet; waits for a person"):
    id = key()
    merchant_id = link(Merchant, "at whose account it came in; null: at the platform's", null=True)
    receipt_id = link(Receipt, "which money", index=True)
    amount_cents = cents("how much of it")
    currency = word(3, "ISO 4217", default="KES")
    why = word(16, "no_reference, no_match, ambiguous, foreign, over or wrong_amount")
    status = word(10, "open, resolved, refunding or refunded", default="open")
    resolution = word(12, "attached, credited, kept or refund", null=True)
    resolved_by = word(60, "who decided: user:7, customer", null=True)
    resolved_at = moment("when")
    note = word(200, "why, in the person's words")
    created_at = moment("when it came in", null=False)


class Refund(Table, tablename="refunds", db=DB, help_text="money that is to go back to its payer, once per receipt"):
    id = key()
    merchant_id = link(Merchant, "whose customer; null: the platform's", null=True)
    receipt_id = link(Receipt, "which money")
    payment_id = link(Payment, "the payment it belonged to", null=True, index=True)
    suspense_id = link(Suspense, "the suspense it was held in", null=True)
    amount_cents = cents("how much")
    currency = word(3, "ISO 4217", default="KES")
    status = word(8, "wanted, approved, sending, unknown, done, failed or dropped", default="wanted")
    scope = word(8, "whole, part, or extra: what the payer paid too much", default="whole")
    road = word(8, "how it goes back: reversal, b2c, credit, cash or voucher; empty: not chosen yet")
    phone = word(15, "of a b2c or credit: whose, digits with country code")
    wanted_by = word(60, "who or what decided: user:7, policy")
    why = word(200, "reason")
    ends_use = Boolean(default=False, help_text="its voucher may be taken back though it was used")
    approved_by = word(60, "who allowed it: user:7, policy", null=True)
    approved_at = moment("when")
    note = word(200, "what the approver or the cashier wrote")
    round = number("how often it was dropped and wanted again")
    tries = number("times sent")
    receipt_back = word(32, "the rail's receipt for the money that went back", null=True)
    last_error = text("why the last attempt failed, for people")
    created_at = moment("when it was decided", null=False)
    done_at = moment("when the money went back")
    refund_unique = Unique([receipt_id])
