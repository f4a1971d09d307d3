"""The one source of time. Logic is given a Clock and asks it; nothing deeper calls datetime.now().

Not for measuring how long something took: time.monotonic() does that.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo


class Clock:
    """Real time plus an offset. Production keeps the offset at zero; the demo and the tests shift it."""

    __slots__ = ("_offset",)

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self._offset = offset

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of real time."""
        return self._offset

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC) + self._offset

    def today(self, zone: tzinfo) -> date:
        """The calendar day in `zone`: a shop's day starts at its own midnight, not at UTC's."""
        return self.now().astimezone(zone).date()

    def shift(self, by: timedelta) -> None:
        """Move this clock by `by`, forward or back; repeated shifts add up."""
        self._offset += by
