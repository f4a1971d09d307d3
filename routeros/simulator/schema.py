"""Which commands and arguments each RouterOS version has. Data: `data/commands.json`; a few menus are added here.

A version between two listed ones behaves like the older; 6.x like the oldest, without what only 7 has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict, cast

_DATA = Path(__file__).parent / "data" / "commands.json"
_SEVEN_ONLY = (
    "/interface/wireguard",
    "/ip/dns/adlist",
    "/ip/dns/forwarders",
    "/ip/service/webserver",
    "/certificate/builtin",
    "/file/add",
    "/file/copy",
    "/file/head",
    "/file/read",
    "/file/tail",
    "/safe-mode",
    "/system/device-mode",
    "/system/ntp/client/servers",
    "/user/settings",
)
#: Missing from the data file, whose routers are virtual ones. Source: MikroTik manual, command reference.
_MORE: dict[str, tuple[str, ...]] = {
    "/system/routerboard/print": ("as-value", "file", "interval", "without-paging"),
}
#: Arguments version 6 does not document, or that are known to have come later.
_ARGUMENTS_SINCE_SEVEN = {
    "/ip/dhcp-server/option/add": {"comment", "force"},
    "/ip/dhcp-server/option/set": {"comment", "force"},
}
#: What version 6 has instead. Source: MikroTik manual, NTP (RouterOS version 6).
_IN_SIX: dict[str, tuple[str, ...]] = {
    "/system/ntp/client/set": ("enabled", "primary-ntp", "secondary-ntp", "server-dns-names"),
}


class _Data(TypedDict):
    versions: list[str]
    lists: list[list[str]]
    commands: dict[str, list[object]]


@dataclass(frozen=True, slots=True)
class Schema:
    """The command tree of one version."""

    version: tuple[int, ...]
    commands: Mapping[str, frozenset[str]]
    #: Verbs by menu; paths that only lead to menus have none.
    menus: Mapping[str, tuple[str, ...]]

    def verbs(self, menu: str) -> tuple[str, ...]:
        """Return the verbs the data lists for a menu."""
        return self.menus.get(menu, ())

    def arguments(self, menu: str, verb: str) -> frozenset[str]:
        """Return the arguments of a command, none when it is not listed."""
        return self.commands.get(f"{menu}/{verb}", frozenset())

    def has_rows(self, menu: str) -> bool:
        """Say whether a menu is a list of items; otherwise it is one set of properties."""
        if f"{menu}/add" in self.commands or f"{menu}/remove" in self.commands:
            return True
        return "numbers" in self.arguments(menu, "set") or "count-only" in self.arguments(menu, "print")


def parse_version(text: str) -> tuple[int, ...]:
    """Read `7.20.2` as (7, 20, 2). Raises ValueError."""
    return tuple(int(part) for part in text.split("."))


@cache
def schema_for(version: str) -> Schema:
    """Return the command tree of a version such as `7.16` or `6.49`."""
    wanted = parse_version(version)
    listed = _load()["versions"]
    older = [name for name in listed if parse_version(name) <= wanted]
    nearest = older[-1] if older else listed[0]
    commands = dict(_commands_of(nearest))
    if wanted < (7,):
        commands = {
            name: args - _ARGUMENTS_SINCE_SEVEN.get(name, set())
            for name, args in commands.items()
            if not name.startswith(_SEVEN_ONLY)
        }
        commands |= {name: frozenset(args) for name, args in _IN_SIX.items()}
    menus: dict[str, tuple[str, ...]] = {}
    for command in commands:
        path, _, verb = command.rpartition("/")
        menus[path] = (*menus.get(path, ()), verb)
        while path := path.rpartition("/")[0]:
            menus.setdefault(path, ())
    menus.pop("", None)
    return Schema(wanted, commands, menus)


@cache
def _load() -> _Data:
    return cast("_Data", json.loads(_DATA.read_text(encoding="utf-8")))


@cache
def _commands_of(version: str) -> dict[str, frozenset[str]]:
    data = _load()
    found = {name: frozenset(args) for name, args in _MORE.items()}
    for name, (shape, *more) in data["commands"].items():
        sometimes = cast("dict[str, list[str]]", more[0]) if more else {}
        if len(more) > 1 and version not in cast("list[str]", more[1]):
            continue
        common = data["lists"][shape] if isinstance(shape, int) else cast("list[str]", shape)
        found[name] = frozenset([*common, *(arg for arg, have in sometimes.items() if version in have)])
    return found
