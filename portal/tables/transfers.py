"""Money on its way out: a row per request to M-Pesa or to another rail, made before the request."""

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, text, word
from portal.tables.merchants import Merchant, MpesaAccount
from portal.tables.mpesa import MpesaEnquiry
from portal.tables.payouts import Payout
from portal.tables.rails import RailAccount
from portal.tables.suspense import Refund


class Transfer(
    Table,
    tablename="transfers",
    db=DB,
    help_text="one request to M-Pesa, or to another rail, to send money; it is carried out once or never",
):
    id = key()
    merchant_id = link(Merchant, "for whom; null: the platform", null=True)
    account_id = link(MpesaAccount, "by which M-Pesa account; null: by another rail", null=True, index=True)
    rail_account_id = link(RailAccount, "by which account at another rail", null=True, index=True)
    refund_id = link(Refund, "for which refund", null=True, index=True)
    payout_id = link(Payout, "for which payout", null=True, index=True)
    kind = word(8, "b2c or reversal")
    our_id = word(64, "of a b2c: the OriginatorConversationID; M-Pesa pays it once", unique=True)
    phone = word(15, "of a b2c: who gets it, digits with country code")
    receipt = word(32, "of a reversal: the receipt that is taken back")
    amount_cents = cents("how much")
    status = word(10, "created, submitting, sent, unknown, done or failed", default="created")
    tries = number("times sent")
    next_try_at = moment("when it is sent or asked about; null: not again by itself")
    enquiry_id = link(MpesaEnquiry, "the question that is open about it", null=True)
    originator_conversation_id = word(64, "M-Pesa's", null=True)
    conversation_id = word(64, "M-Pesa's", null=True)
    result_code = word(80, "M-Pesa's, as text", null=True)
    result_text = text("M-Pesa's words")
    receipt_out = word(32, "the provider's receipt for the money that went out", null=True)
    created_at = moment("when it was decided", null=False)
    submitted_at = moment("when it was sent, the last time")
    ended_at = moment("when it was known to be done or failed")
