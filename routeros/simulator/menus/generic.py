"""Every other menu of the command list as a plain table or a plain set of properties, with no behaviour behind it.

Arguments come from the version's schema; values are kept as text but for the few whose type their name tells.
"""

from __future__ import annotations

from collections.abc import Mapping

from routeros.simulator import traps
from routeros.simulator.calls import Answer, Call
from routeros.simulator.fields import Field, boolean, duration, ip_prefix, reference, text
from routeros.simulator.menus.base import Handler, ItemMenu, Menu, SettingsMenu
from routeros.simulator.schema import Schema
from routeros.simulator.tables import Tables, TableSpec

_NOT_PROPERTIES = frozenset({"numbers", "copy-from", "place-before"})
#: Menus where an item makes no sense without these. Source: MikroTik manual, command reference.
_REQUIRED = {
    "/ip/address": ("address", "interface"),
    "/ip/pool": ("name", "ranges"),
    "/system/script": ("name",),
    "/ppp/secret": ("name",),
    "/ppp/profile": ("name",),
    "/interface/wireguard": ("name",),
    "/ip/firewall/address-list": ("list", "address"),
    "/file": ("name",),
}
_UNIQUE = {"/interface", "/ip/pool", "/ppp/profile", "/system/script", "/interface/wireguard", "/file", "/certificate"}
_SECRETS = {"password", "secret", "private-key", "preshared-key", "passphrase"}


#: The few properties of plain menus that are checked like the real ones.
_TYPED: dict[tuple[str, str], Field] = {
    ("/ip/address", "address"): Field(ip_prefix),
    ("/ip/address", "interface"): Field(reference("/interface"), refers_to="/interface"),
    ("/ip/firewall/address-list", "timeout"): Field(duration),
    ("/ppp/secret", "profile"): Field(reference("/ppp/profile"), "default", refers_to="/ppp/profile"),
}
_FACTORY_ROWS = {"/ppp/profile": ("default", "default-encryption")}


def generic_spec(path: str, schema: Schema) -> TableSpec:
    """Make the table of a menu out of the arguments its commands take."""
    names = (schema.arguments(path, "add") | schema.arguments(path, "set")) - _NOT_PROPERTIES
    fields = {name: Field(text, is_secret=name in _SECRETS) for name in sorted(names | {"name"})}
    fields.update({name: known for (menu, name), known in _TYPED.items() if menu == path})
    if "disabled" in names:
        fields["disabled"] = Field(boolean, "false")
    required = tuple(name for name in _REQUIRED.get(path, ()) if name in names)
    unique = ("name",) if path in _UNIQUE else ()
    return TableSpec(path, fields, required, unique, duplicate="failure: already have such name")


def add_generic_menus(
    menus: dict[str, Menu], tables: Tables, schema: Schema, *, settings: Mapping[str, Mapping[str, str]]
) -> None:
    """Give every menu of the schema that has no behaviour of its own a plain one; `settings` are factory values."""
    for path in sorted(schema.menus):
        if path in menus or not schema.verbs(path):
            continue
        if schema.has_rows(path):
            table = tables[path] if path in tables else tables.create(generic_spec(path, schema))
            for name in _FACTORY_ROWS.get(path, ()):
                table.seed({"name": name})
            menus[path] = ItemMenu(table)
        elif schema.arguments(path, "print") or schema.arguments(path, "set"):
            menus[path] = SettingsMenu(path, dict(settings.get(path, {})))
        else:
            continue
    for path, menu in menus.items():
        known = menu.readers.keys() | menu.writers.keys()
        for verb in schema.verbs(path):
            if verb not in known:
                menu.writers[verb] = _without_behaviour(f"{path}/{verb}")


def _without_behaviour(command: str) -> Handler:
    def refuse(_call: Call) -> Answer:
        raise traps.Trap(f"failure: the simulator does not act on {command}", traps.GENERAL)

    return refuse
