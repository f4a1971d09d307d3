"""Stretches of days that figures are asked for: the last few, or from a day to a day, by the merchant's calendar. Pure.

What a stretch holds: portal.reports.sales. Weeks and months whose reports are kept: portal.reports.periods."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from portal.reports.today import day_start

#: Lengths to choose from with one tap, in days up to today.
LENGTHS = (1, 7, 14, 30, 365)
#: No stretch is longer.
MOST_DAYS = 731
_FIRST_YEAR = 2000


class Stretch(msgspec.Struct, frozen=True):
    """From a day to a day, both in it. `length`: chosen as the last so many days; 0: by its days."""

    first: date
    last: date
    length: int = 0

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> "Stretch":
        """As many days just before it; of a whole week before a single day, the same weekday."""
        back = timedelta(days=7 if self.days == 1 else self.days)
        return Stretch(self.first - back, self.last - back)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first moment and the first after it, in UTC: 23 or 25 hours apart on some days of some zones."""
        return day_start(self.first, zone), day_start(self.last + timedelta(days=1), zone)


def of_last(length: int, *, today: date) -> Stretch:
    """The last days, today among them."""
    return Stretch(today - timedelta(days=length - 1), today, length)


def of_days(since: str, until: str, *, today: date) -> Stretch | None:
    """From a day to a day as addresses name them ("2026-11-20"); one alone is both. None: not days, in the wrong order, too many, or
    not begun yet."""
    try:
        first, last = date.fromisoformat(since or until), date.fromisoformat(until or since)
    except ValueError:
        return None
    last = min(last, today)
    if not (first.year >= _FIRST_YEAR and first <= last and (last - first).days < MOST_DAYS):
        return None
    return Stretch(first, last)
