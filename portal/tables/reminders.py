"""Reminders: which of them a merchant wants sent, and what was told already. The words go out through `portal.messages`."""

from piccolo.columns import Boolean, Date
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.vouchers import Voucher


class ReminderChoice(
    Table, tablename="reminder_choices", db=DB, help_text="which reminders a merchant's customers get; no row: none"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    hour_before = Boolean(default=False, help_text="an hour before the time ends")
    minutes_before = Boolean(default=False, help_text="ten minutes before the time ends")
    when_over = Boolean(default=False, help_text="when the time is over")
    win_back = Boolean(default=False, help_text="after 90 days without a purchase, to those who asked for offers")
    least_price_cents = cents("only for packages of at least this price: a message costs money")
    updated_at = moment("when it was last changed", null=False)
    reminder_choice_unique = Unique([merchant_id])


class Reminder(Table, tablename="reminders", db=DB, help_text="a reminder told, and for which end of a voucher"):
    id = key()
    merchant_id = link(Merchant, "whose")
    voucher_id = link(Voucher, "about which voucher")
    kind = word(8, "hour, minutes or over", default="hour")
    for_end = moment("the end it told of", null=False)
    created_at = moment("when", null=False)
    reminder_unique = Unique([voucher_id, kind, for_end])


class WinBack(Table, tablename="win_backs", db=DB, help_text="one month's look for customers who have not come back"):
    id = key()
    merchant_id = link(Merchant, "whose")
    month = Date(default=None, null=True, help_text="first day of the month, in the merchant's zone")
    inactive = number("customers whose last purchase is 90 days old or older")
    told = number("those who asked for offers and were written to")
    created_at = moment("when", null=False)
    win_back_unique = Unique([merchant_id, month])
