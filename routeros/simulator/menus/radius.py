"""`/radius` and `/radius/incoming`: which servers are asked, and whether they may send orders.

Fields and defaults: MikroTik manual, RADIUS; 300 ms as the timeout of version 6 from the field.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from routeros.simulator import traps
from routeros.simulator.calls import Answer, Call
from routeros.simulator.fields import Field, Lookup, boolean, choice, choices, duration, number, text
from routeros.simulator.menus.base import ItemMenu, SettingsMenu
from routeros.simulator.schema import Schema
from routeros.simulator.tables import Table, Tables, TableSpec

RADIUS, INCOMING = "/radius", "/radius/incoming"
_SERVICES = ("ppp", "login", "hotspot", "wireless", "dhcp", "ipsec", "dot1x")
_PORT = number(1, 65535)


def _address(name: str, value: str, _lookup: Lookup) -> str:
    """An address of version 4 or 6, with `@` and a VRF behind it or not."""
    plain, at, vrf = value.partition("@")
    try:
        return f"{ipaddress.ip_address(plain)}{at}{vrf}"
    except ValueError:
        raise traps.invalid_value(name) from None


def radius_spec(schema: Schema) -> TableSpec:
    """Make the table of the servers with the properties this version lists."""
    fields = {
        "service": Field(choices(*_SERVICES), "", is_clearable=False),
        "called-id": Field(text, "", is_clearable=False),
        "domain": Field(text, "", is_clearable=False),
        "address": Field(_address, "0.0.0.0"),
        "secret": Field(text, "", is_secret=True, is_clearable=False),
        "authentication-port": Field(_PORT, "1812"),
        "accounting-port": Field(_PORT, "1813"),
        "timeout": Field(duration, "300ms" if schema.version < (7,) else "1s100ms"),
        "radsec-timeout": Field(duration, "3s300ms"),
        "accounting-backup": Field(boolean, "false"),
        "realm": Field(text, "", is_clearable=False),
        "src-address": Field(_address, "0.0.0.0"),
        "protocol": Field(choice("udp", "radsec"), "udp"),
        "certificate": Field(text, "none"),
        "require-message-auth": Field(choice("no", "yes-for-request-resp"), "yes-for-request-resp"),
        "comment": Field(text),
        "disabled": Field(boolean, "false"),
    }
    known = schema.arguments(RADIUS, "add") | schema.arguments(RADIUS, "set")
    return TableSpec(RADIUS, {name: field for name, field in fields.items() if name in known})


class RadiusMenu(ItemMenu):
    """`/radius`: the servers. `forget` sets the counters of all of them to zero."""

    def __init__(self, table: Table, forget: Callable[[], None]) -> None:
        super().__init__(table)
        self._forget = forget
        self.writers["reset-counters"] = self.reset_counters

    def reset_counters(self, _call: Call) -> Answer:
        """Set the counters to zero."""
        self._forget()
        return Answer()


class IncomingMenu(SettingsMenu):
    """`/radius/incoming`: whether orders are taken, and the port they come to (a real one is the simulator's own)."""

    def __init__(self, tables: Tables, *, port: int, forget: Callable[[], None], changed: Callable[[], None]) -> None:
        factory = {"accept": "false", "port": str(port), "vrf": "main"}
        readers = {"accept": boolean, "port": _PORT}
        super().__init__(INCOMING, factory, readers=readers, lookup=tables)
        self._hear = changed
        self._forget = forget
        self.writers["reset-counters"] = self.reset_counters

    def change(self, call: Call) -> Answer:
        """Set properties; whoever listens for orders hears of it."""
        answer = super().change(call)
        self._hear()
        return answer

    @property
    def accepts(self) -> bool:
        """Say whether orders are taken."""
        return self.values["accept"] == "true"

    def reset_counters(self, _call: Call) -> Answer:
        """Set the counters to zero."""
        self._forget()
        return Answer()
