"""What the doctor asks and finds where PPPoE customers are served: a server that answers, and addresses to give out. Pure.

Menus and settings: MikroTik manual, PPPoE and PPP AAA. Our own profiles carry a speed only, so that addresses come from the
default profile of the merchant's server.
"""

from collections.abc import Mapping
from typing import Final

from routeros.doctor.facts import MenuRows
from routeros.doctor.findings import Finding, Severity
from routeros.script.quoting import quote
from routeros.words import Row

_SERVERS, _PROFILES = "/interface/pppoe-server/server", "/ppp/profile"
#: Path → the fields asked for, on routers with PPPoE customers only.
PPPOE_MENUS: Final[Mapping[str, tuple[str, ...]]] = {
    _SERVERS: ("interface", "default-profile", "disabled", "invalid"),
    _PROFILES: ("name", "remote-address"),
}


def pppoe_findings(menus: MenuRows, *, customers: int) -> list[Finding]:
    """What keeps this many customers from dialling in; nothing where there are none, or where the menus were not shown."""
    if not customers or _SERVERS not in menus:
        return []
    servers = [Row(row) for row in menus[_SERVERS]]
    number = {"number": str(customers)}
    if not servers:
        return [Finding("pppoe_none", Severity.BAD, number)]
    running = [row for row in servers if not row.flag("disabled") and not row.flag("invalid")]
    if not running:
        where = quote(servers[0].text("interface"))
        fix = f"/interface pppoe-server server enable [find where interface={where}]"
        return [Finding("pppoe_off", Severity.BAD, number | {"interface": servers[0].text("interface")}, fix)]
    if _PROFILES not in menus:
        return []
    without = {row.get("name", "") for row in menus[_PROFILES] if row.get("remote-address", "") in {"", "0.0.0.0"}}
    names = sorted({row.text("default-profile", "default") for row in running} & without)
    return [Finding("pppoe_addresses", Severity.BAD, {"profile": name}, _addresses(name)) for name in names]


def _addresses(profile: str) -> str:
    pool = quote("vocha-pppoe")
    make = f":if ([:len [/ip pool find where name={pool}]]=0) do={{/ip pool add name={pool} ranges=10.64.0.10-10.64.15.250}}"
    return f"{make}; /ppp profile set [find where name={quote(profile)}] local-address=10.64.0.1 remote-address={pool}"
