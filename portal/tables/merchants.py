"""Merchants, and the M-Pesa accounts money comes in by."""

from piccolo.columns import Boolean, Bytea

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, word


class Merchant(Table, tablename="merchants", db=DB, help_text="a business that sells access: the tenant"):
    id = key()
    name = word(80, "shown to customers and on the M-Pesa prompt's page")
    kind = word(12, "homeowner, personal, isp or enterprise; decides the commission", default="personal")
    commission_bp = number("commission in basis points when it differs from the kind's", null=True)
    currency = word(3, "ISO 4217", default="KES")
    timezone = word(40, "IANA zone for days, reports and words", default="Africa/Nairobi")
    language = word(8, "default language of the captive page", default="en")
    help_phone = word(16, "number customers may call, digits with country code")
    created_at = moment("when the merchant signed up", null=False)
    is_active = Boolean(default=True, help_text="false: nothing is sold")
    outage_credit = word(8, "auto, ask or never: are customers given back the time a router was away", default="auto")
    early_end = word(8, "keep or end: does a session ended at the router end its voucher", default="keep")
    unverified_limit_cents = number(
        "how much may be delivered while M-Pesa cannot be asked whether it was paid, in cents", default=200_000
    )
    unverified_denied = word(
        8, "end or keep: does access so delivered end when M-Pesa says it was not paid", default="end"
    )
    unknown_reference = word(
        8, "accept or refuse: may payments by hand come in with a reference nobody knows", default="accept"
    )


class MpesaAccount(Table, tablename="mpesa_accounts", db=DB, help_text="a Daraja app and its shortcode"):
    id = key()
    merchant_id = link(Merchant, "whose keys; null: the platform's", null=True, index=True)
    environment = word(12, "sandbox or production", default="sandbox")
    shortcode = word(10, "paybill, or the store number of a till")
    party_b = word(10, "paybill, or the till")
    transaction_type = word(24, "CustomerPayBillOnline or CustomerBuyGoodsOnline", default="CustomerPayBillOnline")
    consumer_key_sealed = Bytea(help_text="AES-GCM, bound to this row")
    consumer_secret_sealed = Bytea(help_text="AES-GCM, bound to this row")
    passkey_sealed = Bytea(help_text="AES-GCM, bound to this row")
    token_sealed = Bytea(null=True, default=None, help_text="the one shared OAuth token; a new one kills the old")
    token_expires_at = moment("end of the token's life")
    token_lease_until = moment("who fetches a new token holds this until it has stored it")
    query_free_at = moment("no status query is sent before this: Daraja allows about five a minute")
    created_at = moment("when the keys were entered", null=False)
