"""What M-Pesa asked before it took payments by hand, and what we answered. A question moves no money."""

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, word
from portal.tables.merchants import Merchant, MpesaAccount


class C2bQuestion(
    Table, tablename="c2b_questions", db=DB, help_text="M-Pesa asked whether a payment by hand may come in; append-only"
):
    id = key()
    merchant_id = link(Merchant, "whose account; null: the platform's", null=True)
    account_id = link(MpesaAccount, "by which M-Pesa account")
    receipt = word(20, "M-Pesa's name for the payment, which it keeps when the money comes")
    typed = word(40, "reference as the payer typed it")
    amount_cents = cents("how much was to be paid; null: it could not be read", null=True)
    payer_hint = word(64, "payer, masked or hashed, as it was told")
    answer = word(12, "ResultCode we answered with: 0, or one of C2B00011 to C2B00016")
    why = word(12, "policy, known, unknown, unreadable or database: why it was answered so")
    asked_at = moment("when it was asked", null=False)
