"""What a session sets in motion on the router: its dynamic queue, its address-list row, its on-login and on-logout.

Scripts are not run here; each call is noted, and whoever can run them listens. Dynamic rows die with the power.
Source: MikroTik manual, HotSpot user profile (rate-limit, address-list, on-login, on-logout and their variables).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from routeros.simulator.menus.hotspot_fields import HOTSPOT, USER_PROFILE
from routeros.simulator.rates import queue_values
from routeros.simulator.sessions import Active
from routeros.simulator.tables import Row, Tables

QUEUES = "/queue/simple"
ADDRESS_LIST = "/ip/firewall/address-list"
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """One call of a profile's script: `kind` on-login or on-logout, and the variables it would see."""

    kind: str
    profile: str
    source: str
    variables: Mapping[str, str]
    at: datetime


@dataclass(slots=True)
class Effects:
    """The side effects of sessions on one router's tables. Menus the router lacks are passed over."""

    tables: Tables
    #: The latest calls of scripts, oldest first; profiles without a script leave none.
    script_calls: deque[ScriptCall] = field(default_factory=lambda: deque(maxlen=_KEPT))
    watchers: list[Callable[[ScriptCall], None]] = field(default_factory=list)
    #: Whose a dynamic queue is, by its id.
    owners: dict[str, Active] = field(default_factory=dict)

    def begin(self, active: Active, profile: Row) -> None:
        """Make a fresh session's rows and call on-login."""
        self.make_rows(active, profile)
        self._call("on-login", active, profile, active.started_at, {})

    def make_rows(self, active: Active, profile: Row) -> None:
        """Make a session's dynamic rows."""
        if profile.get("rate-limit") and QUEUES in self.tables:
            active.queue_id = self._add_queue(active, profile.get("rate-limit")).id
            self.owners[active.queue_id] = active
        if profile.get("address-list") and ADDRESS_LIST in self.tables:
            row = {"list": profile.get("address-list"), "address": active.ip}
            active.list_id = self.tables[ADDRESS_LIST].add(row, is_dynamic=True).id

    def end(self, active: Active, at: datetime, cause: str) -> None:
        """Take an ended session's rows away and call on-logout."""
        self.drop(active)
        seen = active.traffic
        for profile in self.tables[USER_PROFILE].named(active.profile):
            more = {
                "cause": cause,
                "uptime-secs": str(int(active.uptime(at))),
                "bytes-in": str(seen.bytes_in),
                "bytes-out": str(seen.bytes_out),
                "bytes-total": str(seen.bytes_in + seen.bytes_out),
                "packets-in": str(seen.packets_in),
                "packets-out": str(seen.packets_out),
                "packets-total": str(seen.packets_in + seen.packets_out),
            }
            self._call("on-logout", active, profile, at, more)

    def drop(self, active: Active) -> None:
        """Take a session's rows away without a word, as a boot does."""
        self.owners.pop(active.queue_id, None)
        for path, row_id in ((QUEUES, active.queue_id), (ADDRESS_LIST, active.list_id)):
            row = self.tables[path].rows.get(row_id) if path in self.tables else None
            if row is not None:
                self.tables[path].remove(row)

    def _add_queue(self, active: Active, rate_limit: str) -> Row:
        taken = set(self.tables.names(QUEUES))
        stem = f"<hotspot-{active.user}"
        name = next(n for n in (f"{stem}>", *(f"{stem}-{i}>" for i in range(1, 10_000))) if n not in taken)
        queue = {"name": name, "target": f"{active.ip}/32", **queue_values(rate_limit)}
        return self.tables[QUEUES].add(queue, is_dynamic=True)

    def _call(self, kind: str, active: Active, profile: Row, at: datetime, more: Mapping[str, str]) -> None:
        if not profile.get(kind):
            return
        servers = self.tables[HOTSPOT].named(active.server)
        variables = {
            "user": active.user,
            "username": active.user,
            "address": active.ip,
            "mac-address": active.mac,
            "interface": servers[0].get("interface") if servers else "",
            **more,
        }
        call = ScriptCall(kind, profile.get("name"), profile.get(kind), variables, at)
        self.script_calls.append(call)
        for watcher in tuple(self.watchers):
            watcher(call)
