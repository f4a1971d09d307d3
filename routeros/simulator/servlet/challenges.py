"""The http-chap challenges the login page hands out, one per phone, good for an hour without use.

Source: MikroTik manual, HotSpot customisation (chap-id, chap-challenge; errors.txt: "more than 1h of inactivity").
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

_LIFETIME = timedelta(hours=1)
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Challenge:
    """One byte of id, sixteen of challenge. The response is hex md5(id + password + challenge)."""

    chap_id: bytes
    value: bytes
    shown_at: datetime


class Challenges:
    """The open challenges of one hotspot. `random` gives that many random bytes."""

    def __init__(self, *, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._random = random
        self._open: dict[tuple[str, str], Challenge] = {}

    def show(self, mac: str, ip: str, *, now: datetime) -> Challenge:
        """Give the phone's challenge for a login page; showing it again keeps it alive."""
        old = self._current(mac, ip, now=now)
        chap_id, value = (old.chap_id, old.value) if old else (self._random(1), self._random(16))
        self._open.pop((mac, ip), None)
        self._open[mac, ip] = challenge = Challenge(chap_id, value, now)
        while len(self._open) > _MOST:
            del self._open[next(iter(self._open))]
        return challenge

    def take(self, mac: str, ip: str, *, now: datetime) -> Challenge | None:
        """Use the phone's challenge up; None when it has none or it is too old."""
        challenge = self._current(mac, ip, now=now)
        self._open.pop((mac, ip), None)
        return challenge

    def put_back(self, mac: str, ip: str, challenge: Challenge) -> None:
        """Keep a challenge that was taken and could not be judged yet."""
        self._open[mac, ip] = challenge

    def _current(self, mac: str, ip: str, *, now: datetime) -> Challenge | None:
        challenge = self._open.get((mac, ip))
        return challenge if challenge and now - challenge.shown_at <= _LIFETIME else None
