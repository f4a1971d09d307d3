"""Who may use the router itself: `/user`, `/user/group`, `/user/active`, `/ip/service`, and the rights they give.

Policies and services: MikroTik manual, User and Services.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from routeros.simulator import traps, values
from routeros.simulator.calls import Answer, Call
from routeros.simulator.fields import Field, Lookup, Reader, boolean, choice, number, policies, reference, text
from routeros.simulator.menus.base import ItemMenu, Menu, Shown
from routeros.simulator.tables import Row, Table, Tables, TableSpec

POLICIES = (
    "local",
    "telnet",
    "ssh",
    "ftp",
    "reboot",
    "read",
    "write",
    "policy",
    "test",
    "winbox",
    "password",
    "web",
    "sniff",
    "sensitive",
    "api",
    "romon",
    "rest-api",
)
_READ = {"ftp", "write", "policy"}
_WRITE = {"ftp", "policy"}
_PORTS = {"ftp": 21, "ssh": 22, "telnet": 23, "www": 80, "www-ssl": 443, "winbox": 8291, "api": 8728, "api-ssl": 8729}


def _networks(name: str, value: str, _lookup: Lookup) -> str:
    try:
        found = [ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip()]
    except ValueError:
        raise traps.invalid_value(name) from None
    return ",".join(map(str, found))


_NETWORKS: Reader = _networks

GROUPS = TableSpec(
    "/user/group",
    {
        "name": Field(text),
        "policy": Field(policies(*POLICIES), ",".join(f"!{p}" for p in POLICIES), is_clearable=False),
        "skin": Field(text, "default"),
        "comment": Field(text),
    },
    required=("name",),
    unique=("name",),
    duplicate="failure: group with the same name already exists",
    keep_default="failure: can not remove system group",
)
USERS = TableSpec(
    "/user",
    {
        "name": Field(text),
        "group": Field(reference("/user/group"), refers_to="/user/group"),
        "address": Field(_NETWORKS, "", is_clearable=False),
        "password": Field(text, is_clearable=False),
        "inactivity-timeout": Field(text),
        "inactivity-policy": Field(text),
        "comment": Field(text),
        "disabled": Field(boolean, "false"),
    },
    required=("name", "group"),
    unique=("name",),
    duplicate="failure: user with the same name already exists",
    keep_default="failure: can not remove last user with full permissions",
)
SERVICES = TableSpec(
    "/ip/service",
    {
        "name": Field(text),
        "port": Field(number(1, 65535)),
        "address": Field(_NETWORKS, "", is_clearable=False),
        "certificate": Field(text),
        "tls-version": Field(choice("any", "only-1.2")),
        "vrf": Field(text, "main"),
        "max-sessions": Field(number(1, 1000)),
        "available-from": Field(text),
        "disabled": Field(boolean, "false"),
    },
)
SPECS = (GROUPS, USERS, SERVICES)


def seed_users(tables: Tables, *, user: str, password: str) -> None:
    """Put the factory groups and the first full user in place."""
    for name, refused in (("read", _READ), ("write", _WRITE), ("full", set[str]())):
        granted = [p for p in POLICIES if p not in refused]
        policy = ",".join([*granted, *(f"!{p}" for p in POLICIES if p in refused)])
        tables["/user/group"].seed({"name": name, "policy": policy})
    tables["/user"].seed({"name": user, "group": "full", "password": password, "comment": "system default user"})


def seed_services(tables: Tables, *, has_max_sessions: bool) -> None:
    """Put the services in place."""
    for name, port in _PORTS.items():
        extra = {"max-sessions": "20"} if has_max_sessions else {}
        if name.endswith("-ssl"):
            extra.update({"certificate": "none", "tls-version": "any"})
        tables["/ip/service"].seed({"name": name, "port": str(port), **extra})


def policies_of(tables: Tables, user: Row) -> frozenset[str]:
    """Return what a router user may do now."""
    groups = tables["/user/group"].named(user.get("group"))
    words = groups[0].get("policy").split(",") if groups else []
    return frozenset(word for word in words if word and not word.startswith("!"))


def is_admitted(networks: str, peer: str) -> bool:
    """Say whether an address restriction (comma list, empty for none) lets a peer in."""
    if not networks:
        return True
    address = ipaddress.ip_address(peer)
    return any(address in ipaddress.ip_network(part) for part in networks.split(","))


class RouterUserMenu(ItemMenu):
    """`/user`: changes need the policy of that name; passwords are never shown."""

    policy = ("policy",)

    def show_row(self, row: Row) -> dict[str, str]:
        """Leave the password out."""
        shown = super().show_row(row)
        shown.pop("password", None)
        return {**shown, "expired": "false"}


class GroupMenu(ItemMenu):
    """`/user/group`: changes need the policy `policy`; a caller gives only what it has."""

    policy = ("policy",)

    def add(self, call: Call) -> Answer:
        """Add a group."""
        self._refuse_more(call)
        return super().add(call)

    def change(self, call: Call) -> Answer:
        """Change groups."""
        self._refuse_more(call)
        return super().change(call)

    def _refuse_more(self, call: Call) -> None:
        wanted = {word.strip() for word in call.arguments.get("policy", "").split(",")} & set(POLICIES)
        call.permit(*wanted)


class ServiceMenu(ItemMenu):
    """`/ip/service`: fixed rows."""

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the flags."""
        return {**super().show_row(row), "invalid": "false"}


@dataclass(frozen=True, slots=True)
class Presence:
    """One logged-in router user."""

    id: str
    name: str
    address: str
    group: str
    since: datetime
    via: str = "api"

    @classmethod
    def of(cls, user: Row | None, since: datetime | None, *, peer: str, number: int, via: str = "api") -> Self | None:
        """Describe the user of a connection; None while nobody is logged in on it."""
        if user is None or since is None:
            return None
        return cls(f"*{number:X}", user.get("name"), peer, user.get("group"), since, via)


class PresenceMenu(Menu):
    """`/user/active`: who is logged in to the router now."""

    def __init__(self, present: Callable[[], Iterable[Presence]]) -> None:
        super().__init__("/user/active")
        self._present = present

    def shown(self) -> Iterable[Shown]:
        """Return one row per connection of the API and of REST."""
        return [
            {
                ".id": who.id,
                "when": f"{who.since:%Y-%m-%d %H:%M:%S}",
                "name": who.name,
                "address": who.address,
                "via": who.via,
                "group": who.group,
                "radius": values.format_bool(False),
            }
            for who in self._present()
        ]


def access_menus(tables: Tables, present: Callable[[], Iterable[Presence]]) -> list[Menu]:
    """Make the menus of router users and services."""
    table: Table = tables["/ip/service"]
    return [
        RouterUserMenu(tables["/user"]),
        GroupMenu(tables["/user/group"]),
        ServiceMenu(table),
        PresenceMenu(present),
    ]
