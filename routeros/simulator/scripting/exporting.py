"""`/export`: the configuration as commands that would make it again. Defaults and factory rows are left out.

Form: MikroTik manual, Configuration management. Version 7 hides secrets unless `show-sensitive`; 6 shows them unless
`hide-sensitive`. Router users, certificates and files are not exported, as on a router.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from routeros.simulator.menus.base import ItemMenu, Menu, SettingsMenu
from routeros.simulator.scripting.files import date_of
from routeros.simulator.scripting.printing import quoted
from routeros.simulator.tables import Row

_SKIPPED = ("/file", "/user", "/certificate", "/system/script/job", "/system/script/environment", "/system/license")
_SECRETS = frozenset({"password", "secret", "private-key", "preshared-key", "passphrase", "mac-auth-password"})


@dataclass(slots=True)
class Exporter:
    """Writes the configuration of the menus it is given; remembers the factory state it was made in."""

    version: str
    number: tuple[int, ...]
    menus: Mapping[str, Menu]
    now: Callable[[], datetime]
    _rows: dict[str, dict[str, dict[str, str]]] = field(init=False)
    _settings: dict[str, dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        lists = {path: menu for path, menu in self.menus.items() if isinstance(menu, ItemMenu)}
        self._rows = {
            path: {row.id: dict(row.values) for row in menu.table if row.is_default} for path, menu in lists.items()
        }
        sets = {path: menu for path, menu in self.menus.items() if isinstance(menu, SettingsMenu)}
        self._settings = {path: self._properties(menu) for path, menu in sets.items()}

    def lines(self, menu: str, options: Mapping[str, str], *, sees_secrets: bool) -> list[str]:
        """Return the lines for a menu (empty path: all) and those below."""
        is_old = self.number < (7,)
        shows = sees_secrets and ("hide-sensitive" not in options if is_old else "show-sensitive" in options)
        stamp = f"{date_of(self.now(), is_iso=self.number >= (7, 10))} {self.now():%H:%M:%S}"
        found = [f"# {stamp} by RouterOS {self.version}", "# software id = VCHA-0001", "#"]
        for path in self._order():
            if not (path == menu or path.startswith(f"{menu}/")) or path.startswith(_SKIPPED):
                continue
            title = path.replace("/", " ").replace(" ", "/", 1)
            commands = [self._line(command, shows=shows) for command in self._commands(path)]
            if commands and "terse" in options:
                found += [f"{title} {command}" for command in commands]
            elif commands:
                found += [title, *commands]
        return found

    def _order(self) -> list[str]:
        """Return the paths so that what a menu refers to comes before it."""
        found: dict[str, None] = {}

        def visit(path: str, above: tuple[str, ...]) -> None:
            menu = self.menus.get(path)
            if menu is None or path in found or path in above:
                return
            if isinstance(menu, ItemMenu):
                targets = {known.refers_to for known in menu.table.spec.fields.values() if known.refers_to}
                for target in sorted(targets):
                    visit(target, (*above, path))
            found[path] = None

        for path in sorted(self.menus):
            visit(path, ())
        return list(found)

    def _line(self, command: tuple[str, Mapping[str, str]], *, shows: bool) -> str:
        head, properties = command
        pairs = [(name, value) for name, value in sorted(properties.items()) if shows or name not in _SECRETS]
        return " ".join([head, *(f"{name}={quoted(_yes(value))}" for name, value in pairs)])

    def _commands(self, path: str) -> Iterable[tuple[str, Mapping[str, str]]]:
        menu = self.menus[path]
        if isinstance(menu, ItemMenu):
            for row in menu.table:
                yield from self._row(path, menu, row)
        elif isinstance(menu, SettingsMenu):
            now, before = self._properties(menu), self._settings.get(path, {})
            if changed := {name: value for name, value in now.items() if before.get(name) != value}:
                yield "set", changed

    def _row(self, path: str, menu: ItemMenu, row: Row) -> Iterable[tuple[str, Mapping[str, str]]]:
        if row.is_dynamic:
            return
        fields = menu.table.spec.fields
        if row.is_default:
            before = self._rows.get(path, {}).get(row.id, {})
            changed = {n: v for n, v in row.values.items() if n in fields and before.get(n) != v}
            if changed:
                yield f"set [ find name={quoted(row.get('name'))} ]", changed
        elif "add" in menu.writers:
            given = {n: v for n, v in row.values.items() if n in fields and fields[n].default != v}
            yield "add", given

    def _properties(self, menu: SettingsMenu) -> dict[str, str]:
        known = menu.values
        if menu.path == "/system/identity":
            return dict(next(iter(menu.shown())))
        return dict(known)


def _yes(value: str) -> str:
    return {"true": "yes", "false": "no"}.get(value, value)
