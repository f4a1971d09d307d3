"""Hours of the day and days of the week at which something holds, by the clock of a place. Pure.

A window begins on a day that counts, at a minute of it, and lasts until another minute, of the next day when that is not later.
Windows that touch are one: a package for Saturday and Sunday does not end at midnight between them.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

ALL_DAYS = 0b1111111
_DAY = timedelta(days=1)
_DAY_MIN = 24 * 60
_WEEK_MIN = 7 * _DAY_MIN


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """`days`: bit 0 is Monday, bit 6 Sunday, of the day a window begins on. Minutes of the day, 0 to 1439; None: whole days."""

    days: int = ALL_DAYS
    from_min: int | None = None
    until_min: int | None = None

    @property
    def is_always(self) -> bool:
        """Whether they never leave anything out."""
        return self.days == ALL_DAYS and self.from_min == self.until_min

    def holds(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether `at` lies within."""
        return self.is_always or self._ends(at, zone) is not None

    def end_of(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When the window that `at` lies in ends; None outside of every window, and when there is no end."""
        if self.is_always:
            return None
        end = self._ends(at, zone)
        while end is not None and (further := self._ends(end, zone)) is not None:
            end = further
        return end

    def next_from(self, at: datetime, zone: ZoneInfo) -> datetime:
        """`at` itself when it lies within, else when the next window begins."""
        if self.holds(at, zone):
            return at
        today = at.astimezone(zone).date()
        days = (today + _DAY * n for n in range(8))
        return min(begin for day in days if self._counts(day) and (begin := self._begin(day, zone)) > at)

    def meets(self, other: "Hours") -> bool:
        """Whether there is a minute of the week that lies within both."""
        return any(
            (begin - first) % _WEEK_MIN < length or (first - begin) % _WEEK_MIN < other_length
            for first, length in self._windows()
            for begin, other_length in other._windows()
        )

    def _windows(self) -> list[tuple[int, int]]:
        """The minute of the week each begins at, and how many minutes it lasts."""
        begin, end = self.from_min or 0, self.until_min or 0
        length = (end - begin) % _DAY_MIN or _DAY_MIN
        return [(day * _DAY_MIN + begin, length) for day in range(7) if self.days >> day & 1]

    def _ends(self, at: datetime, zone: ZoneInfo) -> datetime | None:
        """The end of the window of one day that `at` lies in: today's, or yesterday's past midnight."""
        today = at.astimezone(zone).date()
        for day in (today, today - _DAY):
            if self._counts(day) and self._begin(day, zone) <= at < (end := self._end(day, zone)):
                return end
        return None

    def _counts(self, day: date) -> bool:
        return bool(self.days >> day.weekday() & 1)

    def _begin(self, day: date, zone: ZoneInfo) -> datetime:
        return _at(day, self.from_min or 0, zone)

    def _end(self, day: date, zone: ZoneInfo) -> datetime:
        begin, end = self.from_min or 0, self.until_min or 0
        return _at(day + _DAY if end <= begin else day, end, zone)


def _at(day: date, minute: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), zone)
