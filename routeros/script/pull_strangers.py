"""Rows at a router that asks us which are not ours: what its agent tells of them, and how one that a person named is taken off.

They travel as settings do, field by field (routeros.script.pull_settings): people call their users whatever they like.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from routeros.script.agent_text import OURS
from routeros.script.pull_values import Drop, SettingRow, Stranger
from routeros.script.quoting import quote
from routeros.values import ActiveSession, HotspotUser
from routeros.words import Row

#: Kind → menu, which of its rows are told, and their fields; the values a row is known again by come first.
_MENUS: Final[Mapping[Stranger, tuple[str, str, tuple[str, ...]]]] = {
    Stranger.USER: (
        "/ip/hotspot/user",
        f"!(name~{OURS})",
        ("mac-address", "profile", "comment", "name", "uptime", "dynamic", "disabled"),
    ),
    Stranger.ACTIVE: ("/ip/hotspot/active", f"!(user~{OURS})", ("mac-address", "address", "user", "uptime")),
    Stranger.BINDING: ("/ip/hotspot/ip-binding", "type=bypassed", ("address", "type", "comment", "mac-address")),
}
FIELDS: Final = {menu: fields for menu, _, fields in _MENUS.values()}
_BY_MENU: Final = {menu: kind for kind, (menu, _, _) in _MENUS.items()}

Told = Mapping[Stranger, list[dict[str, str]]]


def look_lines() -> str:
    """Script lines that fill `$vSeen`, menu → rows."""
    return "".join(
        f":set ($vSeen->{quote(menu)}) [/{menu[1:].replace('/', ' ')} print as-value where {which}]\n"
        for menu, which, _ in _MENUS.values()
    )


def told_of(rows: Iterable[SettingRow]) -> Told:
    """Kind → rows by field, as the router said them."""
    found: dict[Stranger, dict[int, dict[str, str]]] = {kind: {} for kind in Stranger}
    for row in rows:
        kind = _BY_MENU.get(row.menu)
        if kind is not None and row.field in FIELDS[row.menu]:
            found[kind].setdefault(row.number, {})[row.field] = row.value
    return {kind: [some[number] for number in sorted(some)] for kind, some in found.items()}


def users_of(told: Told) -> tuple[HotspotUser, ...]:
    """Hotspot users that are not ours."""
    return tuple(
        HotspotUser(
            name=row["name"],
            profile=row.get("profile", "default"),
            comment=row.get("comment", ""),
            uptime=_seconds(row),
            is_dynamic=row.get("dynamic") in ("true", "yes"),
        )
        for row in told[Stranger.USER]
        if row.get("name")
    )


def sessions_of(told: Told) -> tuple[ActiveSession, ...]:
    """Sessions of users that are not ours."""
    return tuple(
        ActiveSession(
            user=row["user"],
            address=row.get("address", ""),
            mac_address=row.get("mac-address", "").upper(),
            uptime=_seconds(row),
        )
        for row in told[Stranger.ACTIVE]
        if row.get("user")
    )


def drops_of_user(told: Told, name: str) -> list[Drop]:
    """What takes a user off that is not ours: its rows, then its sessions, each with the values it was seen with."""
    rows = [
        Drop(Stranger.USER, name, (row.get("mac-address", ""), row.get("profile", ""), row.get("comment", "")))
        for row in told[Stranger.USER]
        if row.get("name") == name
    ]
    sessions = [
        Drop(Stranger.ACTIVE, name, (row.get("mac-address", ""), row.get("address", ""), ""))
        for row in told[Stranger.ACTIVE]
        if row.get("user") == name
    ]
    return [*rows, *sessions]


def drops_of_device(told: Told, mac: str) -> list[Drop]:
    """What ends that a device is let by without a login."""
    return [
        Drop(
            Stranger.BINDING, row["mac-address"], (row.get("address", ""), row.get("type", ""), row.get("comment", ""))
        )
        for row in told[Stranger.BINDING]
        if row.get("mac-address", "").upper() == mac.upper()
    ]


def _seconds(row: Mapping[str, str]) -> int:
    """Of a row that is not ours only the worth of the time is told; a time nobody can read is worth nothing."""
    try:
        return Row(row).seconds("uptime")
    except ValueError:
        return 0
