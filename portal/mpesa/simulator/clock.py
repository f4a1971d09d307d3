"""Time of the simulator: a clock that can be moved forward, and an agenda of what is due when.

Not a scheduler: nothing here runs by itself, the courier (or a test) asks for what is due.
"""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time: `now()` is aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own time."""

    __slots__ = ()

    def now(self) -> datetime:
        return datetime.now(UTC)


class ShiftedClock:
    """Another clock, moved forward by whole or fractional seconds; it never goes back."""

    __slots__ = ("_ahead", "_base")

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._ahead = timedelta()

    def now(self) -> datetime:
        return self._base.now() + self._ahead

    def advance(self, seconds: float) -> None:
        """Raise ValueError when asked to go back: every timer here assumes that time only grows."""
        if seconds < 0:
            raise ValueError("the clock cannot go back")
        self._ahead += timedelta(seconds=seconds)


class Agenda:
    """What is to happen when, in order of its instant, then in order of entry."""

    __slots__ = ("_heap", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._serial = 0

    def add(self, due_at: datetime, act: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (due_at, self._serial, act))

    def next_due_at(self) -> datetime | None:
        return self._heap[0][0] if self._heap else None

    def run_due(self, now: datetime) -> int:
        """Do everything due at `now` or before, also what that adds meanwhile; the number of things done."""
        done = 0
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
            done += 1
        return done
