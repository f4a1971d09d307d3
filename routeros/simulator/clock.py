"""Time inside the simulator: a virtual clock that can be pushed forward, and the router's wall clock that can be wrong.

Everything the hotspot measures (uptime, timeouts, cookies) runs on the virtual clock, which never goes back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

BOOT_DATE = datetime(1970, 1, 2, tzinfo=UTC)


class VirtualClock:
    """Real time plus whatever was added with `advance`. Never goes back.

    `start` is the first instant shown (default: the real now). `monotonic` gives the real seconds that pass; a test
    that wants time to stand still between its own `advance` calls passes `frozen`.
    """

    def __init__(self, start: datetime | None = None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._start = (start or datetime.now(UTC)).astimezone(UTC)
        self._monotonic = monotonic
        self._origin = monotonic()
        self._speed = 1.0
        self.offset = 0.0

    def now(self) -> datetime:
        """Return the virtual instant, aware, UTC."""
        real = self._monotonic() - self._origin
        return self._start + timedelta(seconds=real * self._speed + self.offset)

    @property
    def speed(self) -> float:
        """Virtual seconds that pass in a real one."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if not speed > 0:
            raise ValueError("virtual time never stands still")
        real = self._monotonic() - self._origin
        self.offset += real * self._speed
        self._origin += real
        self._speed = speed

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Negative values raise ValueError: hotspot time has no way back."""
        if seconds < 0:
            raise ValueError("the virtual clock only goes forward")
        self.offset += seconds


def frozen() -> float:
    """Serve as a `monotonic` under which no real time passes."""
    return 0.0


class WallClock:
    """What `/system/clock` shows: the virtual clock while synchronised, 1970-01-02 plus the time since boot otherwise.

    Most boards have no battery, so a power cut sets them back until NTP answers (MikroTik manual, Clock).
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._shift = timedelta(0)
        self._synchronises_at: datetime | None = None

    def now(self) -> datetime:
        """Return the date and time the router believes in (UTC)."""
        virtual = self._clock.now()
        if self._synchronises_at is not None and virtual >= self._synchronises_at:
            self.synchronise()
        return virtual + self._shift

    @property
    def is_synchronised(self) -> bool:
        """Say whether the router's date can be trusted."""
        return self.now() == self._clock.now() or self._shift == timedelta(0)

    @property
    def setting(self) -> tuple[timedelta, datetime | None]:
        """How far the date is off, and the virtual instant at which NTP repairs it (None: not waited for)."""
        return self._shift, self._synchronises_at

    @setting.setter
    def setting(self, setting: tuple[timedelta, datetime | None]) -> None:
        self._shift, self._synchronises_at = setting

    def lose_power(self, *, ntp_after: float | None) -> None:
        """Fall back to 1970-01-02; NTP repairs it after `ntp_after` virtual seconds (None: never by itself)."""
        virtual = self._clock.now()
        self._shift = BOOT_DATE - virtual
        self._synchronises_at = None if ntp_after is None else virtual + timedelta(seconds=ntp_after)

    def synchronise(self) -> None:
        """Take the time from NTP now."""
        self._shift = timedelta(0)
        self._synchronises_at = None

    def set(self, moment: datetime) -> None:
        """Set the date and time by hand, as `/system/clock/set` does."""
        self._shift = moment - self._clock.now()
        self._synchronises_at = None
