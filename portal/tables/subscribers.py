"""Subscribers: monthly customers with a wallet; their bills, the family's devices, and which reminders were due."""

from piccolo.columns import JSONB, Boolean, Bytea, Date
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, word
from portal.tables.credits import Credit
from portal.tables.merchants import Merchant
from portal.tables.packages import Package
from portal.tables.routers import Router
from portal.tables.vouchers import Voucher


class Subscriber(
    Table, tablename="subscribers", db=DB, help_text="a monthly customer with a wallet and an expiry date"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "where access is given")
    package_id = link(Package, "of which monthly package")
    next_package_id = link(Package, "the package from the next bill on, when it is to change then", null=True)
    voucher_id = link(Voucher, "the voucher its access goes by; hotspot only", null=True)
    credit_id = link(Credit, "its wallet: the account whose sum is in the ledger", index=True)
    name = word(80, "what the merchant calls it")
    phone = word(15, "digits with country code; empty: nobody to write to")
    account_number = word(12, "public; what a payer types as account", unique=True)
    kind = word(8, "hotspot or pppoe", default="hotspot")
    status = word(10, "active, grace, suspended or closed", default="active")
    user_name = word(64, "PPPoE user name; empty on a hotspot")
    password_sealed = Bytea(null=True, default=None, help_text="PPPoE password, AES-GCM, bound to this row")
    terms = JSONB(help_text="speed and devices, frozen from the package")
    price_cents = cents("price of a whole period, frozen from the package")
    billing_day = number("day of the month a period starts on; a shorter month's last day stands for it", default=1)
    grace_days = number("days of access after the day a bill was due and not paid", default=3)
    starts_on = Date(help_text="first day, in the merchant's zone")
    next_bill_on = Date(null=True, default=None, help_text="first day of the next period to be billed; null: none is")
    paid_until_on = Date(help_text="expiry date: the first day that is not paid for")
    access_until = moment("when access ends unless something is paid")
    next_at = moment("when billing or the end of grace is due next")
    remind_at = moment("when the next reminder is due")
    is_held = Boolean(default=False, help_text="suspended by hand: money does not bring it back")
    why = word(200, "why it was suspended or closed by hand")
    language = word(8, "language of messages", default="en")
    link_round = number("raised to make the links given out so far useless")
    form_key = word(64, "a form posted twice is one subscriber", null=True, unique=True)
    created_at = moment("when it was made", null=False)
    closed_at = moment("when it was closed")


class SubscriberBill(Table, tablename="subscriber_bills", db=DB, help_text="what a subscriber owes for a period"):
    id = key()
    merchant_id = link(Merchant, "whose")
    subscriber_id = link(Subscriber, "who owes it")
    package_id = link(Package, "for which package")
    package_name = word(60, "its name then")
    starts_on = Date(help_text="first day it covers")
    ends_on = Date(help_text="first day it does not cover; earlier than billed when the period was cut")
    full_cents = cents("price of the whole period")
    amount_cents = cents("what is owed or was paid")
    returned_cents = cents("what of it went back to the wallet")
    currency = word(3, "ISO 4217", default="KES")
    commission_bp = number("commission in basis points, frozen")
    status = word(8, "due, paid or dropped", default="due")
    due_at = moment("when it fell due", null=False)
    paid_at = moment("when the wallet paid it")
    created_at = moment("when it was written", null=False)


class SubscriberDevice(Table, tablename="subscriber_devices", db=DB, help_text="a device of a subscriber's family"):
    id = key()
    merchant_id = link(Merchant, "whose customer")
    subscriber_id = link(Subscriber, "whose device", index=True)
    mac = word(17, "AA:BB:CC:DD:EE:FF, as the hotspot tells it")
    name = word(40, "what the family calls it")
    added_at = moment("when it was added", null=False)
    removed_at = moment("when it was taken out")


class SubscriberReminder(
    Table, tablename="subscriber_reminders", db=DB, help_text="a reminder that was due; each at most once"
):
    id = key()
    merchant_id = link(Merchant, "whose customer")
    subscriber_id = link(Subscriber, "who was to be reminded")
    about_on = Date(help_text="first day of the period it is about")
    stage = word(8, "before, due or after")
    due_at = moment("when it was due", null=False)
    created_at = moment("when it was written", null=False)
    subscriber_reminder_once = Unique([subscriber_id, about_on, stage])
