"""Trial logins (`T-<mac>`): a phone's free minutes, given anew after a while.

Rules: MikroTik manual, HotSpot server profile, trial-uptime-limit and trial-uptime-reset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from routeros.simulator import values
from routeros.simulator.admission import Terms
from routeros.simulator.attempts import Attempt
from routeros.simulator.refusals import LoginRefused
from routeros.simulator.tables import Row

_LIMIT, _RESET = 1800.0, 86400.0


@dataclass(slots=True)
class _Allowance:
    since: datetime
    used: float = 0.0


@dataclass(slots=True)
class Trials:
    """Trial time used, by MAC address."""

    allowances: dict[str, _Allowance] = field(default_factory=dict)

    def admit(self, attempt: Attempt, server_profile: Row, profile: Row, *, now: datetime) -> Terms:
        """Give the terms of a trial session, or raise LoginRefused when the phone's minutes are used up."""
        if attempt.username != f"T-{attempt.mac}":
            raise LoginRefused("invalid-username", attempt.username)
        limit, reset = _limits(server_profile)
        allowance = self.allowances.get(attempt.mac)
        if allowance is None or now >= allowance.since + timedelta(seconds=reset):
            allowance = self.allowances[attempt.mac] = _Allowance(now)
        if allowance.used >= limit:
            raise LoginRefused("uptime-limit", attempt.username)
        timeout = values.parse_limit(profile.get("session-timeout"))
        left = limit - allowance.used
        budget = left if timeout is None else min(left, timeout)
        return Terms(budget, timeout, budget == left, None, None, None)

    def is_open(self, mac: str, server_profile: Row, *, now: datetime) -> bool:
        """Say whether a phone may begin a trial session now: it has minutes left, or gets new ones."""
        limit, reset = _limits(server_profile)
        allowance = self.allowances.get(mac)
        return allowance is None or allowance.used < limit or now >= allowance.since + timedelta(seconds=reset)

    def use(self, mac: str, uptime: float) -> None:
        """Count the time of an ended trial session."""
        if (allowance := self.allowances.get(mac)) is not None:
            allowance.used += uptime

    def save(self) -> dict[str, tuple[str, float]]:
        """Return what was used: since when (ISO) and the seconds, by MAC address."""
        return {mac: (each.since.isoformat(), each.used) for mac, each in self.allowances.items()}

    def restore(self, saved: Mapping[str, tuple[str, float]]) -> None:
        """Take saved allowances instead of those there are."""
        self.allowances = {mac: _Allowance(datetime.fromisoformat(since), used) for mac, (since, used) in saved.items()}


def _limits(server_profile: Row) -> tuple[float, float]:
    limit = values.parse_limit(server_profile.get("trial-uptime-limit")) or _LIMIT
    return limit, values.parse_limit(server_profile.get("trial-uptime-reset")) or _RESET
