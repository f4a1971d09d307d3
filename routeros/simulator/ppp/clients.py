"""A customer's own router that dials in over PPPoE, and dials again whenever its session was ended by the other side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from routeros.simulator.clock import VirtualClock
from routeros.simulator.ppp.sessions import PEER, Dialin, DialRefused

#: Virtual seconds between two tries of a client. Inferred: real clients try again within seconds.
REDIALS_AFTER = 5.0


class AccessConcentrator(Protocol):
    """What a client needs of the far side."""

    @property
    def clock(self) -> VirtualClock: ...
    @property
    def sessions(self) -> dict[str, Dialin]: ...
    def dial(self, user: str, password: str, mac: str, *, service: str = "") -> Dialin:
        """Begin a session. Raises DialRefused."""
        ...

    def end(self, dialin: Dialin, reason: str, *, at: datetime | None = None) -> None:
        """End a session."""
        ...

    def at(self, mac: str) -> Dialin | None:
        """Return the session from a MAC address."""
        ...


@dataclass(slots=True)
class PppoeClient:
    """One client. `said` is why its last try failed, "" when it did not; unplugged it does not try."""

    mac: str
    user: str
    password: str
    service: str = ""
    redials_after: float = REDIALS_AFTER
    is_plugged: bool = True
    said: str = ""
    next_try_at: datetime | None = None

    def tick(self, server: AccessConcentrator) -> None:
        """Dial if it is time to."""
        now = server.clock.now()
        if not self.is_plugged or server.at(self.mac) is not None:
            return
        if self.next_try_at is not None and now < self.next_try_at:
            return
        self.next_try_at = now + timedelta(seconds=self.redials_after)
        try:
            server.dial(self.user, self.password, self.mac, service=self.service)
            self.said = ""
        except DialRefused as refusal:
            self.said = str(refusal)

    def was_cut(self, next_try_at: datetime) -> None:
        """Hear that its session ended."""
        self.next_try_at = next_try_at

    def hang_up(self, server: AccessConcentrator) -> None:
        """End its session politely and dial no more."""
        self.is_plugged = False
        if (dialin := server.at(self.mac)) is not None:
            server.end(dialin, PEER)

    def pull_the_plug(self, server: AccessConcentrator) -> None:
        """Vanish without a word: the server finds out when its keepalives stay unanswered."""
        self.is_plugged = False
        if (dialin := server.at(self.mac)) is not None:
            dialin.lost_at = server.clock.now()
