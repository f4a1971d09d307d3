"""Factory state of the hotspot menus: empty tables, default rows, and the one server a new hotspot starts with."""

from __future__ import annotations

from routeros.simulator.fields import Field, text
from routeros.simulator.menus import hotspot_fields as menus
from routeros.simulator.tables import Tables, TableSpec

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
