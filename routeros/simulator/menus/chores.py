"""Small commands around the menus: ping, counters to zero, caches flushed, updates looked for, stock pages written anew.
Nothing leaves the router.

Source: MikroTik manual, Ping, Packages.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from routeros.simulator import traps, values
from routeros.simulator.calls import Answer, Call
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.menus.base import Handler, ItemMenu, Menu
from routeros.simulator.menus.generic import WithoutBehaviour
from routeros.simulator.schema import Schema, parse_version
from routeros.simulator.scripting.files import FileMenu
from routeros.simulator.servlet import stock_pages
from routeros.simulator.wire import to_text

_MOST_PINGS = 100
#: Source: MikroTik manual, HotSpot, captive portal detection.
_CAPTIVE_API_SINCE = (7, 3)
_SILENT = ("reset-counters", "reset-counters-all", "reset-freq-drift", "pause", "reload")


def add_chores(menus: Mapping[str, Menu], hotspot: Hotspot, version: str) -> None:
    """Give the menus the commands that have nothing to change in this model, and a few that have."""
    for menu in menus.values():
        for verb in _SILENT:
            if isinstance(menu.writers.get(verb), WithoutBehaviour):
                menu.writers[verb] = lambda _call: Answer()
    if (cache := menus.get("/ip/dns/cache")) is not None:
        cache.writers["flush"] = _flusher(hotspot)
    if (servers := menus.get("/ip/hotspot")) is not None and "reset-html" in servers.writers:
        servers.writers["reset-html"] = _page_writer(
            menus, hotspot, has_api=parse_version(version) >= _CAPTIVE_API_SINCE
        )
    if (update := menus.get("/system/package/update")) is not None:
        update.writers["check-for-updates"] = lambda _call: Answer([_newest(version)])


def chore_commands(hotspot: Hotspot, schema: Schema) -> dict[str, Handler]:
    """Return the commands that belong to no menu."""
    return {path: _pinger(hotspot) for path in ("/ping", "/tool/ping") if path in schema.commands}


def _flusher(hotspot: Hotspot) -> Handler:
    def flush(_call: Call) -> Answer:
        hotspot.garden.dns_seen.clear()
        return Answer()

    return flush


def _page_writer(menus: Mapping[str, Menu], hotspot: Hotspot, *, has_api: bool) -> Handler:
    """Make `reset-html`: the stock pages into the html directory of the servers' profiles, over what is there."""

    def reset(call: Call) -> Answer:
        servers, files = menus["/ip/hotspot"], menus["/file"]
        assert isinstance(servers, ItemMenu)  # it is, on every version
        assert isinstance(files, FileMenu)
        for server in servers.chosen(call):
            for profile in hotspot.tables["/ip/hotspot/profile"].named(server.get("profile")):
                folder = profile.get("html-directory-override") or profile.get("html-directory")
                for name, page in stock_pages().items():
                    if has_api or name != "api.json":
                        files.write(f"{folder}/{name}", to_text(page))
        return Answer()

    return reset


def _newest(version: str) -> dict[str, str]:
    shown = {"channel": "stable", "installed-version": version, "latest-version": version}
    return {**shown, "status": "System is already up to date"}


def _pinger(hotspot: Hotspot) -> Handler:
    """Make the ping of a router that reaches itself and the phones in range, and nothing else."""

    def ping(call: Call) -> Answer:
        target = call.need("address")
        count = call.arguments.get("count", "")
        if not (count.isascii() and count.isdigit() and 1 <= int(count) <= _MOST_PINGS):
            raise traps.invalid_value("count") if count else traps.missing_value("count")
        answers = _reaches(hotspot, target)
        rows: list[dict[str, str]] = []
        for number in range(int(count)):
            received = number + 1 if answers else 0
            row = {"seq": str(number), "host": target}
            row |= {"size": "56", "ttl": "64", "time": "512us"} if answers else {"status": "timeout"}
            loss = 0 if answers else 100
            rows.append(row | {"sent": str(number + 1), "received": str(received), "packet-loss": str(loss)})
        return Answer(rows)

    return ping


def _reaches(hotspot: Hotspot, target: str) -> bool:
    try:
        address = str(ipaddress.IPv4Address(target))
    except ValueError:
        mac = _mac(target)
        hosts = hotspot.host_table.with_mac(mac) if mac else []
        return any(host.lost_at is None for host in hosts)
    if address == hotspot.address or ipaddress.IPv4Address(address).is_loopback:
        return True
    host = hotspot.host(address)
    return host is not None and host.lost_at is None


def _mac(text: str) -> str:
    try:
        return values.parse_mac(text)
    except ValueError:
        return ""
