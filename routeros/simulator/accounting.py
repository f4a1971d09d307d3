"""The running sessions' arithmetic: what a session may use, when it is due, and what is written back to the user row.

User counters advance only when a session ends (or by the flush switch), so a power cut loses what was running.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from routeros.simulator import admission, values
from routeros.simulator.admission import Terms
from routeros.simulator.attempts import Attempt
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.effects import Effects
from routeros.simulator.menus.hotspot_fields import USER, USER_PROFILE
from routeros.simulator.radius.grants import Grant
from routeros.simulator.refusals import LoginRefused
from routeros.simulator.sessions import Active, Counters, Host, Usage
from routeros.simulator.tables import Row, Tables


class Accounts:
    """Usage by user row. `active` is the hotspot's own dictionary of running sessions, by address."""

    def __init__(self, tables: Tables, active: Mapping[str, Active], behaviour: Behaviour) -> None:
        self._tables = tables
        self._active = active
        self._behaviour = behaviour
        self.effects = Effects(tables)
        self._usage: dict[Row, Usage] = {}
        self._next_flush: datetime | None = None

    def used(self, user: Row) -> Usage:
        """Return the counters of a user row: ended sessions only."""
        return self._usage.setdefault(user, Usage())

    def reset(self, user: Row) -> None:
        """Set the counters of a user row to zero (`reset-counters`)."""
        self._usage[user] = Usage()

    def restore(self, user: Row, usage: Usage) -> None:
        """Set the counters of a user row to saved ones."""
        self._usage[user] = usage

    def drop(self, user: Row) -> None:
        """Forget a removed user row."""
        self._usage.pop(user, None)

    def sessions_of(self, user: Row) -> list[Active]:
        """Return the running sessions that were opened with this row."""
        return [active for active in self._active.values() if active.user_row is user]

    def traffic_of_queue(self, queue: Row) -> Counters:
        """Return the traffic of the session a dynamic queue was made for; zeros for any other queue."""
        owner = self.effects.owners.get(queue.id)
        return owner.traffic if owner else Counters()

    def terms(self, user: Row, profile: Row, now: datetime) -> Terms:
        """Compute what a session beginning now may use. Raises LoginRefused when nothing is left."""
        return admission.make_terms(user, profile, self.used(user), self.sessions_of(user), now)

    def open(
        self, attempt: Attempt, user: Row | None, profile: Row, terms: Terms, *, server: str, now: datetime
    ) -> Active:
        """Make the session and what it sets in motion."""
        active = Active(
            values.ip_id(attempt.ip),
            attempt.ip,
            attempt.mac,
            attempt.username,
            user,
            profile.get("name"),
            server,
            attempt.by,
            attempt.domain,
            now,
            now,
            idle_timeout=values.parse_limit(profile.get("idle-timeout")),
            keepalive_timeout=values.parse_limit(profile.get("keepalive-timeout")),
        )
        _apply(active, terms)
        self.effects.begin(active, profile)
        return active

    def close(self, active: Active, at: datetime, cause: str) -> None:
        """Write an ended session into its user row and end what it had set in motion."""
        self._credit(active, at)
        self.effects.end(active, at, cause)

    def due(self, active: Active, host: Host | None) -> tuple[datetime, str] | None:
        """Return the instant the session ends if nothing happens, and the logout cause of the log."""
        ends: list[tuple[datetime, str]] = []
        if (time_up := active.ends_at()) is not None:
            ends.append((time_up, self._time_cause(active)))
        if active.idle_timeout is not None:
            ends.append((active.last_traffic_at + timedelta(seconds=active.idle_timeout), "idle timeout"))
        if active.keepalive_timeout is not None and host is not None and host.lost_at is not None:
            ends.append((host.lost_at + timedelta(seconds=active.keepalive_timeout), "keepalive timeout"))
        return min(ends, default=None)

    def _time_cause(self, active: Active) -> str:
        return self._behaviour.uptime_limit_cause if active.is_uptime_limited else "session timeout"

    def retune(self, active: Active, profile: Row, grant: Grant) -> None:
        """Give a running session the limits of a profile and a grant anew; a rate limit makes a new queue."""
        user = active.user_row or admission.granted_user(active.user, grant)
        own = Row(user.id, {**user.values, **grant.limits()})
        used = self.used(user) if active.user_row else Usage()
        _apply(active, admission.make_terms(own, profile, used, (), active.started_at))
        active.idle_timeout = values.parse_limit(profile.get("idle-timeout"))
        self.effects.drop(active)
        self.effects.make_rows(active, profile)

    def reconsider(self, user: Row, now: datetime) -> None:
        """Give the user's running sessions the limits the row has now (switch limit_edits_reach_live_sessions)."""
        profiles = self._tables[USER_PROFILE].named(user.get("profile"))
        for active in self.sessions_of(user) if profiles else ():
            others = [other for other in self.sessions_of(user) if other is not active]
            used = self.used(user)
            before = Usage(used.uptime - active.flushed.uptime, used.traffic)
            try:
                _apply(active, admission.make_terms(user, profiles[0], before, others, now))
            except LoginRefused:
                active.budget, active.is_uptime_limited = active.uptime(now), True

    def flush(self, now: datetime) -> None:
        """Write running usage into the user rows when the flush switch says it is time."""
        every = self._behaviour.counters_flush_seconds
        if every is None or (self._next_flush is not None and now < self._next_flush):
            return
        self._next_flush = now + timedelta(seconds=every)
        for active in self._active.values():
            self._credit(active, now)

    def numbers(self, active: Active, now: datetime) -> dict[str, int]:
        """Return a session's numbers, named as the servlet's variables, in seconds and bytes."""
        seen = active.traffic
        found: dict[str, int | None] = {
            "uptime": int(active.uptime(now)),
            "session-timeout": _whole(active.budget),
            "session-time-left": _whole(active.time_left(now)),
            "idle-timeout": _whole(active.idle_timeout),
            "keepalive-timeout": _whole(active.keepalive_timeout),
            "bytes-in": seen.bytes_in,
            "bytes-out": seen.bytes_out,
            "packets-in": seen.packets_in,
            "packets-out": seen.packets_out,
            "limit-bytes-in": active.limit_bytes_in,
            "limit-bytes-out": active.limit_bytes_out,
            "limit-bytes-total": active.limit_bytes_total,
            "remain-bytes-in": _rest(active.limit_bytes_in, seen.bytes_in),
            "remain-bytes-out": _rest(active.limit_bytes_out, seen.bytes_out),
            "remain-bytes-total": _rest(active.limit_bytes_total, seen.bytes_in + seen.bytes_out),
        }
        for profile in self._tables[USER_PROFILE].named(active.profile):
            found["refresh-timeout"] = _whole(values.parse_limit(profile.get("status-autorefresh")))
        return {name: number for name, number in found.items() if number is not None}

    def _credit(self, active: Active, at: datetime) -> None:
        if active.user_row is None or self._tables[USER].rows.get(active.user_row.id) is not active.user_row:
            return
        row, done, seen = self.used(active.user_row), active.flushed, active.traffic
        uptime = active.uptime(at)
        row.uptime += uptime - done.uptime
        row.traffic.add(
            seen.bytes_in - done.traffic.bytes_in,
            seen.bytes_out - done.traffic.bytes_out,
            seen.packets_in - done.traffic.packets_in,
            seen.packets_out - done.traffic.packets_out,
        )
        active.flushed = Usage(uptime, seen.copy())


def _apply(active: Active, terms: Terms) -> None:
    active.budget, active.session_timeout = terms.budget, terms.session_timeout
    active.is_uptime_limited = terms.is_uptime_limited
    active.limit_bytes_in = terms.limit_bytes_in
    active.limit_bytes_out = terms.limit_bytes_out
    active.limit_bytes_total = terms.limit_bytes_total


def _whole(amount: float | None) -> int | None:
    return None if amount is None else int(amount)


def _rest(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)
