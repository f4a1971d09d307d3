"""What only a router's memory holds (sessions, hosts, clocks) as plain values, so that a simulator process may be
replaced under a running router. No power is lost by that: see `Hotspot.lose_memory` for what a boot does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Protocol, TypedDict

from routeros.simulator.admission import granted_profile
from routeros.simulator.clock import VirtualClock, WallClock
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.menus.hotspot_fields import USER_PROFILE
from routeros.simulator.radius.grants import Grant
from routeros.simulator.sessions import Active, Counters, Host, Usage
from routeros.simulator.tables import Row

_DYNAMIC_IDS = frozenset({"queue_id", "list_id"})


class LiveState(TypedDict):
    """JSON: times are ISO texts, spans seconds."""

    now: str
    booted_at: str
    wall_shift: float
    synchronises_at: str | None
    sessions: list[dict[str, Any]]
    hosts: list[dict[str, Any]]
    trials: dict[str, tuple[str, float]]
    dns_seen: list[str]


class Running(Protocol):
    """What is read and written of a router."""

    booted_at: datetime

    @property
    def hotspot(self) -> Hotspot: ...
    @property
    def clock(self) -> VirtualClock: ...
    @property
    def wall(self) -> WallClock: ...


def dump(router: Running) -> LiveState:
    """Return the memory of a router."""
    hotspot = router.hotspot
    shift, synchronises_at = router.wall.setting
    return {
        "now": router.clock.now().isoformat(),
        "booted_at": router.booted_at.isoformat(),
        "wall_shift": shift.total_seconds(),
        "synchronises_at": synchronises_at.isoformat() if synchronises_at else None,
        "sessions": [_plain(active) for active in hotspot.active.values()],
        "hosts": [_plain(host) for host in hotspot.host_table.hosts.values()],
        "trials": hotspot.trials.save(),
        "dns_seen": sorted(hotspot.garden.dns_seen),
    }


def load(router: Running, state: LiveState) -> None:
    """Go on with a saved memory. The virtual clock is put forward to where it was, if it is behind."""
    hotspot = router.hotspot
    behind = (datetime.fromisoformat(state["now"]) - router.clock.now()).total_seconds()
    router.clock.advance(max(0.0, behind))
    router.booted_at = datetime.fromisoformat(state["booted_at"])
    synchronises_at = state["synchronises_at"]
    router.wall.setting = (
        timedelta(seconds=state["wall_shift"]),
        datetime.fromisoformat(synchronises_at) if synchronises_at else None,
    )
    hotspot.host_table.restore(Host(**_rich(saved, hotspot)) for saved in state["hosts"])
    hotspot.trials.restore(state["trials"])
    hotspot.garden.dns_seen.update(state["dns_seen"])
    for saved in state["sessions"]:
        active = Active(**_rich(saved, hotspot))
        hotspot.active[active.ip] = active
        for profile in hotspot.tables[USER_PROFILE].named(active.profile):
            effective = granted_profile(profile, active.grant, active.started_at) if active.grant else profile
            hotspot.accounts.effects.make_rows(active, effective)


def _plain(record: Active | Host) -> dict[str, Any]:
    return {field.name: _encode(getattr(record, field.name)) for field in fields(record)}


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, Counters):
        return {"counters": value.as_list()}
    if isinstance(value, Usage):
        return {"usage": [value.uptime, *value.traffic.as_list()]}
    if isinstance(value, Grant):
        return {"grant": [(vendor, number, raw.hex()) for vendor, number, raw in value.attributes]}
    return {"user": value.id} if isinstance(value, Row) else value


def _rich(saved: Mapping[str, Any], hotspot: Hotspot) -> dict[str, Any]:
    return {name: _decode(value, hotspot) for name, value in saved.items() if name not in _DYNAMIC_IDS}


def _decode(value: Any, hotspot: Hotspot) -> Any:
    if not isinstance(value, dict):
        return value
    [(kind, inner)] = value.items()
    if kind == "at":
        return datetime.fromisoformat(inner)
    if kind == "counters":
        return Counters(*inner)
    if kind == "usage":
        return Usage(inner[0], Counters(*inner[1:]))
    if kind == "grant":
        return Grant(tuple((vendor, number, bytes.fromhex(raw)) for vendor, number, raw in inner))
    return hotspot.users.rows.get(inner)  # None when the row went while its session lived on
