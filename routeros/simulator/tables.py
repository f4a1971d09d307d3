"""The rows of a menu: ids, order, names, uniqueness and defaults. Knows no verbs, no wire and no hotspot.

Rows hold the canonical text of each property; an absent property is absent, never empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from routeros.simulator import traps
from routeros.simulator.fields import Field

Watcher = Callable[["Row", bool], None]


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What a menu's rows look like. `unique` names the properties that may not repeat together."""

    path: str
    fields: Mapping[str, Field]
    required: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    duplicate: str = "failure: already have such entry"
    keep_default: str = "failure: can not remove default entry"


@dataclass(slots=True, eq=False)
class Row:
    """One item. `id` is `*` and upper-case hex; never reused while the table lives."""

    id: str
    values: dict[str, str]
    is_default: bool = False
    is_dynamic: bool = False

    def get(self, name: str, default: str = "") -> str:
        """Return a property or the default when it is absent."""
        return self.values.get(name, default)

    @property
    def is_disabled(self) -> bool:
        """Say whether the item is switched off."""
        return self.values.get("disabled") == "true"


@dataclass(slots=True, eq=False)
class Table:
    """An ordered set of rows. Every change tells the watchers (row, and True when it is gone)."""

    spec: TableSpec
    lookup: Tables
    rows: dict[str, Row] = field(default_factory=dict)
    watchers: list[Watcher] = field(default_factory=list)
    _names: dict[str, list[Row]] = field(default_factory=dict)
    _keys: dict[tuple[str, ...], Row] = field(default_factory=dict)
    _last: int = 0

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, given: Mapping[str, str], *, before: Row | None = None, is_dynamic: bool = False) -> Row:
        """Add a row with typed values and defaults. Raises Trap; nothing is added then."""
        for name in self.spec.required:
            if not given.get(name):
                raise traps.missing_value(name)
        values = {name: f.default for name, f in self.spec.fields.items() if f.default is not None}
        values.update(self._typed(given))
        row = Row(self._next_id(), values, is_dynamic=is_dynamic)
        self._claim(row, row.values)
        self.rows[row.id] = row
        if before is not None:
            self.move(row, before)
        self._tell(row)
        return row

    def seed(self, given: Mapping[str, str], *, row_id: str | None = None, is_default: bool = True) -> Row:
        """Put a factory row in place; its values are not checked, its id may be `*0`."""
        values = {name: f.default for name, f in self.spec.fields.items() if f.default is not None}
        row = Row(row_id or self._next_id(), {**values, **given}, is_default=is_default)
        self.restore(row)
        return row

    def restore(self, row: Row) -> None:
        """Put a saved row back under its own id."""
        self._last = max(self._last, int(row.id[1:], 16))
        self._claim(row, row.values)
        self.rows[row.id] = row

    def change(self, row: Row, given: Mapping[str, str], *, unset: Iterable[str] = ()) -> None:
        """Change properties of one row; an empty value makes a clearable property absent. Raises Trap."""
        fresh = {**row.values, **self._typed(given)}
        for name in [*unset, *(n for n, v in given.items() if not v and self._is_clearable(n))]:
            default = self.spec.fields[name].default if name in self.spec.fields else None
            if default is None:
                fresh.pop(name, None)
            else:
                fresh[name] = default
        for name in self.spec.required:
            if not fresh.get(name):
                raise traps.missing_value(name)
        self._claim(row, fresh)
        old, row.values = row.get("name"), fresh
        if old and old != row.get("name"):
            self.lookup.follow(self.spec.path, old, row.get("name"))
        self._tell(row)

    def remove(self, row: Row) -> None:
        """Remove one row; factory rows stay. Raises Trap."""
        if row.is_default:
            raise traps.Trap(self.spec.keep_default)
        del self.rows[row.id]
        self._release(row)
        if row.get("name"):
            self.lookup.follow(self.spec.path, row.get("name"), row.id)
        self._tell(row, is_gone=True)

    def move(self, row: Row, before: Row | None) -> None:
        """Put a row before another one, or at the end."""
        others = [r for r in self.rows.values() if r is not row]
        at = len(others) if before is None else others.index(before)
        self.rows = {r.id: r for r in [*others[:at], row, *others[at:]]}

    def find(self, ref: str) -> Row | None:
        """Find a row by id, or by a name only one row has."""
        if ref.startswith("*"):
            return self.rows.get("*" + ref[1:].lstrip("0").upper()) or self.rows.get(ref.upper())
        named = self._names.get(ref, ())
        return named[0] if len(named) == 1 else None

    def named(self, name: str) -> list[Row]:
        """Return all rows with this name."""
        return list(self._names.get(name, ()))

    def names(self) -> Iterable[str]:
        """Return the names in use."""
        return self._names.keys()

    def renumber(self) -> None:
        """Deal new ids to all rows but the factory ones, as a boot may do."""
        rows = list(self.rows.values())
        for row in rows:
            if not row.is_default:
                row.id = self._next_id()
        self.rows = {row.id: row for row in rows}

    def clear(self) -> None:
        """Drop every row, factory rows too, without telling anybody."""
        self.rows, self._names, self._keys = {}, {}, {}

    def _next_id(self) -> str:
        self._last += 1
        return f"*{self._last:X}"

    def _typed(self, given: Mapping[str, str]) -> dict[str, str]:
        typed: dict[str, str] = {}
        for name, value in given.items():
            known = self.spec.fields.get(name)
            if known is None:
                raise traps.unknown_parameter()
            if value or not known.is_clearable:
                typed[name] = known.read(name, value, self.lookup)
        return typed

    def _is_clearable(self, name: str) -> bool:
        return name in self.spec.fields and self.spec.fields[name].is_clearable

    def _key(self, values: Mapping[str, str]) -> tuple[str, ...] | None:
        if not self.spec.unique:
            return None
        return tuple(values.get(name, "all" if name == "server" else "") for name in self.spec.unique)

    def _claim(self, row: Row, values: dict[str, str]) -> None:
        key = self._key(values)
        if key is not None and self._keys.get(key, row) is not row:
            raise traps.Trap(self.spec.duplicate)
        if row.id in self.rows:
            self._release(row)
        if key is not None:
            self._keys[key] = row
        if "name" in values:
            self._names.setdefault(values["name"], []).append(row)

    def _release(self, row: Row) -> None:
        key = self._key(row.values)
        if key is not None and self._keys.get(key) is row:
            del self._keys[key]
        same = self._names.get(row.get("name"), [])
        if row in same:
            same.remove(row)
            if not same:
                del self._names[row.get("name")]

    def _tell(self, row: Row, *, is_gone: bool = False) -> None:
        for watcher in tuple(self.watchers):
            watcher(row, is_gone)


class Tables(dict[str, Table]):
    """All tables of one router by menu path."""

    def __init__(self) -> None:
        super().__init__()
        self._referrers: dict[str, list[tuple[Table, str]]] = {}

    def create(self, spec: TableSpec) -> Table:
        """Make the empty table of one menu."""
        self[spec.path] = table = Table(spec, self)
        for name, known in spec.fields.items():
            if known.refers_to is not None:
                self._referrers.setdefault(known.refers_to, []).append((table, name))
        return table

    def names(self, path: str) -> Iterable[str]:
        """Return the names of the rows of one menu; none when the router lacks the menu."""
        return self[path].names() if path in self else ()

    def follow(self, path: str, old: str, new: str) -> None:
        """Let references to a renamed row follow it; those to a removed row are left with its bare id."""
        for table, name in self._referrers.get(path, ()):
            for row in table:
                if row.values.get(name) == old:
                    row.values[name] = new
