"""What every menu can do: print with queries and proplist, count, get, find, listen. Items and settings build on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from routeros.simulator import traps, values
from routeros.simulator.calls import Answer, Call, Emit, Feed, Watchers
from routeros.simulator.fields import Lookup
from routeros.simulator.queries import compile_query
from routeros.simulator.tables import Row, Table

Shown = Mapping[str, str]
Handler = Callable[[Call], Answer]


class Menu:
    """A menu whose rows somebody else computes. `policy` names what a change needs beside `write`."""

    policy: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    is_list = True

    def __init__(self, path: str) -> None:
        self.path = path
        self.watchers = Watchers()
        self.readers: dict[str, Handler] = {
            "print": self.show,
            "getall": self.show,
            "get": self.get,
            "listen": self.listen,
        }
        if self.is_list:
            self.readers["find"] = self.find
        self.writers: dict[str, Handler] = {}

    def shown(self) -> Iterable[Shown]:
        """Return all rows as printed, `.id` first."""
        raise NotImplementedError

    def visible(self, call: Call) -> Iterable[Shown]:
        """Return the rows the caller may see: secret properties only with the policy `sensitive`."""
        if not self.secrets or "sensitive" in call.policies:
            return self.shown()
        return ({k: v for k, v in row.items() if k not in self.secrets} for row in self.shown())

    def show(self, call: Call) -> Answer:
        """Print: `.id`/`from` choose items, queries filter, `count-only` counts, `follow` and `interval` go on."""
        if (pause := call.arguments.pop("interval", None)) is not None:
            return Answer(feed=self._repeat(call, _pause(pause)))
        rows = list(self.visible(call))
        scanned = len(rows)
        if (refs := call.arguments.get(".id", call.arguments.get("from"))) is not None:
            wanted = refs.split(",")
            rows = [row for row in rows if row.get(".id") in wanted or row.get("name") in wanted]
            if len(rows) < len(wanted):
                raise traps.no_such_item()
        passes = compile_query(call.queries)
        found = [row for row in rows if passes is None or passes(row)]
        if "count-only" in call.arguments:
            return Answer(ret=str(len(found)), scanned=scanned)
        is_following = "follow" in call.arguments or "follow-only" in call.arguments
        feed = self._follow(call, passes) if is_following else None
        shown = [] if "follow-only" in call.arguments else _project(found, call.proplist)
        return Answer(shown, feed=feed, scanned=scanned)

    def _repeat(self, call: Call, pause: float) -> Feed:
        """Print again and again, with `pause` real seconds in between, until cancelled."""

        def start(emit: Emit) -> Callable[[], None]:
            timer: asyncio.TimerHandle | None = None

            def again() -> None:
                nonlocal timer
                for row in self.show(call).rows or ():
                    emit(row)
                timer = asyncio.get_running_loop().call_later(pause, again)

            again()
            return lambda: timer.cancel() if timer else None

        return Feed(start)

    def listen(self, call: Call) -> Answer:
        """Tell changes until cancelled; a row that is gone comes as its id and `.dead=yes`."""
        return Answer(feed=self._follow(call, compile_query(call.queries)))

    def _follow(self, call: Call, passes: Callable[[Shown], bool] | None) -> Feed:
        hidden = self.secrets if "sensitive" not in call.policies else frozenset[str]()

        def start(emit: Emit) -> Callable[[], None]:
            def sift(row: Shown) -> None:
                seen = {k: v for k, v in row.items() if k not in hidden}
                if ".dead" in seen or passes is None or passes(seen):
                    emit(seen if ".dead" in seen else _project([seen], call.proplist)[0])

            return self.watchers.feed().start(sift)

        return Feed(start)

    def find(self, call: Call) -> Answer:
        """Give the ids of the rows that pass the queries, joined by semicolons."""
        passes = compile_query(call.queries)
        rows = self.visible(call)
        return Answer(ret=";".join(row[".id"] for row in rows if passes is None or passes(row)))

    def get(self, call: Call) -> Answer:
        """Give one property (`value-name`) of one item, or all of them joined as `name=value;…`."""
        rows = list(self.visible(call))
        if self.is_list:
            ref = call.need(".id", "numbers", "number")
            rows = [row for row in rows if ref in (row.get(".id"), row.get("name"))]
        if not rows:
            raise traps.no_such_item()
        name = call.arguments.get("value-name")
        if name is None:
            return Answer(ret=";".join(f"{k}={v}" for k, v in rows[0].items()))
        return Answer(ret=rows[0].get(name, ""))


def _pause(text: str) -> float:
    try:
        return max(0.01, values.parse_duration(text))
    except ValueError:
        raise traps.invalid_value("interval") from None


def _project(rows: list[Shown], proplist: tuple[str, ...] | None) -> list[Shown]:
    if proplist is None:
        return rows
    return [{name: row[name] for name in proplist if name in row} for row in rows]


class ItemMenu(Menu):
    """A menu of items kept in a table."""

    def __init__(self, table: Table) -> None:
        super().__init__(table.spec.path)
        self.table = table
        self.secrets = frozenset(name for name, f in table.spec.fields.items() if f.is_secret)
        self.writers = {
            "add": self.add,
            "set": self.change,
            "remove": self.remove,
            "enable": self.enable,
            "disable": self.disable,
            "comment": self.change,
            "unset": self.unset,
            "move": self.move,
        }
        table.watchers.append(self._changed)

    def shown(self) -> Iterable[Shown]:
        """Return all rows as printed."""
        return (self.show_row(row) for row in self.table)

    def show_row(self, row: Row) -> dict[str, str]:
        """Return one row as printed; menus with computed properties add them here."""
        shown = {".id": row.id, **row.values}
        if row.is_dynamic:
            shown["dynamic"] = "true"
        return shown

    def chosen(self, call: Call) -> list[Row]:
        """Return the rows a command names by `.id` or `numbers`: ids or unique names, comma separated. Raises Trap."""
        rows: list[Row] = []
        for ref in call.need(".id", "numbers").split(","):
            row = self.table.find(ref)
            if row is None:
                raise traps.no_such_item()
            rows.append(row)
        return rows

    def add(self, call: Call) -> Answer:
        """Add an item, give its id."""
        given = dict(call.arguments)
        before = self._placed(given.pop("place-before", None))
        if (model := given.pop("copy-from", None)) is not None:
            source = self.table.find(model)
            if source is None:
                raise traps.no_such_item()
            given = {**source.values, **given}
        return Answer(ret=self.table.add(given, before=before).id)

    def change(self, call: Call) -> Answer:
        """Set properties of items."""
        rows = self.chosen(call)
        given = {name: value for name, value in call.arguments.items() if name not in {".id", "numbers"}}
        for row in rows:
            self._refuse_dynamic(row)
            self.table.change(row, given)
        return Answer()

    def remove(self, call: Call) -> Answer:
        """Remove items."""
        rows = self.chosen(call)
        for row in rows:
            self._refuse_dynamic(row)
        for row in dict.fromkeys(rows):
            self.table.remove(row)
        return Answer()

    def enable(self, call: Call) -> Answer:
        """Switch items on."""
        for row in self.chosen(call):
            self.table.change(row, {"disabled": "no"})
        return Answer()

    def disable(self, call: Call) -> Answer:
        """Switch items off."""
        for row in self.chosen(call):
            self.table.change(row, {"disabled": "yes"})
        return Answer()

    def unset(self, call: Call) -> Answer:
        """Make one property (`value-name`) of items absent."""
        name = call.need("value-name")
        if name not in self.table.spec.fields:
            raise traps.no_match("value-name")
        for row in self.chosen(call):
            self.table.change(row, {}, unset=[name])
        return Answer()

    def move(self, call: Call) -> Answer:
        """Put items before another one, or last."""
        before = self._placed(call.arguments.get("destination"))
        for row in self.chosen(call):
            if row is not before:
                self.table.move(row, before)
        return Answer()

    def _placed(self, ref: str | None) -> Row | None:
        if not ref:
            return None
        row = self.table.find(ref)
        if row is None:
            raise traps.no_such_item()
        return row

    def _refuse_dynamic(self, row: Row) -> None:
        if row.is_dynamic:
            raise traps.Trap("failure: can not change dynamic entry")

    def _changed(self, row: Row, is_gone: bool) -> None:
        if self.watchers.sinks:
            self.watchers.tell({".id": row.id, ".dead": "yes"} if is_gone else self.show_row(row))


class SettingsMenu(Menu):
    """A menu of one set of properties: what is set, and what the router computes on top."""

    is_list = False

    def __init__(
        self,
        path: str,
        values: dict[str, str],
        *,
        live: Callable[[], Shown] = dict[str, str],
        readers: Mapping[str, Callable[[str, str, Lookup], str]] | None = None,
        lookup: Lookup | None = None,
        changed: Callable[[Shown], None] = lambda _given: None,
    ) -> None:
        super().__init__(path)
        self.values, self._factory = values, dict(values)
        self._live = live
        self._typed = dict(readers or {})
        self._lookup = lookup
        self._told = changed
        self.writers = {"set": self.change}

    def reset(self) -> None:
        """Go back to the values it was made with."""
        self.values = dict(self._factory)

    def shown(self) -> Iterable[Shown]:
        """Return the one row."""
        return [{**self.values, **self._live()}]

    def change(self, call: Call) -> Answer:
        """Set properties."""
        given = dict(call.arguments)
        for name, read in self._typed.items():
            if name in given and self._lookup is not None:
                given[name] = read(name, given[name], self._lookup)
        self._told(given)
        self.values.update(given)
        self.watchers.tell({**self.values, **self._live()})
        return Answer()
