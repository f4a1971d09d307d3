"""The doctor's judgement: one small function per question, each giving findings from facts and from what we expect.

Thresholds and advice: MikroTik manual (HotSpot, Device-mode, User, Services, Licensing: active hotspot users per level).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from routeros.doctor.facts import Facts
from routeros.doctor.findings import Finding, Severity
from routeros.doctor.versions import holes_of, read_version
from routeros.script.quoting import quote

#: Active hotspot users by licence level; 6 is without a limit.
LICENCE_USERS: Final = {"0": 1, "1": 1, "3": 1, "4": 200, "5": 500}
MOST_SKEW_S: Final = 60
LEAST_FREE_FLASH: Final = 1024 * 1024
#: We hold one connection and the merchant may hold another.
FEWEST_SESSIONS: Final = 4
_NEEDED: Final = frozenset({"api", "read", "write"})
_DANGEROUS: Final = frozenset(
    {"policy", "reboot", "ftp", "ssh", "telnet", "winbox", "web", "password", "sniff", "romon"}
)
#: Services a hotspot does without.
_UNUSED: Final = frozenset({"telnet", "ftp", "www", "api", "api-ssl"})
_DEVICE_MODE_SINCE: Final = (7, 17)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a sound router of ours is like. `server` is our address as it sees us; `sold` who may be online at once."""

    now: datetime
    user: str
    portal_host: str
    server: str
    zone: str
    sold: int
    uses_tls: bool
    in_tunnel: bool
    asks_us: bool = False  # we never sign in to it
    open_hosts: tuple[str, ...] = ()  # besides ours, what people who have not paid must reach: names, `*.` before some
    closed_hosts: tuple[str, ...] = ()  # what our script may have opened once and nobody needs any more


Rule = Callable[[Facts, Expected], list[Finding]]


def findings_of(facts: Facts, expected: Expected) -> list[Finding]:
    """All that is to be said about a router that answers; ["fine"] when nothing is wrong."""
    found = [finding for rule in _RULES for finding in rule(facts, expected)]
    return found or [Finding("fine", Severity.OK)]


def _version(facts: Facts, _: Expected) -> list[Finding]:
    version = read_version(facts.version)
    if version is None:
        return [Finding("version_unknown", Severity.NOTE)]
    holes = holes_of(version)
    if not holes:
        return []
    fix = "/system package update check-for-updates; /system package update install"
    params = {"version": facts.version, "holes": ", ".join(hole.cve for hole in holes)}
    return [Finding("version_holes", Severity.BAD if len(holes) > 1 else Severity.WARN, params, fix)]


def _policies(facts: Facts, expected: Expected) -> list[Finding]:
    if facts.group is None or facts.policies is None:
        return []
    group = quote("vocha-api")
    create = f':if ([:len [/user group find where name={group}]]=0) do={{/user group add name={group} policy="api,read,write"}}'
    fix = f"{create}; /user set [find where name={quote(expected.user)}] group={group}"
    found: list[Finding] = []
    if missing := _NEEDED - facts.policies:
        found.append(Finding("policies_missing", Severity.BAD, {"missing": ", ".join(sorted(missing))}, fix))
    elif facts.group == "full" or facts.policies & _DANGEROUS:
        found.append(Finding("policies_too_many", Severity.WARN, {"group": facts.group}, fix))
    if not facts.user_address and not expected.in_tunnel and expected.server:
        limit = f"/user set [find where name={quote(expected.user)}] address={quote(expected.server + '/32')}"
        found.append(Finding("user_open", Severity.NOTE, {"user": expected.user}, limit))
    return found


def _device_mode(facts: Facts, _: Expected) -> list[Finding]:
    mode, version = facts.device_mode, read_version(facts.version)
    if not mode or version is None or version < _DEVICE_MODE_SINCE:
        return []
    off = [name for name in ("hotspot", "proxy", "fetch", "scheduler") if mode.get(name) in ("no", "false")]
    if not off:
        return []
    fix = "/system device-mode update " + " ".join(f"{name}=yes" for name in off)
    severity = Severity.BAD if "hotspot" in off else Severity.NOTE
    return [Finding("device_mode", severity, {"off": ", ".join(off)}, fix)]


def _time(facts: Facts, expected: Expected) -> list[Finding]:
    found: list[Finding] = []
    is_old = (read_version(facts.version) or (7,))[0] < 7
    servers = (
        "/system ntp client set enabled=yes server-dns-names=pool.ntp.org"
        if is_old
        else "/system ntp client set enabled=yes servers=pool.ntp.org"
    )
    if facts.clock_at is not None:
        skew = abs(int((facts.clock_at - expected.now).total_seconds()))
        if facts.clock_at.year < 2024:
            found.append(Finding("clock_unset", Severity.WARN, {}, servers))
        elif skew > MOST_SKEW_S:
            found.append(Finding("clock_wrong", Severity.WARN, {"minutes": str(max(1, skew // 60))}, servers))
    if facts.is_ntp_on is False:
        found.append(Finding("ntp_off", Severity.NOTE, {}, servers))
    if facts.zone and facts.zone != expected.zone:
        fix = f"/system clock set time-zone-name={quote(expected.zone)}"
        found.append(Finding("zone", Severity.NOTE, {"is": facts.zone, "wanted": expected.zone}, fix))
    return found


def _hotspot(facts: Facts, _: Expected) -> list[Finding]:
    if facts.servers is None:
        return []
    if not facts.servers:
        return [Finding("hotspot_none", Severity.BAD)]
    if not facts.running:
        fix = f"/ip hotspot enable [find where name={quote(facts.servers[0].name)}]"
        return [Finding("hotspot_off", Severity.BAD, {"name": facts.servers[0].name}, fix)]
    found: list[Finding] = []
    for server in facts.running:
        profile = f"/ip hotspot profile set [find where name={quote(server.profile)}]"
        if "mac" in server.login_by or "trial" in server.login_by:
            odd = ", ".join(sorted(server.login_by & {"mac", "trial"}))
            fix = f'{profile} login-by="cookie,mac-cookie,http-pap"'
            found.append(Finding("login_free", Severity.WARN, {"ways": odd}, fix))
        elif not server.login_by & {"http-pap", "http-chap", "https"}:
            fix = f'{profile} login-by="cookie,mac-cookie,http-pap"'
            found.append(Finding("login_none", Severity.WARN, {"name": server.name}, fix))
        if server.uses_radius:
            found.append(Finding("radius", Severity.WARN, {"name": server.name}, f"{profile} use-radius=no"))
        if not server.dns_name:
            found.append(
                Finding("dns_name", Severity.NOTE, {"name": server.name}, f'{profile} dns-name="login.hotspot"')
            )
    return found


def _garden(facts: Facts, expected: Expected) -> list[Finding]:
    hosts, addresses = facts.garden_hosts, facts.garden_addresses
    if hosts is None or not expected.portal_host:
        return []
    host = quote(expected.portal_host)
    has_name = any(_covers(pattern, expected.portal_host) for pattern in hosts)
    has_address = addresses is None or any(expected.server == address.split("/")[0] for address in addresses)
    name_fix = f"/ip hotspot walled-garden add dst-host={host} action=allow comment=vocha"
    address_fix = f"/ip hotspot walled-garden ip add dst-address={quote(expected.server)} action=accept comment=vocha"
    if not has_name and not (has_address and addresses):
        return [Finding("garden_closed", Severity.BAD, {"host": expected.portal_host}, f"{name_fix}; {address_fix}")]
    if not has_address and expected.server:
        return [Finding("garden_address", Severity.NOTE, {"host": expected.portal_host}, address_fix)]
    return []


def _garden_of_ways(facts: Facts, expected: Expected) -> list[Finding]:
    """Hosts of a provider's own page: open exactly while customers may pay there."""
    hosts = facts.garden_hosts
    if hosts is None:
        return []
    found: list[Finding] = []
    missing = [host for host in expected.open_hosts if not any(_covers(pattern, host) for pattern in hosts)]
    if missing:
        add = [f"/ip hotspot walled-garden add dst-host={quote(host)} action=allow comment=vocha" for host in missing]
        add += [
            f"/ip hotspot walled-garden ip add dst-host={quote(host)} action=accept comment=vocha"
            for host in missing
            if not host.startswith("*")
        ]
        found.append(Finding("garden_pay_closed", Severity.BAD, {"hosts": ", ".join(missing)}, "; ".join(add)))
    left = [host for host in expected.closed_hosts if host in hosts and host not in expected.open_hosts]
    if left:
        which = " or ".join(f"dst-host={quote(host)}" for host in left)
        remove = f"remove [find where comment=vocha and ({which})]"
        fix = f"/ip hotspot walled-garden {remove}; /ip hotspot walled-garden ip {remove}"
        found.append(Finding("garden_left_open", Severity.NOTE, {"hosts": ", ".join(left)}, fix))
    return found


def _covers(pattern: str, host: str) -> bool:
    """RouterOS patterns: `*` and `?` are wild, a leading colon is a regular expression, which we do not judge."""
    if pattern.startswith(":"):
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern in ("*", host)


def _services(facts: Facts, expected: Expected) -> list[Finding]:
    found: list[Finding] = []
    ours = "" if expected.asks_us else "api-ssl" if expected.uses_tls else "api"
    for name, service in (facts.services or {}).items():
        if not service.is_open:
            continue
        if name == ours:
            if service.max_sessions is not None and service.max_sessions < FEWEST_SESSIONS:
                fix = f"/ip service set {name} max-sessions=20"
                found.append(Finding("api_sessions", Severity.WARN, {"most": str(service.max_sessions)}, fix))
            if not service.address and not expected.in_tunnel and expected.server:
                fix = f"/ip service set {name} address={quote(expected.server + '/32')}"
                found.append(Finding("api_open", Severity.WARN, {"name": name}, fix))
        elif name in _UNUSED and not service.address:
            found.append(Finding("service_open", Severity.NOTE, {"name": name}, f"/ip service disable {name}"))
    if not expected.uses_tls and not expected.in_tunnel and not expected.asks_us:
        found.append(Finding("api_plain", Severity.NOTE))
    return found


def _certificate(facts: Facts, _: Expected) -> list[Finding]:
    used = {service.certificate for service in (facts.services or {}).values() if service.is_open}
    used |= {server.certificate for server in facts.running}
    expired = sorted(name for name, is_over in (facts.certificates or {}).items() if is_over and name in used)
    found = [Finding("certificate_over", Severity.BAD, {"name": name}) for name in expired]
    for server in facts.running:
        if "https" in server.login_by and not server.certificate:
            found.append(Finding("certificate_none", Severity.WARN, {"name": server.name}))
    return found


def _licence(facts: Facts, expected: Expected) -> list[Finding]:
    most = LICENCE_USERS.get(facts.licence)
    if most is None:
        return []
    params = {"level": facts.licence, "most": str(most), "sold": str(expected.sold)}
    if most == 1:
        return [Finding("licence_one", Severity.BAD, params)]
    if expected.sold > most:
        return [Finding("licence_over", Severity.BAD, params)]
    return [Finding("licence_near", Severity.WARN, params)] if expected.sold * 10 > most * 8 else []


def _flash(facts: Facts, _: Expected) -> list[Finding]:
    if facts.free_flash is None or facts.free_flash >= LEAST_FREE_FLASH:
        return []
    return [Finding("flash", Severity.WARN, {"kib": str(facts.free_flash // 1024)}, "/file print")]


_RULES: Final[tuple[Rule, ...]] = (
    _version, _policies, _device_mode, _time, _hotspot, _garden, _garden_of_ways, _services, _certificate, _licence,
    _flash,
)  # fmt: skip
