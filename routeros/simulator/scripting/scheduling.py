"""`/system/scheduler` and `/system/script`: when scripts run, with which rights, and what the log says of them.

Rules: MikroTik manual, Scheduler and Scripting (Script permissions).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from routeros.simulator import traps, values
from routeros.simulator.calls import Answer, Call
from routeros.simulator.menus.base import ItemMenu
from routeros.simulator.menus.system import SchedulerMenu
from routeros.simulator.scripting.files import date_of
from routeros.simulator.tables import Row, Table

ALL_POLICIES = "ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon"
_STARTUP = 3.0
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def policies_in(text: str) -> frozenset[str]:
    """Read a comma list of policies."""
    return frozenset(word for word in text.split(",") if word and not word.startswith("!"))


def default_policy(call: Call) -> str:
    """Return the policies a new script or schedule gets when none are named: all, as far as the caller has them."""
    return ",".join(policy for policy in ALL_POLICIES.split(",") if policy in call.policies)


@dataclass(slots=True)
class _Watch:
    """What is known of one schedule: until when it was looked at, and how often it ran since boot."""

    seen: datetime
    #: Seconds since boot at that look, for what starts with the router: they know no time servers.
    up: float = 0.0
    runs: int = 0


class FiringScheduler(SchedulerMenu):
    """The scheduler with a clock: `due` gives the rows whose time came since the last look.

    `now` is the router's local wall clock, `uptime` the seconds since the console came up.
    """

    def __init__(
        self,
        table: Table,
        *,
        is_allowed: Callable[[], bool],
        now: Callable[[], datetime],
        uptime: Callable[[], float],
        is_iso: bool,
    ) -> None:
        super().__init__(table, is_allowed=is_allowed)
        self._may_run, self._now, self._uptime, self._is_iso = is_allowed, now, uptime, is_iso
        self._watches: dict[str, _Watch] = {}

    def add(self, call: Call) -> Answer:
        """Add a schedule; without a start it starts now. It is first looked at from this moment on."""
        now = self._now()
        call.arguments.setdefault("start-date", date_of(now, is_iso=self._is_iso))
        call.arguments.setdefault("start-time", f"{now:%H:%M:%S}")
        call.arguments.setdefault("policy", default_policy(call))
        self._check(call)
        answer = super().add(call)
        self._watches[answer.ret or ""] = _Watch(now, self._uptime())
        return answer

    def change(self, call: Call) -> Answer:
        """Change schedules; the caller must hold every policy it gives."""
        call.permit(*policies_in(call.arguments.get("policy", "")))
        self._check(call)
        return super().change(call)

    def show_row(self, row: Row) -> dict[str, str]:
        """Add when it runs next and how often it ran."""
        shown = {**super().show_row(row), "run-count": str(self._watch(row).runs)}
        if (moment := self._next(row)) is not None:
            day = "" if moment.date() == self._now().date() else f"{self._day(moment)} "
            shown["next-run"] = f"{day}{moment:%H:%M:%S}"
        return shown

    def due(self) -> list[Row]:
        """Return the enabled rows whose time has come since the last look, in the order of the list."""
        now, up, found = self._now(), self._uptime(), list[Row]()
        for row in list(self.table):
            watch = self._watch(row)
            is_due = self._comes(row, watch, now, up)
            watch.seen, watch.up = now, up
            if row.is_disabled or not self._may_run() or not is_due:
                continue
            watch.runs += 1
            found.append(row)
        return found

    def boot(self) -> None:
        """Begin anew: run counters are zero, and what starts with the router may start again."""
        self._watches = {row.id: _Watch(self._now()) for row in self.table}

    def _watch(self, row: Row) -> _Watch:
        return self._watches.setdefault(row.id, _Watch(self._now(), self._uptime()))

    def _day(self, moment: datetime) -> str:
        if self._is_iso or moment.year != self._now().year:
            return date_of(moment, is_iso=self._is_iso)
        return f"{moment:%b/%d}".lower()

    def _start(self, row: Row) -> datetime | None:
        time = row.get("start-time", "00:00:00")
        if time == "startup":
            return self._now() + timedelta(seconds=_STARTUP - self._uptime())
        day = _date(row.get("start-date")) or datetime(1970, 1, 1, tzinfo=self._now().tzinfo)
        try:
            return day.replace(tzinfo=self._now().tzinfo) + timedelta(seconds=values.parse_duration(time))
        except ValueError:
            return None

    def _comes(self, row: Row, watch: _Watch, now: datetime, up: float) -> bool:
        interval = values.parse_duration(row.get("interval", "0s"))
        if not self._is_day(row, now):
            return False
        if row.get("start-time") == "startup":
            # With an interval it does not run at the boot itself.
            return _passes(watch.up - _STARTUP, up - _STARTUP, interval, first=1 if interval else 0)
        start = self._start(row)
        if start is None:
            return False
        return _passes((watch.seen - start).total_seconds(), (now - start).total_seconds(), interval, first=0)

    def _next(self, row: Row) -> datetime | None:
        start, interval = self._start(row), values.parse_duration(row.get("interval", "0s"))
        if start is None or row.is_disabled:
            return None
        now = self._now()
        if now < start and not (interval and row.get("start-time") == "startup"):
            return start
        if interval <= 0:
            return None
        passed = max(0, int((now - start).total_seconds() // interval))
        return start + timedelta(seconds=interval * (passed + 1))

    def _is_day(self, row: Row, now: datetime) -> bool:
        days = row.get("days", "always")
        return days in {"", "always"} or _DAYS[now.weekday()] in days.split(",")

    def _check(self, call: Call) -> None:
        time, day = call.arguments.get("start-time", ""), call.arguments.get("start-date", "")
        try:
            if time and time != "startup":
                values.parse_duration(time)
        except ValueError:
            raise traps.invalid_value("start-time") from None
        if day and _date(day) is None:
            raise traps.invalid_value("start-date")


def _passes(before: float, now: float, interval: float, *, first: int) -> bool:
    """Say whether a time to run lies after `before` and not after `now`, both in seconds since the start."""
    if now < 0 or now <= before:
        return False
    if interval <= 0:
        return before < 0
    last_seen = int(before // interval) if before >= 0 else -1
    return int(now // interval) > max(last_seen, first - 1)


def _date(text: str) -> datetime | None:
    for form in ("%Y-%m-%d", "%b/%d/%Y"):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  (the router's own zone is put on by the caller)
        except ValueError:
            continue
    return None


class ScriptMenu(ItemMenu):
    """`/system/script`: stored scripts with their rights and how often they ran."""

    def __init__(self, table: Table, *, now: Callable[[], datetime], is_iso: bool) -> None:
        super().__init__(table)
        self._now, self._is_iso = now, is_iso
        self._runs: dict[str, tuple[int, str]] = {}

    def add(self, call: Call) -> Answer:
        """Add a script; its owner is who adds it, unless said otherwise."""
        call.arguments.setdefault("owner", call.user)
        call.arguments.setdefault("policy", default_policy(call))
        call.permit(*policies_in(call.arguments["policy"]))
        return super().add(call)

    def change(self, call: Call) -> Answer:
        """Change scripts; the caller must hold every policy it gives."""
        call.permit(*policies_in(call.arguments.get("policy", "")))
        return super().change(call)

    def show_row(self, row: Row) -> dict[str, str]:
        """Add how often and when last it ran."""
        runs, last = self._runs.get(row.id, (0, ""))
        shown = {"dont-require-permissions": "false", **super().show_row(row), "run-count": str(runs)}
        return shown | ({"last-started": last} if last else {})

    def note_run(self, row: Row) -> None:
        """Count one run."""
        now = self._now()
        stamp = f"{date_of(now, is_iso=self._is_iso)} {now:%H:%M:%S}"
        self._runs[row.id] = (self._runs.get(row.id, (0, ""))[0] + 1, stamp)

    def boot(self) -> None:
        """Forget the counters."""
        self._runs.clear()


def rights_of(row: Row, caller: frozenset[str], *, own: bool) -> frozenset[str]:
    """Return the policies a stored script runs with. Raises Trap when the caller may not run it.

    `own`: with the script's own policies (`use-script-permissions`, or called by name from the scheduler).
    """
    wanted = policies_in(row.get("policy", ALL_POLICIES))
    is_open = row.get("dont-require-permissions") in {"true", "yes"}
    if not is_open and not caller.issuperset(wanted):
        raise traps.not_permitted()
    return wanted if own or is_open else caller
