"""Factory state: empty tables, default rows, the one server a new hotspot starts with, and the way back to it all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Protocol

from routeros.simulator.behaviour import Behaviour
from routeros.simulator.cookies import CookieJar
from routeros.simulator.fields import Field, text
from routeros.simulator.menus import access, generic, interfaces, radius, system
from routeros.simulator.menus import hotspot_fields as menus
from routeros.simulator.menus.base import Menu, SettingsMenu
from routeros.simulator.ppp.menus import add_ppp_tables
from routeros.simulator.schema import Schema, schema_for
from routeros.simulator.tables import Tables, TableSpec
from routeros.simulator.trials import Trials

INTERFACES = TableSpec("/interface", {"name": Field(text), "type": Field(text)})


def hotspot_tables() -> Tables:
    """Make the tables a hotspot needs, for one that stands alone without a router around it."""
    tables = Tables()
    for spec in menus.SPECS:
        tables.create(spec)
    tables.create(INTERFACES).seed({"name": "bridge", "type": "bridge"})
    return tables


def seed_defaults(tables: Tables) -> None:
    """Put the rows in place that every router has and nobody can remove."""
    tables[menus.SERVER_PROFILE].seed({"name": "default"}, row_id="*0")
    tables[menus.USER_PROFILE].seed({"name": "default"}, row_id="*0")
    tables[menus.USER].seed(
        {"name": "default-trial", "comment": "counters and limits for trial users"}, row_id="*0"
    ).values.pop("profile")


def seed_server(tables: Tables, *, name: str, address: str, dns_name: str, login_by: str) -> None:
    """Set up one hotspot server as `/ip/hotspot/setup` leaves it: a server profile `hsprof1` and the server.

    Does nothing with an empty name: a router without a hotspot.
    """
    if not name:
        return
    tables[menus.SERVER_PROFILE].add(
        {"name": "hsprof1", "hotspot-address": address, "dns-name": dns_name, "login-by": login_by}
    )
    interface = next(iter(tables.names("/interface")))
    tables[menus.HOTSPOT].add({"name": name, "interface": interface, "profile": "hsprof1", "disabled": "no"})


def schema_of(version: str, behaviour: Behaviour) -> Schema:
    """Return the command tree of a version, with what the switches add to it."""
    schema = schema_for(version)
    if not behaviour.has_https_redirect:
        return schema
    profile = ("/ip/hotspot/profile/add", "/ip/hotspot/profile/set")
    more = {name: schema.commands[name] | {"https-redirect"} for name in profile}
    return replace(schema, commands={**schema.commands, **more})


def settings_of(schema: Schema) -> dict[str, dict[str, str]]:
    """Return what menus of one set of properties print from the factory, where versions differ."""
    of_six = {"primary-ntp": "0.0.0.0", "secondary-ntp": "0.0.0.0", "server-dns-names": "", "mode": "broadcast"}
    of_seven = {"mode": "unicast", "servers": "", "vrf": "main"}
    return {"/system/ntp/client": of_six if schema.version < (7,) else of_seven}


def router_tables(schema: Schema) -> Tables:
    """Make the empty tables every router has; plain menus add theirs later."""
    tables = Tables()
    for spec in (*menus.SPECS, *access.SPECS, *system.SPECS):
        tables.create(spec)
    for path in ("/interface", "/ip/pool", "/ip/address"):
        tables.create(generic.generic_spec(path, schema))
    tables.create(radius.radius_spec(schema))
    add_ppp_tables(tables, schema)
    return tables


def seed_router(
    tables: Tables, schema: Schema, names: Collection[str], *, user: str, password: str, keeps_users: bool = False
) -> None:
    """Put the interfaces, the first full user, groups and services in place."""
    for name in names:
        kind = "bridge" if name.startswith("bridge") else "ether"
        tables["/interface"].seed({"name": name, "type": kind, "running": "true"})
    has_max_sessions = "max-sessions" in schema.arguments("/ip/service", "set")
    if not keeps_users:
        access.seed_users(tables, user=user, password=password)
    access.seed_services(tables, has_max_sessions=has_max_sessions)


class Resettable(Protocol):
    """What a reset needs of a hotspot."""

    tables: Tables
    cookies: CookieJar
    trials: Trials
    identity: str

    def lose_memory(self) -> None:
        """Lose what only memory holds."""
        ...


def reset(
    hotspot: Resettable,
    made: Mapping[str, Menu],
    schema: Schema,
    names: Collection[str],
    *,
    keeps_users: bool,
) -> None:
    """Put a router back to what it left the factory with: `admin` without a password, no hotspot."""
    tables = hotspot.tables
    hotspot.lose_memory()
    hotspot.cookies.cookies.clear()
    hotspot.trials.allowances.clear()
    hotspot.identity = "MikroTik"
    for path, table in tables.items():
        if not (keeps_users and path in {"/user", "/user/group"}):
            table.clear()
    seed_router(tables, schema, names, user="admin", password="", keeps_users=keeps_users)
    seed_defaults(tables)
    for menu in made.values():
        if isinstance(menu, SettingsMenu):
            menu.reset()
        elif isinstance(menu, interfaces.InterfaceMenu):
            menu.adopt()
    for table in tables.values():
        generic.seed_factory_rows(table)
