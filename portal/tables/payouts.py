"""What merchants are paid out: when, to which number, and each payout."""

from piccolo.columns import Boolean

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, text, word
from portal.tables.merchants import Merchant


class PayoutPlan(Table, tablename="payout_plans", db=DB, help_text="when a merchant is paid out"):
    id = key()
    merchant_id = link(Merchant, "whose")
    schedule = word(9, "off, daily, weekly or threshold", default="off")
    weekday = number("of a weekly one: 1 is Monday", default=1)
    threshold_cents = cents("of a threshold: paid as soon as so much is owed")
    minimum_cents = number("less is not paid out, in cents", default=10_000)
    fee_cents = cents("what the platform takes for each payout")
    changed_at = moment("when it was last changed", null=False)


class PayoutNumber(
    Table,
    tablename="payout_numbers",
    db=DB,
    help_text="a number a merchant is paid at; the newest that was not taken back counts",
):
    id = key()
    merchant_id = link(Merchant, "whose")
    phone = word(15, "digits with country code")
    named_by = word(60, "who entered it: user:7")
    is_first = Boolean(default=False, help_text="there was none before: nothing to wait for")
    created_at = moment("when it was entered and confirmed with the password", null=False)
    usable_at = moment("from when on money is sent there", null=False)
    ended_at = moment("when it was replaced or taken back")


class Payout(Table, tablename="payouts", db=DB, help_text="money to a merchant, one M-Pesa payment each"):
    id = key()
    merchant_id = link(Merchant, "to whom")
    number_id = link(PayoutNumber, "at which number; null: not sent yet", null=True)
    amount_cents = cents("what the merchant gets")
    fee_cents = cents("what the platform takes for it")
    currency = word(3, "ISO 4217", default="KES")
    status = word(8, "wanted, sending, unknown, done, failed or dropped", default="wanted")
    wanted_by = word(60, "who or what asked: user:7, schedule")
    once = word(80, "what asked for it and its part; asked again it is this row", unique=True)
    held_why = word(24, "why it is not sent now: number, cooling, invariant or account", null=True)
    tries = number("times sent")
    receipt = word(20, "M-Pesa's receipt", null=True)
    last_error = text("why the last attempt failed, for people")
    created_at = moment("when it was asked for", null=False)
    done_at = moment("when the money was there")
