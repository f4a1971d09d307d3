"""Callbacks: raw messages from outside, kept as they came; and the addresses given out for them."""

from piccolo.columns import Boolean, Bytea
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, text, word
from portal.tables.merchants import Merchant, MpesaAccount
from portal.tables.payments import Payment
from portal.tables.rails import RailAccount


class CallbackAddress(
    Table,
    tablename="callback_addresses",
    db=DB,
    help_text="an unguessable address given to M-Pesa: one per account for payments by hand, one per request for its result",
):
    id = key()
    merchant_id = link(Merchant, "whose; null: the platform's", null=True, index=True)
    account_id = link(MpesaAccount, "for which M-Pesa account", null=True, index=True)
    rail_account_id = link(RailAccount, "for which account at another rail", null=True, index=True)
    token = word(64, "unguessable part of the address, hex", unique=True)
    road = word(8, "c2b, result, airtel or paystack", default="c2b")
    kind = word(16, "of a result: what was asked for, such as reversal", null=True)
    request_id = number("of a result: the row that asked", null=True)
    created_at = moment("when it was given out", null=False)


class Callback(
    Table, tablename="callbacks", db=DB, help_text="a raw message from outside: stored first, handled second"
):
    id = key()
    merchant_id = link(Merchant, "whose, by the address; null: the platform's", null=True, index=True)
    payment_id = link(Payment, "which payment, by the address", null=True, index=True)
    account_id = link(MpesaAccount, "which M-Pesa account, by the address", null=True, index=True)
    address_id = link(CallbackAddress, "which address, when it is not a payment's", null=True, index=True)
    road = word(8, "stk, webhook, c2b, result, timeout, airtel or paystack", default="stk")
    named_id = number("the row its address names: the payment, or the address")
    body = Bytea(help_text="as it came, at most 64 KiB")
    body_hash = Bytea(help_text="SHA-256 of the body: a repeat is the same row")
    signature = word(200, "what the provider signed it with, where that stands in a header")
    is_cut = Boolean(default=False, help_text="it was longer than is kept")
    source = word(45, "address it came from")
    is_trusted = Boolean(default=False, help_text="from an address the provider publishes")
    received_at = moment("when", null=False)
    repeats = number("how often the same message came again")
    handled_at = moment("when it was settled")
    outcome = word(24, "what came of it", null=True)
    tries = number("attempts to handle it")
    next_try_at = moment("when it is tried again")
    last_error = text("why the last attempt failed")
    verdict = word(12, "of a success nobody vouches for: waiting, lent, confirmed or denied", null=True)
    asked_at = moment("when M-Pesa was asked whether it is true")
    answered_at = moment("when M-Pesa gave an answer that decides nothing yet")
    lent_cents = cents("delivered on trust until M-Pesa answers", null=True)
    callback_unique = Unique([road, named_id, body_hash])
