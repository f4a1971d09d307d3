"""`/file`: the router's files, as rows that live with its configuration. Nothing here touches a real disk.

Limits: MikroTik manual, Files (contents up to 60 KB can be read and edited) and, for older versions, its Fetch page
(4 KB, the size of a variable). That the limit rose with 7.13, when `/file/read` came, is an inference.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from routeros.simulator import traps
from routeros.simulator.calls import Answer, Call
from routeros.simulator.menus.base import ItemMenu
from routeros.simulator.tables import Row, Table
from routeros.simulator.wire import to_bytes, to_text

_KINDS = {"rsc": "script", "backup": "backup", "npk": "package"}


class FileMenu(ItemMenu):
    """The files of one router; `write`, `read` and `remove_file` are for commands that make and use files."""

    def __init__(self, table: Table, *, version: tuple[int, ...], space: int, now: Callable[[], datetime]) -> None:
        super().__init__(table)
        self._now = now
        self._space = space
        self._changed_at = "last-modified" if version >= (7, 16) else "creation-time"
        self._is_iso = version >= (7, 10)
        self.longest = 61440 if version >= (7, 13) else 4095
        self.writers["read"] = self.read_part

    def add(self, call: Call) -> Answer:
        """Add a file or (`type=directory`) a directory."""
        name = _clean(call.need("name"))
        if self.table.named(name):
            raise traps.Trap(self.table.spec.duplicate)
        contents = call.arguments.get("contents", "")
        self._check(contents)
        kind = call.arguments.get("type", "file")
        return Answer(ret=self._put(name, contents, kind="directory" if kind == "directory" else "").id)

    def change(self, call: Call) -> Answer:
        """Change contents or name."""
        for row in self.chosen(call):
            if "contents" in call.arguments:
                self._check(call.arguments["contents"])
                self._put(row.get("name"), call.arguments["contents"], kind=row.get("type"))
            if "name" in call.arguments:
                self.table.change(row, {"name": _clean(call.arguments["name"])})
        return Answer()

    def read_part(self, call: Call) -> Answer:
        """Give a part of a file: `chunk-size` bytes (1 to 32768) from `offset` on."""
        raw = to_bytes(self.read(call.need("file")))
        size, offset = call.arguments.get("chunk-size", "32768"), call.arguments.get("offset", "0")
        if not (size.isdigit() and offset.isdigit() and 1 <= int(size) <= 32768):
            raise traps.invalid_value("chunk-size")
        return Answer([{"data": to_text(raw[int(offset) : int(offset) + int(size)])}])

    def show_row(self, row: Row) -> dict[str, str]:
        """Add kind and size; contents only up to the size the version can hold in a variable."""
        shown = super().show_row(row)
        kind = row.get("type")
        contents = shown.pop("contents", "")
        shown["type"] = kind or _kind_of(row.get("name"))
        if kind in {"directory", "disk"}:
            return shown
        size = len(to_bytes(contents))
        shown["size"] = str(size)
        if size <= self.longest and kind != "backup":
            shown["contents"] = contents
        return shown

    def write(self, name: str, contents: str, *, kind: str = "") -> None:
        """Make or replace a file. Raises Trap when there is no space."""
        self._put(_clean(name), contents, kind=kind)

    def read(self, name: str) -> str:
        """Return the whole contents of a file. Raises Trap when there is none of that name."""
        rows = self.table.named(_clean(name))
        if not rows:
            raise traps.Trap("failure: no such file")
        return rows[0].get("contents")

    def lose_memory(self) -> None:
        """Drop what a board with a `flash` directory keeps in memory only: everything outside of it."""
        if not self.table.named("flash"):
            return
        for row in [row for row in self.table if row.get("name").partition("/")[0] != "flash"]:
            self.table.remove(row)

    def _put(self, name: str, contents: str, *, kind: str) -> Row:
        size = len(to_bytes(contents))
        taken = sum(len(row.get("contents")) for row in self.table if row.get("name") != name)
        if taken + size > self._space:
            raise traps.Trap("failure: not enough space on device")
        rows = self.table.named(name)
        row = rows[0] if rows else self.table.add({"name": name})
        stamp = f"{date_of(self._now(), is_iso=self._is_iso)} {self._now():%H:%M:%S}"
        row.values.update({"contents": contents, self._changed_at: stamp})
        if kind:
            row.values["type"] = kind
        return row

    def _check(self, contents: str) -> None:
        if len(to_bytes(contents)) > self.longest:
            raise traps.Trap(f"value of contents is longer than {self.longest} bytes", traps.BAD_ARGUMENT)


def _clean(name: str) -> str:
    return name.lstrip("/")


def _kind_of(name: str) -> str:
    ending = name.rpartition(".")[2] if "." in name else ""
    return _KINDS.get(ending, f".{ending} file" if ending else "file")


def date_of(moment: datetime, *, is_iso: bool) -> str:
    """Write a date as the version does: `2026-03-01` since 7.10, `mar/01/2026` before."""
    return f"{moment:%Y-%m-%d}" if is_iso else f"{moment:%b/%d/%Y}".lower()
