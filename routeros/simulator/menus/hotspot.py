"""The hotspot menus of configuration rows, with the counters and flags the router adds to them.

Printed properties: MikroTik manual, HotSpot, command reference.
"""

from __future__ import annotations

from routeros.simulator import values
from routeros.simulator.calls import Answer, Call
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.menus.base import ItemMenu, Menu
from routeros.simulator.menus.hotspot_fields import HOTSPOT, IP_BINDING, WALLED_GARDEN, WALLED_GARDEN_IP
from routeros.simulator.menus.phones import ActiveMenu, CookieMenu, HostMenu, traffic_shown
from routeros.simulator.tables import Row, Table


class ServerMenu(ItemMenu):
    """`/ip/hotspot`: a server that device-mode forbids is listed but inactive."""

    def __init__(self, hotspot: Hotspot) -> None:
        super().__init__(hotspot.tables[HOTSPOT])
        self._hotspot = hotspot

    def add(self, call: Call) -> Answer:
        """Add a server; without a name it is called after what it is."""
        if not call.arguments.get("name"):
            taken = set(self.table.names())
            call.arguments["name"] = next(n for i in range(1, 10_000) if (n := f"hotspot{i}") not in taken)
        return super().add(call)

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the state the router computes."""
        shown = super().show_row(row)
        is_running = row is self._hotspot.server
        profile = self._hotspot.profile
        if is_running and profile is not None and profile.get("hotspot-address"):
            shown["ip-of-dns-name"] = profile.get("hotspot-address")
        shown["proxy-status"] = "running" if is_running else "stopped"
        shown["invalid"] = "false"
        shown["HTTPS"] = values.format_bool(profile is not None and profile.get("ssl-certificate") != "none")
        if not self._hotspot.may_run():
            shown[".about"] = "inactivated, not allowed by device-mode"
        return shown


class ProfileMenu(ItemMenu):
    """`/ip/hotspot/profile` and `/ip/hotspot/user/profile`: rows say whether they are the factory one."""

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the default flag."""
        return {**super().show_row(row), "default": values.format_bool(row.is_default)}


class UserMenu(ItemMenu):
    """`/ip/hotspot/user`: rows with the counters of their ended sessions."""

    def __init__(self, hotspot: Hotspot) -> None:
        super().__init__(hotspot.users)
        self._hotspot = hotspot
        self.writers["reset-counters"] = self.reset_counters

    def show_row(self, row: Row) -> dict[str, str]:
        """Add counters and flags."""
        used = self._hotspot.accounts.used(row)
        shown = {
            ".id": row.id,
            **row.values,
            "uptime": values.format_duration(int(used.uptime)),
            **traffic_shown(used.traffic),
            "dynamic": values.format_bool(row.is_dynamic),
        }
        if row.is_default:
            shown["default"] = "true"
        return shown

    def reset_counters(self, call: Call) -> Answer:
        """Set the counters of users to zero."""
        for row in self.chosen(call):
            self._hotspot.accounts.reset(row)
        return Answer()


class GardenMenu(ItemMenu):
    """`/ip/hotspot/walled-garden`: rules with their hits. Ip rules have none."""

    def __init__(self, hotspot: Hotspot, table: Table) -> None:
        super().__init__(table)
        self._hits = hotspot.garden.hits if table.spec.path == WALLED_GARDEN else None
        if self._hits is not None:
            self.writers["reset-counters"] = self.reset_counters
            self.writers["reset-counters-all"] = self.reset_all

    def show_row(self, row: Row) -> dict[str, str]:
        """Add the hits."""
        shown = {**super().show_row(row), "dynamic": values.format_bool(row.is_dynamic)}
        if self._hits is not None:
            shown["hits"] = str(self._hits.get(row, 0))
        return shown

    def reset_counters(self, call: Call) -> Answer:
        """Set the hits of rules to zero."""
        for row in self.chosen(call):
            (self._hits or {}).pop(row, None)
        return Answer()

    def reset_all(self, _call: Call) -> Answer:
        """Set all hits to zero."""
        (self._hits or {}).clear()
        return Answer()


def hotspot_menus(hotspot: Hotspot) -> list[Menu]:
    """Make all hotspot menus."""
    tables = hotspot.tables
    return [
        ServerMenu(hotspot),
        ProfileMenu(tables["/ip/hotspot/profile"]),
        ProfileMenu(hotspot.user_profiles),
        UserMenu(hotspot),
        ActiveMenu(hotspot),
        HostMenu(hotspot),
        CookieMenu(hotspot),
        ItemMenu(tables[IP_BINDING]),
        GardenMenu(hotspot, tables[WALLED_GARDEN]),
        GardenMenu(hotspot, tables[WALLED_GARDEN_IP]),
    ]
