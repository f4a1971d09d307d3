"""The router's memory log (`/log`): the last thousand lines with topics. Not the program's own logging."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as `/log/print` shows it; `time` is the router's wall clock."""

    id: str
    time: datetime
    topics: str
    message: str


@dataclass(slots=True)
class RouterLog:
    """Lines in order; `watchers` hear of each new one."""

    now: Callable[[], datetime]
    lines: deque[LogLine] = field(default_factory=lambda: deque(maxlen=1000))
    watchers: list[Callable[[LogLine], None]] = field(default_factory=list)
    _count: int = 0

    def write(self, topics: str, message: str) -> None:
        """Add one line. Topics are a comma list such as `hotspot,account,info,debug`."""
        self._count += 1
        line = LogLine(f"*{self._count:X}", self.now(), topics, message)
        self.lines.append(line)
        for watcher in tuple(self.watchers):
            watcher(line)

    def clear(self) -> None:
        """Forget everything, as memory does at a boot."""
        self.lines.clear()
