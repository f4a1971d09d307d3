"""Money that came in, a row per receipt."""

from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, word
from portal.tables.merchants import Merchant, MpesaAccount
from portal.tables.payments import Payment


class Receipt(
    Table, tablename="receipts", db=DB, help_text="money that came in; a receipt counts once, whatever tells it"
):
    id = key()
    merchant_id = link(Merchant, "whose; null: came to the platform and is nobody's yet", null=True, index=True)
    account_id = link(MpesaAccount, "by which M-Pesa account", null=True)
    rail = word(10, "mpesa, airtel, paystack, cash, manual or credit", default="mpesa")
    receipt = word(32, "the rail's name for it")
    amount_cents = cents("what came in")
    currency = word(3, "ISO 4217", default="KES")
    payment_id = link(Payment, "the payment it belongs to; null: in suspense", null=True, index=True)
    roads = word(120, "every road we heard of it by, the first first")
    typed = word(40, "reference as the payer typed it")
    phone = word(15, "payer in full, digits with country code, where a road told it", null=True)
    payer_hint = word(64, "payer, masked or hashed, as a road told it")
    payer_name = word(80, "payer's name as a road told it")
    happened_at = moment("when the money moved, by the rail's own clock")
    created_at = moment("when we first heard of it", null=False)
    receipt_unique = Unique([rail, receipt])
