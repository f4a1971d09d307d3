"""The router's own menus: `/system/*`, `/log`, dynamic queues. Values are plausible, not measured.

Properties: MikroTik manual, System; capital: what a small board prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from routeros.simulator import traps, values
from routeros.simulator.board import FEATURES, Board, DeviceMode
from routeros.simulator.calls import Answer, Call
from routeros.simulator.clock import WallClock
from routeros.simulator.fields import Field, boolean, duration, pick, text
from routeros.simulator.log import LogLine, RouterLog
from routeros.simulator.menus.base import ItemMenu, Menu, SettingsMenu, Shown
from routeros.simulator.sessions import Counters
from routeros.simulator.tables import Row, Table, Tables, TableSpec

_FACTORY_WRITES = 48_211
_CONFIRM_WITHIN = timedelta(minutes=5)

QUEUES = TableSpec(
    "/queue/simple",
    {
        "name": Field(text),
        "target": Field(text, "", is_clearable=False),
        **{
            name: Field(text, default)
            for name, default in (
                ("parent", "none"),
                ("packet-marks", ""),
                ("priority", "8/8"),
                ("queue", "default-small/default-small"),
                ("limit-at", "0/0"),
                ("max-limit", "0/0"),
                ("burst-limit", "0/0"),
                ("burst-threshold", "0/0"),
                ("burst-time", "0s/0s"),
                ("bucket-size", "0.1/0.1"),
            )
        },
        **{name: Field(text) for name in ("dst", "time", "comment", "total-queue", "total-priority", "total-limit-at")},
        **{name: Field(text) for name in ("total-max-limit", "total-burst-limit", "total-burst-threshold")},
        **{name: Field(text) for name in ("total-burst-time", "total-bucket-size")},
        "disabled": Field(boolean, "false"),
    },
    unique=("name",),
    duplicate="failure: already have such name",
)

SCHEDULERS = TableSpec(
    "/system/scheduler",
    {
        "name": Field(text),
        "start-date": Field(text, "1970-01-01"),
        "start-time": Field(text, "00:00:00"),
        "interval": Field(duration, "0s"),
        "on-event": Field(text, "", is_clearable=False),
        "policy": Field(text, "ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon"),
        "days": Field(text),
        "comment": Field(text),
        "disabled": Field(boolean, "false"),
    },
    required=("name",),
    unique=("name",),
    duplicate="failure: already have scheduler with such name",
)
SPECS = (QUEUES, SCHEDULERS)


class QueueMenu(ItemMenu):
    """`/queue/simple`: rows of logged-in users are dynamic and cannot be changed.

    `traffic` gives what a row's phone sent and received; upload stands first, as in the limits.
    """

    def __init__(self, table: Table, traffic: Callable[[Row], Counters]) -> None:
        super().__init__(table)
        self._traffic = traffic

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the flags and counters."""
        seen = self._traffic(row)
        counters = {
            "rate": "0/0",
            "bytes": f"{seen.bytes_in}/{seen.bytes_out}",
            "packets": f"{seen.packets_in}/{seen.packets_out}",
            "dropped": "0/0",
            "invalid": "false",
        }
        return {**super().show_row(row), **counters, "dynamic": values.format_bool(row.is_dynamic)}


class SchedulerMenu(ItemMenu):
    """`/system/scheduler`: a plain table; scripts are kept, never run."""

    def __init__(self, table: Table, *, is_allowed: Callable[[], bool]) -> None:
        super().__init__(table)
        self._is_allowed = is_allowed

    def add(self, call: Call) -> Answer:
        """Add a schedule; the caller must hold every policy it lists."""
        if not self._is_allowed():
            raise traps.device_mode()
        call.permit(*filter(None, call.arguments.get("policy", "").split(",")))
        return super().add(call)

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the counters."""
        return {**super().show_row(row), "run-count": "0"}


class LogMenu(Menu):
    """`/log`: the memory log; anybody who may write may add a line."""

    def __init__(self, log: RouterLog, *, is_iso: bool) -> None:
        super().__init__("/log")
        self._log, self._is_iso = log, is_iso
        self.writers = {level: self._writer(level) for level in ("debug", "info", "warning", "error")}
        log.watchers.append(lambda line: self.watchers.tell(self._row(line)))

    def shown(self) -> Iterable[Shown]:
        """Return the lines, oldest first."""
        return [self._row(line) for line in self._log.lines]

    def _row(self, line: LogLine) -> Shown:
        time = f"{line.time:%Y-%m-%d %H:%M:%S}" if self._is_iso else f"{line.time:%b/%d %H:%M:%S}".lower()
        return {".id": line.id, "time": time, "topics": line.topics, "message": line.message}

    def _writer(self, level: str) -> Callable[[Call], Answer]:
        def write(call: Call) -> Answer:
            self._log.write(f"script,{level}", call.need("message"))
            return Answer()

        return write


class DeviceModeMenu(Menu):
    """`/system/device-mode`: shows the mode; a change waits for a hand at the router."""

    is_list = False

    def __init__(self, device_mode: DeviceMode, now: Callable[[], datetime]) -> None:
        super().__init__("/system/device-mode")
        self._device_mode, self._now = device_mode, now
        self._asked_at: datetime | None = None
        self.writers = {"update": self.update}

    def shown(self) -> Iterable[Shown]:
        """Return the mode and its features."""
        mode = self._device_mode
        features = {name: values.format_bool(mode.allows(name)) for name in FEATURES}
        return [{"mode": mode.mode, **features, "flagged": "false", "attempt-count": str(mode.attempts)}]

    def update(self, call: Call) -> Answer:
        """Ask for a change; power must be cut (or the button pressed) within five minutes. Three tries."""
        mode = self._device_mode
        if mode.attempts >= 3:
            raise traps.Trap("failure: too many device-mode update attempts, power off the router")
        wanted: dict[str, str] = {}
        for name, value in call.arguments.items():
            if name == "mode":
                wanted[name] = pick(name, value, ("home", "basic", "advanced", "enterprise", "rose"))
            elif name in FEATURES:
                wanted[name] = values.format_bool(_yes(name, value))
        mode.pending, self._asked_at = wanted, self._now()
        mode.attempts += 1
        return Answer([{"update": "please activate by turning power off or pressing reset or mode button in 5m00s"}])

    def power_was_cut(self) -> None:
        """Apply what was asked for in the last five minutes, drop what is older."""
        if self._asked_at is not None and self._now() - self._asked_at <= _CONFIRM_WITHIN:
            self._device_mode.confirm()
        self._device_mode.pending, self._asked_at = None, None


def _yes(name: str, value: str) -> bool:
    try:
        return values.parse_bool(value)
    except ValueError:
        raise traps.invalid_value(name) from None


@dataclass(frozen=True, slots=True)
class Machine:
    """What the system menus read of their router."""

    version: str
    board: Callable[[], Board]
    serial: Callable[[], str]
    wall: WallClock
    #: Virtual seconds since boot.
    uptime: Callable[[], float]
    identity: Callable[[], str]
    rename: Callable[[str], None]
    #: Sectors written since boot, and ever.
    write_sectors: Callable[[], tuple[int, int]]


def system_menus(machine: Machine, tables: Tables) -> list[Menu]:
    """Make the settings menus that describe one router."""
    clock = SettingsMenu(
        "/system/clock",
        {"time-zone-autodetect": "true", "time-zone-name": "Africa/Nairobi"},
        live=lambda: _clock(machine),
        readers={"time-zone-autodetect": boolean},
        lookup=tables,
        changed=lambda given: _set_clock(machine, given),
    )
    return [
        SettingsMenu("/system/resource", {}, live=lambda: _resource(machine)),
        SettingsMenu(
            "/system/identity",
            {},
            live=lambda: {"name": machine.identity()},
            changed=lambda given: machine.rename(given["name"]) if "name" in given else None,
        ),
        clock,
        SettingsMenu("/system/routerboard", {}, live=lambda: _routerboard(machine)),
        SettingsMenu("/system/license", {}, live=lambda: _license(machine)),
    ]


def _resource(machine: Machine) -> Mapping[str, str]:
    board = machine.board()
    since_boot, ever = machine.write_sectors()
    return {
        "uptime": values.format_duration(int(machine.uptime())),
        "version": f"{machine.version} (stable)",
        "build-time": "2024-09-20 13:00:27",
        "factory-software": "6.49.10",
        "free-memory": str(board.memory * 3 // 4),
        "total-memory": str(board.memory),
        "cpu": board.cpu,
        "cpu-count": str(board.cpu_count),
        "cpu-frequency": str(board.cpu_frequency),
        "cpu-load": "3",
        "free-hdd-space": str(board.disk // 4),
        "total-hdd-space": str(board.disk),
        "write-sect-since-reboot": str(since_boot),
        "write-sect-total": str(_FACTORY_WRITES + ever),
        "bad-blocks": "0",
        "architecture-name": board.architecture,
        "board-name": board.name,
        "platform": "MikroTik",
    }


def _license(machine: Machine) -> dict[str, str]:
    return {"software-id": "VCHA-0001", "nlevel": str(machine.board().license_level), "features": ""}


def _routerboard(machine: Machine) -> dict[str, str]:
    return {
        "routerboard": "true",
        "board-name": machine.board().name,
        "model": machine.board().model,
        "serial-number": machine.serial(),
        "firmware-type": "mt7621L",
        "factory-firmware": "6.49.10",
        "current-firmware": machine.version,
        "upgrade-firmware": machine.version,
    }


_NAIROBI = timedelta(hours=3)


def _clock(machine: Machine) -> Mapping[str, str]:
    local = machine.wall.now() + _NAIROBI
    is_iso = tuple(map(int, machine.version.split(".")[:2])) >= (7, 10)
    date = f"{local:%Y-%m-%d}" if is_iso else f"{local:%b/%d/%Y}".lower()
    return {"time": f"{local:%H:%M:%S}", "date": date, "gmt-offset": "+03:00", "dst-active": "false"}


def _set_clock(machine: Machine, given: Mapping[str, str]) -> None:
    if not {"date", "time"} & given.keys():
        return
    local = machine.wall.now() + _NAIROBI
    date, time = given.get("date", f"{local:%Y-%m-%d}"), given.get("time", f"{local:%H:%M:%S}")
    for form in ("%Y-%m-%d %H:%M:%S", "%b/%d/%Y %H:%M:%S"):
        try:
            machine.wall.set(datetime.strptime(f"{date} {time}", form).replace(tzinfo=UTC) - _NAIROBI)
        except ValueError:
            continue
        return
    raise traps.invalid_value("date" if "date" in given else "time")
