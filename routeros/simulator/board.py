"""The hardware a simulated router pretends to be, and its device-mode. Values only.

Device-mode (7.17 and later): MikroTik manual, Device-mode: which features each mode locks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FEATURES = (
    "scheduler",
    "socks",
    "fetch",
    "pptp",
    "l2tp",
    "bandwidth-test",
    "traffic-gen",
    "sniffer",
    "ipsec",
    "romon",
    "proxy",
    "hotspot",
    "smb",
    "email",
    "zerotier",
    "container",
)
_HOME_LOCKS = frozenset(
    {"scheduler", "socks", "fetch", "bandwidth-test", "traffic-gen", "sniffer", "romon", "proxy", "hotspot"}
    | {"email", "zerotier", "container"}
)
_BASIC_LOCKS = frozenset({"socks", "bandwidth-test", "traffic-gen", "proxy", "hotspot", "zerotier", "container"})
_ADVANCED_LOCKS = frozenset({"traffic-gen", "container"})
_LOCKS = {
    "home": _HOME_LOCKS,
    "basic": _BASIC_LOCKS,
    "advanced": _ADVANCED_LOCKS,
    "enterprise": frozenset({"container"}),
    "rose": frozenset[str](),
}


@dataclass(frozen=True, slots=True)
class Board:
    """A board's unchanging facts; sizes in bytes."""

    name: str = "hEX"
    model: str = "RB750Gr3"
    architecture: str = "mmips"
    cpu: str = "MIPS 1004Kc V2.15"
    cpu_count: int = 4
    cpu_frequency: int = 880
    memory: int = 268435456
    disk: int = 16777216
    license_level: int = 4


@dataclass(slots=True)
class DeviceMode:
    """What the router may do. A change waits for somebody to cut its power or press its button."""

    mode: str = "advanced"
    overrides: dict[str, bool] = field(default_factory=dict)
    pending: dict[str, str] | None = None
    attempts: int = 0

    def allows(self, feature: str) -> bool:
        """Say whether a feature is on."""
        return self.overrides.get(feature, feature not in _LOCKS[self.mode])

    def become(self, mode: str) -> None:
        """Be as from the factory, in this mode."""
        self.mode, self.overrides, self.pending, self.attempts = mode, {}, None, 0

    def confirm(self) -> None:
        """Apply the pending change: a hand was at the router."""
        for name, value in (self.pending or {}).items():
            if name == "mode":
                self.mode, self.overrides = value, {}
            elif name in FEATURES:
                self.overrides[name] = value == "true"
        self.pending, self.attempts = None, 0
