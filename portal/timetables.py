"""What the web knows of the jobs: their names and moments, handed in by whoever builds the application. It runs none of them."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One job. `next_slot` gives the next scheduled moment after a given one, `latest_slot` the last one not after it; no run
    that ended well for `overdue_s` seconds is an alarm."""

    name: str
    overdue_s: int
    is_critical: bool
    next_slot: Callable[[datetime], datetime]
    latest_slot: Callable[[datetime], datetime]


class Timetable(msgspec.Struct, frozen=True):
    """All jobs by name, in the order in which they are shown."""

    entries: Mapping[str, Entry]

    @property
    def names(self) -> list[str]:
        """Every job's name."""
        return list(self.entries)
