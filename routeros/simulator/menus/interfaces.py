"""Interfaces one can make: bridges, VLANs, WireGuard. Each row of theirs is also a row of `/interface`, by its name.

Properties: MikroTik manual, Bridge, VLAN, WireGuard. Packets do not flow; keys are real.
"""

from __future__ import annotations

from routeros.simulator import curve25519, traps, values
from routeros.simulator.calls import Answer, Call
from routeros.simulator.menus.base import ItemMenu
from routeros.simulator.tables import Row, Table, Tables

_KINDS = {
    "/interface/bridge": "bridge",
    "/interface/vlan": "vlan",
    "/interface/wireguard": "wg",
    "/interface/ethernet": "ether",
    "/interface/pppoe-server": "pppoe-in",
}
_WIREGUARD_PORT, _WIREGUARD_MTU = "13231", "1420"


class InterfaceMenu(ItemMenu):
    """A menu whose items are interfaces; its names are unique among all interfaces."""

    def __init__(self, table: Table, tables: Tables) -> None:
        super().__init__(table)
        self._all = tables["/interface"]
        self._kind = _KINDS[table.spec.path]
        self.adopt()
        table.watchers.append(self._mirror)

    def adopt(self) -> None:
        """Take in the interfaces of this kind the router came with."""
        for row in self._all:
            if row.get("type") == self._kind and not self.table.named(row.get("name")):
                self.table.seed({"name": row.get("name")}, is_default=row.is_default)

    def add(self, call: Call) -> Answer:
        """Add an interface; without a name it is called after its kind, with a number."""
        if not call.arguments.get("name"):
            taken = set(self._all.names())
            call.arguments["name"] = next(n for i in range(1, 10_000) if (n := f"{self._stem}{i}") not in taken)
        self._refuse_taken(call.arguments["name"], None)
        return super().add(call)

    def change(self, call: Call) -> Answer:
        """Change interfaces."""
        if "name" in call.arguments:
            self._refuse_taken(call.arguments["name"], self.chosen(call)[0])
        return super().change(call)

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the state."""
        return {**super().show_row(row), "running": values.format_bool(not row.is_disabled)}

    @property
    def _stem(self) -> str:
        return "wireguard" if self._kind == "wg" else self._kind

    def _refuse_taken(self, name: str, its: Row | None) -> None:
        if self._all.named(name) and (its is None or its.get("name") != name):
            raise traps.Trap("failure: already have interface with such name")

    def _mirror(self, row: Row, is_gone: bool) -> None:
        """Follow in `/interface`: by name, or, when the name is new there, by the row whose name went."""
        found = self._all.named(row.get("name"))
        if is_gone:
            for mirrored in found:
                self._all.remove(mirrored)
            return
        mine = set(self.table.names())
        orphans = [each for each in self._all if each.get("type") == self._kind and each.get("name") not in mine]
        if found or orphans:
            self._all.change((found or orphans)[0], {"name": row.get("name"), "disabled": row.get("disabled", "no")})
        else:
            fresh = {"name": row.get("name"), "type": self._kind, "running": "true", "disabled": "false"}
            self._all.seed(fresh, is_default=False)


class WireguardMenu(InterfaceMenu):
    """`/interface/wireguard`: makes its own key pair when it is given none."""

    def add(self, call: Call) -> Answer:
        """Add a WireGuard interface."""
        if not call.arguments.get("private-key"):
            call.arguments["private-key"] = curve25519.new_private_key()
        call.arguments.setdefault("listen-port", _WIREGUARD_PORT)
        call.arguments.setdefault("mtu", _WIREGUARD_MTU)
        check_key(call, "private-key")
        return super().add(call)

    def change(self, call: Call) -> Answer:
        """Change WireGuard interfaces; a new private key brings its public key along."""
        check_key(call, "private-key")
        return super().change(call)

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the public key."""
        shown = super().show_row(row)
        if row.get("private-key"):
            shown["public-key"] = curve25519.public_key(row.get("private-key"))
        return shown


class PeerMenu(ItemMenu):
    """`/interface/wireguard/peers`: the other ends. None of them ever answers, so there is no handshake to show."""

    def add(self, call: Call) -> Answer:
        """Add a peer; it needs a public key (or, on newer versions, its own private key)."""
        if not call.arguments.get("private-key"):
            call.need("public-key")
        check_key(call, "public-key", "private-key", "preshared-key")
        return super().add(call)

    def change(self, call: Call) -> Answer:
        """Change peers."""
        check_key(call, "public-key", "private-key", "preshared-key")
        return super().change(call)

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the counters."""
        return {**super().show_row(row), "rx": "0", "tx": "0"}


def check_key(call: Call, *names: str) -> None:
    """Raise Trap when one of these arguments is given and is no key; `auto` and `none` are words for one."""
    for name in names:
        text = call.arguments.get(name)
        if not text or text in {"auto", "none"}:
            continue
        try:
            curve25519.decode_key(text)
        except ValueError:
            raise traps.invalid_value(name) from None


def menu_for(table: Table, tables: Tables) -> ItemMenu | None:
    """Make the menu of an interface table; None for any other table."""
    if table.spec.path == "/interface/wireguard":
        return WireguardMenu(table, tables)
    if table.spec.path == "/interface/wireguard/peers":
        return PeerMenu(table)
    return InterfaceMenu(table, tables) if table.spec.path in _KINDS else None
