"""What we only look at and never write: licence, device-mode, log, walled garden. Values and the menus they are read from.

Pure. Field names: MikroTik manual, RouterOS licences, Device-mode, Log, HotSpot walled garden.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from routeros.menus import Menu
from routeros.words import Row, read_flag


@dataclass(frozen=True, slots=True)
class License:
    """/system/license. `level` is 0-6 as text, or the name a virtual router's licence has (`free`, `p1`, …).

    `most_sessions` is how many devices may be online at once (MikroTik manual, RouterOS licence keys); None: no limit, or
    not known for this level.
    """

    software_id: str
    level: str

    @property
    def most_sessions(self) -> int | None:
        return _MOST_SESSIONS.get(self.level)


_MOST_SESSIONS: Final = {"0": 1, "1": 1, "3": 1, "4": 200, "5": 500}


@dataclass(frozen=True, slots=True)
class DeviceMode:
    """/system/device-mode: what the board may do at all. `allowed` holds the switches by name; there are more in newer versions."""

    mode: str
    allowed: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class LogLine:
    """A row of /log. `at` is as the router writes it, `topics` in its order, `message` is anybody's text."""

    at: str
    topics: tuple[str, ...]
    message: str
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class GardenHost:
    """A row of /ip/hotspot/walled-garden: hosts that may be seen before login. `dst_host` is a pattern, "" for any."""

    dst_host: str = ""
    dst_port: str = ""
    path: str = ""
    server: str = ""
    is_allowed: bool = True
    hits: int = 0
    comment: str = ""
    is_disabled: bool = False
    is_dynamic: bool = False
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class GardenAddress:
    """A row of /ip/hotspot/walled-garden/ip. `action` is accept, drop or reject."""

    dst_host: str = ""
    dst_address: str = ""
    dst_port: str = ""
    protocol: str = ""
    server: str = ""
    action: str = "accept"
    comment: str = ""
    is_disabled: bool = False
    is_dynamic: bool = False
    id: str = field(default="", compare=False)


_SWITCHES: Final = (
    *("hotspot", "proxy", "fetch", "scheduler", "email", "romon", "sniffer", "bandwidth-test", "traffic-gen"),
    *("container", "zerotier", "smb", "pptp", "l2tp", "socks", "ipsec", "install-any-version", "partitions", "routerboard"),
)  # fmt: skip


def _license(row: Row) -> License:
    """A virtual router names its licence `level`, a board numbers it `nlevel`."""
    return License(software_id=row.text("software-id"), level=row.text("nlevel") or row.text("level"))


def _device_mode(row: Row) -> DeviceMode:
    allowed = {name: read_flag(word) for name in _SWITCHES if (word := row.text(name))}
    return DeviceMode(mode=row.text("mode"), allowed=allowed)


def _log_line(row: Row) -> LogLine:
    topics = tuple(topic for topic in row.text("topics").split(",") if topic)
    return LogLine(at=row.text("time"), topics=topics, message=row.text("message"), id=row.text(".id"))


def _garden_host(row: Row) -> GardenHost:
    return GardenHost(
        dst_host=row.text("dst-host"),
        dst_port=row.text("dst-port"),
        path=row.text("path"),
        server=row.text("server"),
        is_allowed=row.text("action", "allow") == "allow",
        hits=row.number("hits"),
        comment=row.text("comment"),
        is_disabled=row.flag("disabled"),
        is_dynamic=row.flag("dynamic"),
        id=row.text(".id"),
    )


def _garden_address(row: Row) -> GardenAddress:
    return GardenAddress(
        dst_host=row.text("dst-host"),
        dst_address=row.text("dst-address"),
        dst_port=row.text("dst-port"),
        protocol=row.text("protocol"),
        server=row.text("server"),
        action=row.text("action", "accept"),
        comment=row.text("comment"),
        is_disabled=row.flag("disabled"),
        is_dynamic=row.flag("dynamic"),
        id=row.text(".id"),
    )


LICENSE = Menu("/system/license", ("software-id", "nlevel", "level"), _license)
DEVICE_MODE = Menu("/system/device-mode", ("mode", *_SWITCHES), _device_mode)
LOG = Menu("/log", (".id", "time", "topics", "message"), _log_line)
GARDEN = Menu(
    "/ip/hotspot/walled-garden",
    (".id", "dst-host", "dst-port", "path", "server", "action", "hits", "comment", "disabled", "dynamic"),
    _garden_host,
)
GARDEN_ADDRESSES = Menu(
    "/ip/hotspot/walled-garden/ip",
    (
        *(".id", "dst-host", "dst-address", "dst-port", "protocol", "server", "action"),
        *("comment", "disabled", "dynamic"),
    ),
    _garden_address,
)
