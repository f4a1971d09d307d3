"""Days, months and local clocks of subscriptions. Pure; which days are billed is `portal.subscribers.course`.

A day is a date in the merchant's zone. A moment is the first instant at which the local clock of that day shows a time or more:
a day that begins at 01:00 because clocks leapt over midnight begins then, a clock shown twice counts the first time, and a day
that a country left out (Apia, 30 December 2011) begins where the next one does."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: When bills are written, five minutes into the day; when reminders go out.
BILLING = time(0, 5)
REMINDING = time(9, 5)
_MIDNIGHT = time(0)
_SECOND = timedelta(seconds=1)


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) at which the local clock shows this day and time, or later."""
    local = datetime.combine(day, at, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # Clocks leapt over it: the leap lies between what the offsets after and before it make of the time.
    return _leap(local.replace(fold=1).astimezone(UTC), instant, zone)


def _leap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the offset changes, after `before` and not after `after`."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + middle * _SECOND).astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return before + high * _SECOND


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins (UTC)."""
    return moment(day, _MIDNIGHT, zone)


def day_at(now: datetime, zone: ZoneInfo) -> date:
    """Which day it is there."""
    return now.astimezone(zone).date()


def period_start(day: date, billing_day: int) -> date:
    """The first day of the period that holds `day`. Periods begin on the billing day; in a shorter month, on its last day."""
    this = _in_month(day.year, day.month, billing_day)
    if this <= day:
        return this
    before = day.replace(day=1) - timedelta(days=1)
    return _in_month(before.year, before.month, billing_day)


def period_end(day: date, billing_day: int) -> date:
    """The first day of the period after the one that holds `day`; the billing day is kept through short months."""
    this = _in_month(day.year, day.month, billing_day)
    if this > day:
        return this
    after = day.replace(day=28) + timedelta(days=4)
    return _in_month(after.year, after.month, billing_day)


def _in_month(year: int, month: int, billing_day: int) -> date:
    return date(year, month, min(billing_day, monthrange(year, month)[1]))


def share(price_cents: int, first: date, end: date, billing_day: int) -> int:
    """What the days from `first` to before `end`, all of one period, cost: by the day, rounded down to whole units of the
    currency, as M-Pesa moves no cents. A whole period costs its price. ValueError: they are not of one period."""
    begins, ends = period_start(first, billing_day), period_end(first, billing_day)
    if not begins <= first <= end <= ends:
        raise ValueError(f"{first} to {end} is not within {begins} to {ends}")
    if (first, end) == (begins, ends):
        return price_cents
    return price_cents * (end - first).days // (ends - begins).days // 100 * 100
