"""Merchants, and the M-Pesa accounts money comes in by."""

from piccolo.columns import Boolean, Bytea

from portal.db import DB
from portal.tables.base import Table, key, link, moment, number, text, word


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
    second_receipt = word(
        8, "extend, credit or refund: what a second receipt for the same thing does", default="extend"
    )
    unverified_limit_cents = number(
        "how much may be delivered while M-Pesa cannot be asked whether it was paid, in cents", default=200_000
    )
    unverified_denied = word(
        8, "end or keep: does access so delivered end when M-Pesa says it was not paid", default="end"
    )
    refund_limit_cents = number("refunds above this need two people, in cents", default=100_000)
    unknown_reference = word(
        8, "accept or refuse: may payments by hand come in with a reference nobody knows", default="accept"
    )
    needs_second = Boolean(default=False, help_text="owners and managers sign in with a second step")
    away_alert_min = number("minutes a router is away before the merchant's people are told; 0: never", default=10)


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
    token_sealed = Bytea(null=True, default=None, help_text="no longer used: see mpesa_tokens")
    token_expires_at = moment("no longer used: see mpesa_tokens")
    token_lease_until = moment("no longer used: see mpesa_tokens")
    initiator_name = word(64, "API user of the M-Pesa organisation portal, for status, reversal, payouts and balance")
    initiator_password_sealed = Bytea(null=True, default=None, help_text="AES-GCM, bound to this row; its password")
    initiator_set_at = moment("when the password was entered; M-Pesa is said to let it end after 90 days")
    certificate = text("Safaricom's certificate of this environment in PEM form; the password is encrypted with it")
    b2c_shortcode = word(10, "pays out; empty: the shortcode itself (one account)")
    c2b_version = word(2, "v1 or v2 of C2B, whichever the app's product has", default="v2")
    c2b_response_type = word(
        10, "Completed or Cancelled: a payment by hand our validation does not answer for", default="Completed"
    )
    c2b_registered_at = moment("when our addresses for payments by hand were registered; production takes them once")
    pull_number = word(15, "number the shortcode was registered with, digits with country code; Pull asks for it")
    pull_registered_at = moment("when Pull was registered")
    trouble_verb = word(16, "what M-Pesa last refused because our set-up is wrong", null=True)
    trouble_code = word(80, "its code", null=True)
    trouble_text = text("its words")
    trouble_at = moment("since when; null: nothing is known to be wrong")
    query_free_at = moment("no status query is sent before this: Daraja allows about five a minute")
    app_hash = Bytea(
        null=True,
        default=None,
        help_text="its Daraja app, as mpesa_tokens names it: accounts of one app share its limits",
    )
    created_at = moment("when the keys were entered", null=False)
