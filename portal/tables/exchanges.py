"""Exchanges: what we asked a provider about a payment, a row per answer. Append-only; no keys, no phone numbers."""

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word
from portal.tables.merchants import Merchant, MpesaAccount
from portal.tables.payments import Payment


class Exchange(Table, tablename="exchanges", db=DB, help_text="one request to a provider about a payment; append-only"):
    id = key()
    merchant_id = link(Merchant, "whose payment")
    payment_id = link(Payment, "about which payment", index=True)
    account_id = link(MpesaAccount, "by which M-Pesa account; null: another provider's", null=True)
    verb = word(16, "push, query or what else the provider's door calls it")
    asked_at = moment("when it was sent", null=False)
    took_ms = number("until the answer was there, or lost, in milliseconds")
    http_status = number("of the answer; null: none came", null=True)
    code = word(24, "how it went: accepted, or the provider's code")
    said = text("the provider's words", null=False)
