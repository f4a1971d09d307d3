"""The menus of PPP: secrets with what they remember, active sessions, PPPoE interfaces with their byte counters.

Printed properties: MikroTik manual, PPP AAA and PPPoE, command references. `/ppp/active` of version 7 tells no bytes (no
`stats` among its arguments): those are on the interfaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from routeros.simulator import traps, values
from routeros.simulator.calls import Answer, Call
from routeros.simulator.menus.base import ItemMenu, Menu, Shown
from routeros.simulator.menus.generic import generic_spec, seed_factory_rows
from routeros.simulator.menus.interfaces import InterfaceMenu
from routeros.simulator.ppp.server import BOUND, INTERFACES, SERVER, PppServer
from routeros.simulator.ppp.sessions import PROFILE, REMOVED, SECRET, Dialin
from routeros.simulator.schema import Schema
from routeros.simulator.tables import Row, Tables

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class SecretMenu(ItemMenu):
    """`/ppp/secret`: users, and when and why the last session of each ended."""

    def __init__(self, ppp: PppServer, *, is_iso: bool) -> None:
        super().__init__(ppp.tables[SECRET])
        self._ppp, self._is_iso = ppp, is_iso

    def show_row(self, row: Row) -> dict[str, str]:
        """Add what is remembered of the last session; nobody logged out shows as 1970."""
        seen = self._ppp.last_seen.get(row)
        at = seen.at if seen else _NEVER
        form = f"{at:%Y-%m-%d %H:%M:%S}" if self._is_iso else f"{at:%b/%d/%Y %H:%M:%S}".lower()
        shown = {**super().show_row(row), "last-logged-out": form}
        if seen is not None:
            shown |= {"last-caller-id": seen.caller_id, "last-disconnect-reason": seen.reason}
        return shown


class ProfileMenu(ItemMenu):
    """`/ppp/profile`: the factory ones say so."""

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the default flag."""
        return {**super().show_row(row), "default": values.format_bool(row.is_default)}


class ActiveMenu(Menu):
    """`/ppp/active`: sessions; `remove` ends them, and their clients may dial again."""

    def __init__(self, ppp: PppServer) -> None:
        super().__init__("/ppp/active")
        self._ppp = ppp
        self.writers = {"remove": self.remove}
        ppp.watchers.append(self._changed)

    def shown(self) -> Iterable[Shown]:
        """Return the sessions in the order they began."""
        self._ppp.end_due()
        return [self._row(each) for each in self._ppp.sessions.values()]

    def _row(self, dialin: Dialin) -> Shown:
        return {
            ".id": dialin.id,
            "name": dialin.user,
            "service": "pppoe",
            "caller-id": dialin.mac,
            "address": dialin.address,
            "uptime": values.format_duration(dialin.uptime(self._ppp.clock.now())),
            "encoding": "",
            "session-id": f"0x81{int(dialin.id[1:], 16) & 0xFFFFFF:06X}",
            "limit-bytes-in": str(dialin.limit_bytes_in or 0),
            "limit-bytes-out": str(dialin.limit_bytes_out or 0),
            "radius": "false",
        }

    def remove(self, call: Call) -> Answer:
        """End sessions by id, or by a name only one has."""
        chosen: list[Dialin] = []
        for ref in call.need(".id", "numbers").split(","):
            named = self._ppp.of(ref)
            dialin = self._ppp.sessions.get(ref.upper()) or (named[0] if len(named) == 1 else None)
            if dialin is None:
                raise traps.no_such_item()
            chosen.append(dialin)
        for dialin in chosen:
            self._ppp.end(dialin, REMOVED)
        return Answer()

    def _changed(self, dialin: Dialin, is_gone: bool) -> None:
        if self.watchers.sinks:
            self.watchers.tell({".id": dialin.id, ".dead": "yes"} if is_gone else self._row(dialin))


class AllInterfacesMenu(ItemMenu):
    """`/interface`: those of dial-ins count bytes; rx is what the router received, the client's upload."""

    def __init__(self, ppp: PppServer) -> None:
        super().__init__(ppp.tables[INTERFACES])
        self._ppp = ppp

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the counters of a dial-in's interface."""
        shown = super().show_row(row)
        if row.get("type") != "pppoe-in":
            return shown
        mine = (each for each in self._ppp.sessions.values() if each.interface == row.get("name"))
        dialin = next(mine, None)
        if dialin is not None:
            seen = dialin.traffic
            shown |= {"rx-byte": str(seen.bytes_in), "tx-byte": str(seen.bytes_out)}
            shown |= {"rx-packet": str(seen.packets_in), "tx-packet": str(seen.packets_out)}
        return shown | {"running": values.format_bool(dialin is not None)}


class BoundMenu(InterfaceMenu):
    """`/interface/pppoe-server`: an interface for each session, and the ones made for a user to be kept."""

    def __init__(self, ppp: PppServer) -> None:
        super().__init__(ppp.tables[BOUND], ppp.tables)
        self._ppp = ppp

    def adopt(self) -> None:
        """Nothing to take in: a router comes without dial-ins."""

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the state of the session."""
        shown = super().show_row(row)
        mine = (each for each in self._ppp.sessions.values() if each.interface == row.get("name"))
        if (dialin := next(mine, None)) is None:
            return shown | {"running": "false"}
        uptime = values.format_duration(dialin.uptime(self._ppp.clock.now()))
        return shown | {
            "running": "true",
            "uptime": uptime,
            "remote-address": dialin.mac,
            "interface": dialin.served_on,
        }

    def _mirror(self, row: Row, is_gone: bool) -> None:
        if not row.is_dynamic:
            super()._mirror(row, is_gone)


class ServerMenu(ItemMenu):
    """`/interface/pppoe-server/server`: where the router answers clients that look for PPPoE."""

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the flag."""
        return {**super().show_row(row), "invalid": "false"}


def add_ppp_tables(tables: Tables, schema: Schema) -> None:
    """Make the tables of PPP with their factory rows."""
    for path in (PROFILE, SECRET, SERVER, BOUND):
        seed_factory_rows(tables.create(generic_spec(path, schema)))


def ppp_menus(ppp: PppServer, *, is_iso: bool) -> list[Menu]:
    """Make all menus of PPP. `is_iso`: dates are written as since 7.10."""
    of_tables = [ProfileMenu(ppp.tables[PROFILE]), ServerMenu(ppp.tables[SERVER])]
    return [ActiveMenu(ppp), SecretMenu(ppp, is_iso=is_iso), BoundMenu(ppp), AllInterfacesMenu(ppp), *of_tables]
