"""What the doctor asks a router, and the facts in the answers. A menu that could not be read is None: nothing is made up.

Menus and fields: MikroTik manual, CLI reference. `device-mode` exists from RouterOS 7.17 on for all boards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from routeros.words import Row, read_moment

Rows = Sequence[Mapping[str, str]]
#: Path → rows; a menu that refused or does not exist is absent.
MenuRows = Mapping[str, Rows]

#: Path → the fields asked for. No passwords, no keys.
MENUS: Final[Mapping[str, tuple[str, ...]]] = {
    "/system/resource": ("version", "board-name", "uptime", "free-hdd-space", "total-hdd-space"),
    "/system/identity": ("name",),
    "/system/routerboard": ("serial-number", "model"),
    "/system/clock": ("date", "time", "gmt-offset", "time-zone-name"),
    "/system/ntp/client": ("enabled", "status"),
    "/system/license": ("nlevel", "level"),
    "/system/device-mode": ("mode", "hotspot", "fetch", "scheduler", "proxy"),
    "/user": ("name", "group", "address", "disabled"),
    "/user/group": ("name", "policy"),
    "/ip/service": ("name", "port", "address", "certificate", "disabled", "max-sessions", "dynamic"),
    "/ip/hotspot": ("name", "interface", "profile", "disabled", "invalid"),
    "/ip/hotspot/profile": ("name", "hotspot-address", "dns-name", "login-by", "ssl-certificate", "use-radius"),
    "/ip/hotspot/walled-garden": ("dst-host", "action", "disabled"),
    "/ip/hotspot/walled-garden/ip": ("dst-host", "dst-address", "action", "disabled"),
    "/certificate": ("name", "common-name", "expires-after", "invalid-after", "expired"),
}


@dataclass(frozen=True, slots=True)
class HotspotServer:
    """A row of /ip/hotspot with its profile's words."""

    name: str
    interface: str
    profile: str
    is_running: bool
    login_by: frozenset[str]
    dns_name: str
    address: str
    certificate: str
    uses_radius: bool


@dataclass(frozen=True, slots=True)
class Service:
    """A row of /ip/service. `max_sessions` None: this version has no such limit to set."""

    name: str
    port: int
    is_open: bool
    address: str
    certificate: str
    max_sessions: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a router said. None: it did not say."""

    version: str
    board: str
    serial: str
    identity: str
    uptime_s: int
    free_flash: int | None
    total_flash: int | None
    clock_at: datetime | None
    zone: str
    is_ntp_on: bool | None
    licence: str
    device_mode: Mapping[str, str] | None
    group: str | None
    policies: frozenset[str] | None
    user_address: str
    services: Mapping[str, Service] | None
    servers: Sequence[HotspotServer] | None
    garden_hosts: frozenset[str] | None
    garden_addresses: frozenset[str] | None
    certificates: Mapping[str, bool] | None

    @property
    def running(self) -> Sequence[HotspotServer]:
        """Hotspot servers that are on."""
        return [server for server in self.servers or () if server.is_running]


def facts_from(menus: MenuRows, *, user: str) -> Facts:
    """The facts in the rows of MENUS; `user` is who we sign in as. ValueError when a value cannot be read."""
    resource, clock = _only(menus, "/system/resource"), _only(menus, "/system/clock")
    board = _only(menus, "/system/routerboard")
    licence, ntp = _only(menus, "/system/license"), _only(menus, "/system/ntp/client")
    group, policies, address = _rights(menus, user)
    has_clock = bool(clock.text("date") and clock.text("time"))
    return Facts(
        version=resource.text("version").split(" ")[0],
        board=resource.text("board-name"),
        serial=board.text("serial-number"),
        identity=_only(menus, "/system/identity").text("name"),
        uptime_s=resource.seconds("uptime"),
        free_flash=_size(resource, "free-hdd-space"),
        total_flash=_size(resource, "total-hdd-space"),
        clock_at=read_moment(clock.text("date"), clock.text("time"), clock.text("gmt-offset", "+00:00"))
        if has_clock
        else None,
        zone=clock.text("time-zone-name"),
        is_ntp_on=ntp.flag("enabled") if "/system/ntp/client" in menus else None,
        licence=licence.text("nlevel") or licence.text("level"),
        device_mode=dict(menus["/system/device-mode"][0]) if menus.get("/system/device-mode") else None,
        group=group,
        policies=policies,
        user_address=address,
        services=_services(menus),
        servers=_servers(menus),
        garden_hosts=_allowed(menus, "/ip/hotspot/walled-garden", "dst-host"),
        garden_addresses=_allowed(menus, "/ip/hotspot/walled-garden/ip", "dst-address"),
        certificates={row["name"]: Row(row).flag("expired") for row in menus["/certificate"] if "name" in row}
        if "/certificate" in menus
        else None,
    )


def told(facts: Facts) -> dict[str, str]:
    """The settings worth comparing from one look to the next, in words. Nothing that changes by itself."""
    words: dict[str, str] = {
        "version": facts.version, "board": facts.board, "serial": facts.serial, "identity": facts.identity,
        "time zone": facts.zone, "licence": facts.licence,
    }  # fmt: skip
    if facts.is_ntp_on is not None:
        words["time servers"] = "on" if facts.is_ntp_on else "off"
    for key, value in (facts.device_mode or {}).items():
        words[f"device-mode {key}"] = value
    if facts.policies is not None:
        words["policies of our user"] = ",".join(sorted(facts.policies))
    for service in (facts.services or {}).values():
        opened = f"port {service.port} for {service.address or 'everybody'}" if service.is_open else "off"
        words[f"service {service.name}"] = opened
    for server in facts.servers or ():
        words[f"hotspot {server.name}"] = "on" if server.is_running else "off"
        words[f"hotspot {server.name} interface"] = server.interface
        words[f"hotspot {server.name} login-by"] = ",".join(sorted(server.login_by))
        words[f"hotspot {server.name} dns-name"] = server.dns_name
    for name, allowed in (("hosts", facts.garden_hosts), ("addresses", facts.garden_addresses)):
        if allowed is not None:
            words[f"walled garden {name}"] = ", ".join(sorted(allowed))
    return {name: value[:2000] for name, value in words.items() if value}


def _only(menus: MenuRows, path: str) -> Row:
    rows = menus.get(path) or ({},)
    return Row(rows[0])


def _size(row: Row, name: str) -> int | None:
    return row.number(name) if row.text(name) else None


def _rights(menus: MenuRows, user: str) -> tuple[str | None, frozenset[str] | None, str]:
    mine = [row for row in menus.get("/user", ()) if row.get("name") == user]
    if not mine:
        return None, None, ""
    group = mine[0].get("group", "")
    policies = [row.get("policy", "") for row in menus.get("/user/group", ()) if row.get("name") == group]
    granted = frozenset(word for word in policies[0].split(",") if word and word[0] != "!") if policies else None
    return group, granted, mine[0].get("address", "")


def _services(menus: MenuRows) -> dict[str, Service] | None:
    if "/ip/service" not in menus:
        return None
    found: dict[str, Service] = {}
    for each in menus["/ip/service"]:
        row = Row(each)
        if row.flag("dynamic") or row.text("name") in found:  # 7.18+ also lists open connections
            continue
        certificate = row.text("certificate")
        found[row.text("name")] = Service(
            name=row.text("name"),
            port=row.number("port"),
            is_open=not row.flag("disabled"),
            address=row.text("address"),
            certificate="" if certificate == "none" else certificate,
            max_sessions=row.number("max-sessions") if row.text("max-sessions") else None,
        )
    return found


def _servers(menus: MenuRows) -> list[HotspotServer] | None:
    if "/ip/hotspot" not in menus or "/ip/hotspot/profile" not in menus:
        return None
    profiles = {row.get("name", ""): Row(row) for row in menus["/ip/hotspot/profile"]}
    return [_server(Row(row), profiles) for row in menus["/ip/hotspot"]]


def _server(row: Row, profiles: Mapping[str, Row]) -> HotspotServer:
    profile = profiles.get(row.text("profile"), Row({}))
    certificate = profile.text("ssl-certificate")
    return HotspotServer(
        name=row.text("name"),
        interface=row.text("interface"),
        profile=row.text("profile"),
        is_running=not row.flag("disabled") and not row.flag("invalid"),
        login_by=frozenset(way for way in profile.text("login-by").split(",") if way),
        dns_name=profile.text("dns-name"),
        address=profile.text("hotspot-address"),
        certificate="" if certificate == "none" else certificate,
        uses_radius=profile.flag("use-radius"),
    )


def _allowed(menus: MenuRows, path: str, field: str) -> frozenset[str] | None:
    if path not in menus:
        return None
    good = ("allow", "accept")
    return frozenset(
        row[field]
        for row in menus[path]
        if field in row and row.get("action", good[0]) in good and not Row(row).flag("disabled")
    )
