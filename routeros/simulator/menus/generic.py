"""Every other menu of the command list as a plain table or a plain set of properties, with no behaviour behind it.

Arguments come from the version's schema; values are kept as text but for the few whose type their name tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from routeros.simulator import traps
from routeros.simulator.calls import Answer, Call
from routeros.simulator.fields import (
    Field,
    boolean,
    choice,
    choices,
    duration,
    ip,
    ip_prefix,
    number,
    rate_limit,
    reference,
    size,
    text,
)
from routeros.simulator.menus import interfaces
from routeros.simulator.menus.base import ItemMenu, Menu, SettingsMenu
from routeros.simulator.menus.certificates import CertificateMenu
from routeros.simulator.schema import Schema
from routeros.simulator.tables import Table, Tables, TableSpec

_NOT_PROPERTIES = frozenset({"numbers", "copy-from", "place-before"})
#: Menus where an item makes no sense without these. Source: MikroTik manual, command reference.
_REQUIRED = {
    "/ip/address": ("address", "interface"),
    "/ip/pool": ("name", "ranges"),
    "/system/script": ("name",),
    "/ppp/secret": ("name",),
    "/ppp/profile": ("name",),
    "/interface/pppoe-server/server": ("interface",),
    "/interface/pppoe-server": ("name",),
    "/interface/wireguard": ("name",),
    "/interface/wireguard/peers": ("interface",),
    "/interface/vlan": ("interface", "vlan-id"),
    "/interface/bridge/port": ("interface", "bridge"),
    "/interface/list": ("name",),
    "/interface/list/member": ("list", "interface"),
    "/ip/dhcp-server": ("interface",),
    "/ip/dhcp-server/network": ("address",),
    "/ip/dhcp-server/option": ("code",),
    "/ip/firewall/address-list": ("list", "address"),
    "/file": ("name",),
}
_UNIQUE = {
    *("/interface", "/interface/bridge", "/interface/list", "/interface/vlan", "/interface/wireguard"),
    *("/ip/pool", "/ip/dhcp-server", "/ip/dhcp-server/option", "/ip/dhcp-server/option/sets"),
    *("/ppp/profile", "/ppp/secret", "/system/script", "/file", "/certificate"),
}
_DUPLICATE = {"/ppp/secret": "failure: secret with the same name already exists"}
_SECRETS = {"password", "secret", "private-key", "preshared-key", "passphrase"}

_INTERFACE = Field(reference("/interface"), refers_to="/interface")
_PPP_PROFILE = Field(reference("/ppp/profile"), "default", refers_to="/ppp/profile")
_INTERFACE_LIST = Field(reference("/interface/list", "all", "none"), refers_to="/interface/list")
#: The few properties of plain menus that are checked like the real ones.
_TYPED: dict[tuple[str, str], Field] = {
    ("/ip/address", "address"): Field(ip_prefix),
    ("/ip/address", "interface"): _INTERFACE,
    ("/ip/dhcp-server", "interface"): _INTERFACE,
    ("/ip/dhcp-server", "address-pool"): Field(
        reference("/ip/pool", "static-only"), "static-only", refers_to="/ip/pool"
    ),
    ("/ip/dhcp-server", "lease-time"): Field(duration, "30m"),
    ("/ip/dhcp-server/option", "code"): Field(number(1, 254)),
    ("/interface/bridge/port", "interface"): _INTERFACE,
    ("/interface/bridge/port", "bridge"): Field(reference("/interface/bridge"), refers_to="/interface/bridge"),
    ("/interface/list/member", "interface"): _INTERFACE,
    ("/interface/list/member", "list"): _INTERFACE_LIST,
    ("/interface/vlan", "interface"): _INTERFACE,
    ("/interface/vlan", "vlan-id"): Field(number(1, 4095)),
    ("/interface/wireguard", "listen-port"): Field(number(0, 65535)),
    ("/interface/wireguard/peers", "interface"): Field(
        reference("/interface/wireguard"), refers_to="/interface/wireguard"
    ),
    ("/ip/firewall/address-list", "timeout"): Field(duration),
    ("/ppp/secret", "profile"): _PPP_PROFILE,
    ("/ppp/secret", "service"): Field(choice("any", "async", "isdn", "l2tp", "ovpn", "pppoe", "pptp", "sstp"), "any"),
    ("/ppp/secret", "caller-id"): Field(text, ""),
    ("/ppp/secret", "password"): Field(text, "", is_secret=True),
    ("/ppp/secret", "limit-bytes-in"): Field(size, "0"),
    ("/ppp/secret", "limit-bytes-out"): Field(size, "0"),
    ("/ppp/secret", "local-address"): Field(ip),
    ("/ppp/secret", "remote-address"): Field(ip),
    ("/ppp/profile", "rate-limit"): Field(rate_limit),
    ("/ppp/profile", "only-one"): Field(choice("default", "no", "yes"), "default"),
    ("/ppp/profile", "session-timeout"): Field(duration),
    ("/ppp/profile", "idle-timeout"): Field(duration),
    ("/interface/pppoe-server/server", "interface"): _INTERFACE,
    ("/interface/pppoe-server/server", "default-profile"): _PPP_PROFILE,
    ("/interface/pppoe-server/server", "keepalive-timeout"): Field(number(0, 65535, words=("disabled",)), "10"),
    ("/interface/pppoe-server/server", "max-sessions"): Field(number(0, 65535, words=("unlimited",)), "unlimited"),
    ("/interface/pppoe-server/server", "one-session-per-host"): Field(boolean, "false"),
    ("/interface/pppoe-server/server", "authentication"): Field(
        choices("pap", "chap", "mschap1", "mschap2"), "pap,chap,mschap1,mschap2"
    ),
}
#: Switched off until somebody says otherwise, as the examples of the manual show by `disabled=no`.
_OFF_AT_FIRST = {"/interface/pppoe-server/server"}
_FACTORY_ROWS = {
    "/ppp/profile": ("default", "default-encryption"),
    "/interface/list": ("all", "none", "dynamic", "static"),
}
#: What these print from the factory. Source: MikroTik manual, DNS, NTP, Cloud.
_FACTORY_SETTINGS = {
    "/ip/dns": {
        "servers": "",
        "dynamic-servers": "",
        "use-doh-server": "",
        "verify-doh-cert": "false",
        "allow-remote-requests": "false",
        "max-udp-packet-size": "4096",
        "cache-size": "2048",
        "cache-max-ttl": "1w",
    },
    "/system/ntp/client": {"enabled": "false"},
    "/ip/cloud": {"ddns-enabled": "false", "update-time": "true"},
}


def generic_spec(path: str, schema: Schema) -> TableSpec:
    """Make the table of a menu out of the arguments its commands take."""
    names = (schema.arguments(path, "add") | schema.arguments(path, "set")) - _NOT_PROPERTIES
    fields = {name: Field(text, is_secret=name in _SECRETS) for name in sorted(names | {"name"})}
    fields.update({name: known for (menu, name), known in _TYPED.items() if menu == path})
    if "disabled" in names:
        fields["disabled"] = Field(boolean, "true" if path in _OFF_AT_FIRST else "false")
    required = tuple(name for name in _REQUIRED.get(path, ()) if name in names)
    unique = ("name",) if path in _UNIQUE else ()
    return TableSpec(path, fields, required, unique, duplicate=_DUPLICATE.get(path, "failure: already have such name"))


def seed_factory_rows(table: Table) -> None:
    """Put the rows in place a menu comes with."""
    for name in _FACTORY_ROWS.get(table.spec.path, ()):
        table.seed({"name": name})


def add_generic_menus(
    menus: dict[str, Menu], tables: Tables, schema: Schema, *, settings: Mapping[str, Mapping[str, str]]
) -> None:
    """Give every menu of the schema that has no behaviour of its own a plain one; `settings` are factory values."""
    for path in sorted(schema.menus):
        if path in menus or not schema.verbs(path):
            continue
        if schema.has_rows(path):
            table = tables[path] if path in tables else tables.create(generic_spec(path, schema))
            seed_factory_rows(table)
            menus[path] = _item_menu(table, tables, schema)
        elif schema.arguments(path, "print") or schema.arguments(path, "set"):
            menus[path] = _settings_menu(path, {**_FACTORY_SETTINGS.get(path, {}), **settings.get(path, {})}, tables)
        else:
            continue
    for path, menu in menus.items():
        known = menu.readers.keys() | menu.writers.keys()
        for verb in schema.verbs(path):
            if verb not in known:
                menu.writers[verb] = WithoutBehaviour(f"{path}/{verb}")


def _item_menu(table: Table, tables: Tables, schema: Schema) -> ItemMenu:
    if table.spec.path != "/certificate":
        return interfaces.menu_for(table, tables) or ItemMenu(table)
    files = tables["/file"] if "/file" in tables else tables.create(generic_spec("/file", schema))
    return CertificateMenu(table, files)


def _settings_menu(path: str, factory: dict[str, str], tables: Tables) -> SettingsMenu:
    readers = {name: boolean for name, value in factory.items() if value in {"true", "false"}}
    return SettingsMenu(path, factory, readers=readers, lookup=tables)


@dataclass(frozen=True, slots=True)
class WithoutBehaviour:
    """A listed command the simulator does not act on, and says so."""

    command: str

    def __call__(self, _call: Call) -> Answer:
        """Refuse."""
        raise traps.Trap(f"failure: the simulator does not act on {self.command}", traps.GENERAL)
