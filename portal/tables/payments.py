"""Checkouts (a phone's attempt to buy) and payments (an attempt to collect money)."""

from piccolo.columns import JSONB, Boolean
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, text, word
from portal.tables.floats import CashFloat
from portal.tables.merchants import Merchant, MpesaAccount
from portal.tables.packages import Package
from portal.tables.rails import RailAccount
from portal.tables.routers import Router
from portal.tables.subscribers import Subscriber
from portal.tables.users import User
from portal.tables.vouchers import Voucher


class Checkout(Table, tablename="checkouts", db=DB, help_text="a phone's attempt to buy; has one or more payments"):
    id = key()
    merchant_id = link(Merchant, "who sells")
    router_id = link(Router, "where", index=True)
    package_id = link(Package, "what", index=True)
    voucher_id = link(Voucher, "what it became once paid", null=True)
    token = word(64, "unguessable name of its waiting page, hex", unique=True)
    form_key = word(64, "a form posted twice is one checkout", unique=True)
    phone = word(15, "payer, digits with country code")
    mac = word(17, "device to connect, AA:BB:CC:DD:EE:FF")
    ip = word(45, "its address on the hotspot")
    language = word(8, "language of the pages", default="en")
    price_cents = cents("price, frozen")
    commission_bp = number("commission in basis points, frozen")
    terms = JSONB(help_text="the package, frozen")
    wants_offers = Boolean(default=False, help_text="who buys asked to be told of offers; holds once it is paid")
    created_at = moment("when", null=False)
    checkout_voucher_unique = Unique([voucher_id])


class Payment(Table, tablename="payments", db=DB, help_text="one attempt to collect money"):
    id = key()
    merchant_id = link(Merchant, "for whom")
    checkout_id = link(Checkout, "for which checkout", null=True, index=True)
    voucher_id = link(Voucher, "which voucher it buys or bought", null=True, index=True)
    subscriber_id = link(Subscriber, "into whose wallet it goes", null=True, index=True)
    account_id = link(MpesaAccount, "by which M-Pesa account", null=True, index=True)
    rail_account_id = link(RailAccount, "by which account at another rail", null=True, index=True)
    float_id = link(CashFloat, "into which cashier's drawer", null=True, index=True)
    sold_by = link(User, "who sold it over the counter; null: nobody did, or it was before this was kept", null=True)
    form_key = word(64, "a cash sale's form posted twice is one sale", null=True, unique=True)
    method = word(8, "stk, c2b, cash, manual, airtel, paystack or credit", default="stk")
    status = word(
        16, "created, submitting, pending, paid, failed, unknown, refund_pending or refunded", default="created"
    )
    amount_cents = cents("what is asked for")
    received_cents = cents("what came in", null=True)
    credit_cents = cents(
        "of the price, what is kept for the payer's number and counts once that number pays the rest; null: not asked for",
        null=True,
    )
    commission_bp = number("commission in basis points, frozen; null: the checkout's", null=True)
    currency = word(3, "ISO 4217", default="KES")
    phone = word(15, "payer, digits with country code; empty: not told")
    account_reference = word(12, "unique per attempt; shown to the payer", unique=True)
    callback_token = word(64, "unguessable part of its callback's address, hex", unique=True)
    merchant_request_id = word(64, "Daraja's", null=True)
    checkout_request_id = word(64, "Daraja's; a status query needs it", null=True, unique=True)
    receipt = word(32, "the rail's receipt; settles one payment only: unique per rail", null=True)
    result_code = word(24, "Daraja's, as text", null=True)
    result_text = text("Daraja's words, for people who look into it")
    pay_url = text("the provider's own page where it is paid, for rails that have one")
    email = word(120, "where the provider of that page sends its receipt")
    created_at = moment("when", null=False)
    submitted_at = moment("when the push was sent")
    paid_at = moment("when it was known to be paid")
    next_try_at = moment("when a busy M-Pesa is asked again to push")
    next_query_at = moment("when M-Pesa is asked for the outcome")
    tries = number("pushes tried")
    queries = number("status queries sent")
