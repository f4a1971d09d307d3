"""Rows of a router's menus in few commands: printed together, removed by id lists, changed by the flight. No meaning here."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from routeros.client.link import Link
from routeros.client.wire import Command, Reply
from routeros.errors import BadReply, NoSuchItem, Refused, RouterError
from routeros.menus import Menu
from routeros.values import RowResult
from routeros.words import Row, any_of, attribute

T = TypeVar("T")

NAMES_PER_QUERY: Final = 50
#: More names than this are looked for here: a query costs the router a look at every row, for each name.
WHOLE_ABOVE: Final = 100
#: Ids in one remove; less after one of them turned out to be gone.
IDS_PER_REMOVE: Final = (1000, 50, 1)

_ID: Final = re.compile(r"\*[0-9A-Fa-f]{1,16}")


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of a menu by the property that says whose they are."""

    menu: Menu[Any]
    key: str


class Rows:
    """The rows behind one Link. Raises as the Link does, and BadReply for rows that cannot be read."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def of(self, menu: Menu[T], *, key: str = "", values: Iterable[str] | None = None) -> list[T]:
        """All rows of a menu, or only those whose `key` is one of `values`, whatever the router answers."""
        [rows] = await self._printed([(menu, menu.fields, key)], None if values is None else list(values))
        return read_all(menu, rows)

    async def together(self, *menus: Menu[Any]) -> list[list[Any] | Refused]:
        """All rows of several menus, in one round trip and no certain order. A menu that is not shown is its refusal."""
        replies = await self._link.fly([Command(f"{menu.path}/print", fields=menu.fields) for menu in menus])
        return [reply.refusal or read_all(menu, reply.rows) for menu, reply in zip(menus, replies, strict=True)]

    async def change(self, menu: Menu[T], name: str, words: tuple[str, ...]) -> None:
        """Set words on the rows of this name; NoSuchItem when there is none."""
        [result] = await self.change_each(menu, [(name, words)])
        if result.error:
            raise result.error

    async def change_each(self, menu: Menu[T], changes: Sequence[tuple[str, tuple[str, ...]]]) -> list[RowResult]:
        """Set words on rows by name, one result each, in order; never raises for the router's sake."""
        wanted = [(name, words) for name, words in changes if words]
        try:
            ids = await self._ids([Held(menu, "name")], [name for name, _ in wanted])
        except RouterError as error:
            return [RowResult(name, error if words else None) for name, words in changes]
        by_name = ids[0]
        found = [(name, words) for name, words in wanted if name in by_name]
        commands = [Command(f"{menu.path}/set", (attribute(".id", by_name[name]), *words)) for name, words in found]
        results = iter(results_of([name for name, _ in found], *await self._link.attempt(commands)))
        return [
            RowResult(name, None)
            if not words
            else next(results)
            if name in by_name
            else RowResult(name, NoSuchItem(f"no such item: {menu.path} has no {name}"))
            for name, words in changes
        ]

    async def remove(self, held: Sequence[Held], names: Sequence[str]) -> list[int]:
        """Remove all rows of these menus that belong to one of `names`. Returns how many went, per menu.

        The menus are read in one flight and emptied in one flight, in no certain order. What a comma list with a
        stale id does to the other ids is not documented, hence another look when one had vanished.
        """
        gone = [set[str]() for _ in held]
        for at_once in IDS_PER_REMOVE:
            found = [",".join(ids.values()).split(",") if ids else [] for ids in await self._ids(held, names)]
            for seen, ids in zip(gone, found, strict=True):
                seen.update(ids)
            if await self._remove_ids([(each.menu, ids) for each, ids in zip(held, found, strict=True)], at_once):
                break
        return [len(each) for each in gone]

    async def remove_ids(self, menu: Menu[T], ids: Sequence[str]) -> None:
        """Remove rows by id, one command each; those that are gone already are fine."""
        await self._remove_ids([(menu, ids)], 1)

    async def _remove_ids(self, wanted: Sequence[tuple[Menu[Any], Sequence[str]]], at_once: int) -> bool:
        """False when one of them had vanished already."""
        commands = [
            Command(f"{menu.path}/remove", (attribute(".id", ",".join(some)),))
            for menu, ids in wanted
            for some in _batches(ids, at_once)
        ]
        refusals = [reply.refusal for reply in await self._link.fly(commands) if reply.refusal]
        for refusal in refusals:
            if not isinstance(refusal, NoSuchItem):
                raise refusal
        return not refusals

    async def _ids(self, held: Sequence[Held], names: Sequence[str]) -> list[dict[str, str]]:
        """The ids of the rows of each menu as comma lists, by whose they are."""
        printed = await self._printed([(each.menu, (".id", each.key), each.key) for each in held], names)
        found: list[dict[str, str]] = []
        for each, rows in zip(held, printed, strict=True):
            by_name: dict[str, str] = {}
            for row in rows:
                name, one = row[each.key], row.get(".id", "")
                if not _ID.fullmatch(one):
                    raise BadReply(f"{each.menu.path}: a row without a usable id")
                by_name[name] = f"{by_name[name]},{one}" if name in by_name else one
            found.append(by_name)
        return found

    async def _printed(
        self, wanted: Sequence[tuple[Menu[Any], tuple[str, ...], str]], values: Sequence[str] | None
    ) -> list[list[dict[str, str]]]:
        """Raw rows of each menu; with `values` only those whose key is one of them. One flight; a refusal is raised."""
        asked = frozenset(values or ())
        queries = [()] if values is None or len(asked) > WHOLE_ABOVE else _batches(sorted(asked), NAMES_PER_QUERY)
        commands = [
            Command(f"{menu.path}/print", any_of(key, some), fields) for menu, fields, key in wanted for some in queries
        ]
        replies = await self._link.fly(commands)
        printed: list[list[dict[str, str]]] = []
        for number, (_, _, key) in enumerate(wanted):
            mine = replies[number * len(queries) : (number + 1) * len(queries)]
            rows = [row for reply in mine for row in _answered(reply)]
            printed.append(rows if values is None else [row for row in rows if row.get(key) in asked])
        return printed


def results_of(names: Sequence[str], replies: Sequence[Reply], lost: RouterError | None) -> list[RowResult]:
    """One result per command of a flight: its refusal, or what ended the flight for those without an answer."""
    return [
        RowResult(name, reply.refusal if reply.is_done else lost) for name, reply in zip(names, replies, strict=True)
    ]


def _answered(reply: Reply) -> list[dict[str, str]]:
    if reply.refusal:
        raise reply.refusal
    return reply.rows


def read_all(menu: Menu[T], rows: Sequence[dict[str, str]]) -> list[T]:
    """What raw rows of a menu mean; BadReply if one cannot be read."""
    try:
        return [menu.read(Row(row)) for row in rows]
    except ValueError as unreadable:
        raise BadReply(f"{menu.path}: {unreadable}") from unreadable


def _batches(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
