"""Commands of menus from a script: their arguments as text, conditions on rows, item numbers, `get`, `find`, `print`.

Everything is executed by the router's dispatcher, so that permissions, versions and traps are those of the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from routeros.simulator import traps
from routeros.simulator.calls import Answer, Call
from routeros.simulator.dispatch import Dispatcher
from routeros.simulator.menus.base import ItemMenu
from routeros.simulator.scripting import printing
from routeros.simulator.scripting.errors import ScriptError
from routeros.simulator.scripting.interpreter import Context, Interpreter, Scope, passes
from routeros.simulator.scripting.nodes import BlockValue, Command, Expression
from routeros.simulator.scripting.tree import CommandTree, only
from routeros.simulator.scripting.values import (
    NIL,
    NOTHING,
    Absent,
    Array,
    Code,
    ItemId,
    Value,
    as_array,
    inward,
    outward,
    read_address,
    read_number,
    read_span,
    text_of,
)

#: Properties that stay strings whatever they look like.
_WORDS = frozenset(
    {
        *("name", "password", "comment", "user", "email", "secret", "owner", "policy", "login-by", "domain"),
        *("source", "on-event", "on-login", "on-logout", "message", "topics", "contents", "data", "http-headers"),
        *("version", "board-name", "model", "serial-number", "software-id", "identity", "host-name", "dns-name"),
        *("dst-host", "date", "start-date"),
    }
)
_NUMBER = re.compile(r"0|[1-9]\d{0,18}")
Shown = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ScriptCall(Call):
    """A call made by a script: `context` is where its words go."""

    context: Context = field(default_factory=lambda: Context(frozenset()))


def typed(name: str, text: str) -> Value:
    """Give a printed property the type a script sees."""
    if name in _WORDS:
        return inward(text)
    if text in {"true", "false"}:
        return text == "true"
    if _NUMBER.fullmatch(text):
        number = read_number(text)
        return inward(text) if number is None else number
    if name == ".id":
        return ItemId(text)
    found = read_span(text) or (read_address(text) if "/" not in text else None)
    return inward(text) if found is None else found


def typed_row(row: Shown) -> dict[str, Value]:
    """Give all properties of a row their types."""
    return {name: typed(name, text) for name, text in row.items()}


def argument(value: Value) -> str:
    """Write a value as the text of an argument."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Array):
        return ",".join(argument(element) for element in value.elements())
    if isinstance(value, Code):
        return outward(value.body.text)
    return outward(text_of(value))


@dataclass(slots=True)
class MenuCommands:
    """Runs menu commands of one router. `export` writes the configuration of a menu and those below as lines."""

    tree: CommandTree
    dispatcher: Callable[[], Dispatcher]
    export: Callable[[str, Mapping[str, str], Context], list[str]]
    write_file: Callable[[str, str, Context], None]

    def knows(self, command: Command) -> bool:
        """Say whether a command is one of a menu."""
        return bool(command.menu) or command.path in self.tree.schema.commands

    async def run(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        """Run one command and give its value. Raises Trap or ScriptError."""
        given: dict[str, Value] = {}
        for name, expression in command.arguments.items():
            if not isinstance(expression, BlockValue):
                given[name] = await interpreter.value(expression, scope)
        context = interpreter.context
        if command.verb == "find":
            rows = await self._chosen(interpreter, command, scope)
            return Array(tuple(ItemId(row[".id"]) for row in rows))
        if command.verb == "print":
            return await self._print(interpreter, command, scope, given)
        if command.verb == "get":
            return self._get(command, given, context)
        if command.verb == "export":
            return self._export(command, given, context)
        return await self._change(command, given, context)

    def rows(self, menu: str, context: Context) -> list[Shown]:
        """Return the rows of a menu as this context may see them."""
        return list(self._dispatch(f"{menu}/print", {}, context).rows or ())

    def _dispatch(self, path: str, arguments: dict[str, str], context: Context) -> Answer:
        call = ScriptCall(path, arguments, user=context.user, policies=context.policies, context=context)
        return self.dispatcher().run(call)

    async def _chosen(self, interpreter: Interpreter, command: Command, scope: Scope) -> list[Shown]:
        rows = self.rows(command.menu, interpreter.context)
        if command.where is None:
            return rows
        return [row for row in rows if await self._passes(interpreter, command, command.where, row, scope)]

    async def _passes(
        self, interpreter: Interpreter, command: Command, where: Expression, row: Shown, scope: Scope
    ) -> bool:
        properties = self.tree.properties(command.menu) | row.keys()
        inner = Scope(scope.globals, scope, row=typed_row(row), properties=properties)
        return passes(where, await interpreter.value(where, inner))

    async def _print(self, interpreter: Interpreter, command: Command, scope: Scope, given: dict[str, Value]) -> Value:
        context = interpreter.context
        rows = await self._chosen(interpreter, command, scope)
        if "from" in given:
            wanted = self._ids(command.menu, given["from"], context)
            rows = [row for row in rows if row.get(".id") in wanted]
        is_list = self.tree.schema.has_rows(command.menu)
        if "count-only" in given:
            context.say(str(len(rows)))
            return len(rows)
        if is_list:
            context.numbers[command.menu] = [row[".id"] for row in rows]
        if "proplist" in given:
            names = argument(given["proplist"]).split(",")
            rows = [{name: row[name] for name in names if name in row} for row in rows]
        if "as-value" in given:
            arrays = [Array((), typed_row(row)) for row in rows]
            return Array(tuple(arrays)) if is_list else arrays[0] if arrays else Array()
        text = printing.table(rows) if is_list else printing.properties(rows[0] if rows else {})
        if "file" in given:
            self.write_file(printing.with_ending(argument(given["file"]), ".txt"), "\n".join(text) + "\n", context)
        else:
            context.output.extend(text)
        return NOTHING

    def _get(self, command: Command, given: dict[str, Value], context: Context) -> Value:
        rows = self.rows(command.menu, context)
        if self.tree.schema.has_rows(command.menu):
            ids = self._ids(command.menu, given.get("number", NOTHING), context)
            if len(ids) > 1:
                raise ScriptError("invalid internal item number")
            rows = [row for row in rows if row.get(".id") in ids]
            if not rows:
                raise traps.no_such_item()
        row = rows[0] if rows else {}
        if "value-name" not in given:
            return Array((), typed_row(row))
        known = self.tree.properties(command.menu) | row.keys()
        name = only(known, argument(given["value-name"]))
        if name is None:
            raise traps.no_match("value-name")
        return typed(name, row[name]) if name in row else NIL

    def _export(self, command: Command, given: dict[str, Value], context: Context) -> Value:
        options = {name: argument(value) for name, value in given.items()}
        lines = self.export(command.menu, options, context)
        if "file" in options:
            self.write_file(printing.with_ending(options["file"], ".rsc"), "\n".join(lines) + "\n", context)
        else:
            context.output.extend(lines)
        return NOTHING

    async def _change(self, command: Command, given: dict[str, Value], context: Context) -> Value:
        arguments = {name: argument(value) for name, value in given.items()}
        if "numbers" in given:
            ids = self._ids(command.menu, given["numbers"], context)
            if not ids:
                return NOTHING  # nothing was found, so nothing is to be done
            del arguments["numbers"]
            arguments[".id"] = ",".join(ids)
        elif command.verb in {"set", "remove", "enable", "disable"} and self.tree.schema.has_rows(command.menu):
            raise traps.missing_value("numbers")
        if "place-before" in given:
            arguments["place-before"] = ",".join(self._ids(command.menu, given["place-before"], context)[:1])
        answer = self._dispatch(command.path, arguments, context)
        if answer.later is not None:
            answer = await answer.later
        return self._told(answer, context, is_value="as-value" in given)

    def _told(self, answer: Answer, context: Context, *, is_value: bool) -> Value:
        rows = list(answer.rows or ())
        if is_value:
            return Array((), typed_row(rows[0])) if rows else Array()
        for row in rows:
            context.output.extend(printing.properties(row))
        if answer.ret is None:
            return NOTHING
        return ItemId(answer.ret) if answer.ret.startswith("*") else inward(answer.ret)

    def _ids(self, menu: str, value: Value, context: Context) -> list[str]:
        """Turn what stands for items (ids, names, numbers, arrays of them) into ids. Raises Trap."""
        if isinstance(value, Absent):
            return []
        if isinstance(value, str):
            return [self._id(menu, part, context) for part in outward(value).split(",") if part]
        return [self._id(menu, element, context) for element in as_array(value).elements()]

    def _id(self, menu: str, ref: Value, context: Context) -> str:
        if isinstance(ref, ItemId):
            return ref.text
        if isinstance(ref, str):
            if ref.startswith("*"):
                return ref
            if (found := self._named(menu, ref, context)) is not None:
                return found
        number = read_number(text_of(ref))
        known = context.numbers.get(menu)
        if known is None and context.is_terminal:
            known = [row[".id"] for row in self.rows(menu, context)]
        if number is None or known is None or not 0 <= number < len(known):
            raise traps.no_such_item()
        return known[number]

    def _named(self, menu: str, name: str, context: Context) -> str | None:
        known = self.dispatcher().menus.get(menu)
        if isinstance(known, ItemMenu):
            row = known.table.find(name)
            return row.id if row else None
        named = [row[".id"] for row in self.rows(menu, context) if row.get("name") == name]
        return named[0] if len(named) == 1 else None
