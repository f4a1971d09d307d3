"""Sums by the hour, reports kept of weeks and months, and what merchants chose to be told of them."""

from piccolo.columns import JSONB, Boolean, Date
from piccolo.constraints import Unique

from portal.db import DB
from portal.tables.base import Table, cents, key, link, moment, number, word
from portal.tables.merchants import Merchant
from portal.tables.packages import Package
from portal.tables.routers import Router
from portal.tables.users import User


class SalesHour(
    Table, tablename="sales_hours", db=DB, help_text="what came in within an hour; a sum, counted anew when late"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "bought at which router; null: at none, such as over the counter", null=True)
    package_id = link(Package, "which package; null: none, such as into a subscriber's wallet", null=True)
    method = word(8, "how it was paid, as the payments say")
    seller_id = link(User, "who sold it over the counter; null: nobody did", null=True)
    hour_at = moment("first moment of the hour, by the merchant's clock", null=False)
    sold = number("paid payments that bought something")
    received_cents = cents("what came in by them")
    commission_cents = cents("the platform's commission on them")


class UsageHour(Table, tablename="usage_hours", db=DB, help_text="how much was used within an hour; a sum, as above"):
    id = key()
    merchant_id = link(Merchant, "whose")
    router_id = link(Router, "at which router")
    package_id = link(Package, "by vouchers of which package")
    hour_at = moment("first moment of the hour, by the merchant's clock", null=False)
    sessions = number("sessions that began in it")
    uptime_s = number("connected seconds, a session's own spread over the hours it lasted")
    bytes_up = number("bytes from devices, spread likewise")
    bytes_down = number("bytes to devices, spread likewise")


class HourMark(Table, tablename="hour_marks", db=DB, help_text="how far a merchant's hours are counted"):
    id = key()
    merchant_id = link(Merchant, "whose")
    zone = word(40, "by the clock of which IANA zone; another one counts all anew")
    counted_at = moment("everything known at this moment is in the sums", null=False)
    safe_event_id = number("events up to this one were all looked at")
    next_event_id = number("the newest event when it was last moved on")
    next_event_at = moment("when that was", null=False)
    checked_at = moment("when the last weeks were last counted whole")
    usage_from = moment("hours of use before this stay as they are: their sessions are gone; null: none are")
    hour_mark_unique = Unique([merchant_id])


class Report(Table, tablename="reports", db=DB, help_text="a merchant's week or month, as it stood when it was over"):
    id = key()
    merchant_id = link(Merchant, "whose")
    kind = word(5, "week or month", default="week")
    starts_on = Date(default=None, null=True, help_text="its first day, by the merchant's calendar")
    ends_on = Date(default=None, null=True, help_text="its last day")
    zone = word(40, "IANA zone the days are of")
    currency = word(3, "ISO 4217", default="KES")
    data = JSONB(default="{}", help_text="its figures, and those of the period before: portal.reports.periods.Figures")
    created_at = moment("when it was made", null=False)
    period_report_unique = Unique([merchant_id, kind, starts_on])


class ReportChoice(
    Table,
    tablename="report_choices",
    db=DB,
    help_text="what a merchant's people are told by themselves; no row: all of it",
):
    id = key()
    merchant_id = link(Merchant, "whose")
    morning = Boolean(default=True, help_text="how yesterday went, each morning")
    morning_at = number("minute of the merchant's day for that", default=8 * 60)
    weekly = Boolean(default=True, help_text="the week, on Monday")
    monthly = Boolean(default=True, help_text="the month, on its first")
    changed_at = moment("when it was last changed", null=False)
    report_choice_unique = Unique([merchant_id])


class Morning(
    Table, tablename="mornings", db=DB, help_text="one morning's look at the day before; whether it was told"
):
    id = key()
    merchant_id = link(Merchant, "whose")
    day = Date(default=None, null=True, help_text="the day it is the morning of, by the merchant's calendar")
    is_told = Boolean(help_text="false: there was nothing to tell, or nobody to tell it to")
    data = JSONB(default="{}", help_text="what was seen: portal.reports.mornings.Seen")
    created_at = moment("when", null=False)
    morning_unique = Unique([merchant_id, day])
