"""From text to statements: menus, commands with their arguments, blocks, functions. Finds errors before anything runs.

Command lines: MikroTik manual, Scripting. Names may be cut short while they stay unambiguous, as on the console.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from routeros.simulator.scripting.arguments import ArgumentParser
from routeros.simulator.scripting.nodes import (
    Binary,
    Block,
    BlockValue,
    Command,
    Evaluation,
    Expression,
    FunctionCall,
    Literal,
    Statement,
    Variable,
)
from routeros.simulator.scripting.scanner import ENDS
from routeros.simulator.scripting.tree import CommandTree, Signature, only

_NAMED = re.compile(r"([A-Za-z0-9.][A-Za-z0-9.-]*)=")
_FLAG = re.compile(r"([A-Za-z][A-Za-z0-9-]*)(?=[\s;\]})]|$)")
_UNSET = re.compile(r"!([A-Za-z][A-Za-z0-9-]*)(?=[\s;\]})]|$)")
_SCRIPTS = frozenset({"source", "script", "on-event", "on-login", "on-logout", "lease-script", "on-up", "on-down"})
_DECLARING = frozenset({"local", "global"})
_COUNTING = frozenset({"for", "foreach", "onerror"})
_DEEPEST = 24


class Parser(ArgumentParser):
    """Reads one script. `declared` are variables the caller provides; `is_free` lets any variable be read.

    `menu` is where a relative command starts; it moves when a line holds only a path.
    """

    def __init__(
        self,
        text: str,
        tree: CommandTree,
        *,
        menu: str = "",
        declared: Iterable[str] = (),
        is_free: bool = False,
        first_line: int = 1,
    ) -> None:
        super().__init__(text, first_line=first_line)
        self.tree = tree
        self.menu = menu
        self._scopes: list[set[str]] = [set(declared)]
        self._free = int(is_free)
        self._nesting = 0

    def script(self) -> Block:
        """Read the whole text. Raises ScriptSyntaxError."""
        return Block(self._statements(""), self.text)

    def next_statement(self) -> Statement | None:
        """Read one statement, for text that is run as it is read; None at the end."""
        while True:
            self.skip_separators()
            if self.at >= len(self.text):
                return None
            if self.peek() in ENDS:
                raise self.error()
            found = self._statement()
            if found is not None:
                return found

    def declare(self, name: str) -> None:
        """Let a variable be used from here on."""
        self._scopes[-1].add(name)

    def use(self, name: str, at: int) -> Variable:
        """Return a variable. Raises ScriptSyntaxError when nothing declared it and nothing may provide it."""
        is_property = self._in_condition and name in self.tree.properties(self.menu)
        if not self._free and not is_property and not any(name in scope for scope in self._scopes):
            raise self.error(at=at)
        return super().use(name, at)

    def brackets(self) -> Block:
        """Read `[ … ]`."""
        self.need("[")
        was, self._in_condition = self._in_condition, False
        found = self._nested("]")
        self._in_condition = was
        return found

    def _nested(self, end: str, *, is_function: bool = False, names: Iterable[str] = ()) -> Block:
        """Read statements up to a closing bracket, in a scope and menu of their own."""
        self._nesting += 1
        if self._nesting > _DEEPEST:
            raise self.error()
        start, menu = self.at, self.menu
        self._scopes.append(set(names))
        self._free += is_function
        found = self._statements(end)
        self._free -= is_function
        self._scopes.pop()
        self.menu = menu
        text = self.text[start : self.at]
        self.need(end)
        self._nesting -= 1
        return Block(found, text)

    def _statements(self, end: str) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while True:
            self.skip_separators()
            if self.at >= len(self.text) or (end and self.peek() == end):
                return tuple(found)
            if self.peek() in ENDS:
                raise self.error()
            statement = self._statement()
            if statement is not None:
                found.append(statement)

    def _statement(self) -> Statement | None:
        at, char = self.at, self.peek()
        if char == "{":
            self.at += 1
            return self._nested("}")
        if char == "$":
            return self._call()
        if char in '["(':
            found = self.primary()
            self._end()
            return Evaluation(found, self.line(at))
        return self._command()

    def _end(self) -> None:
        self.skip_blanks()
        if not self.is_at_end():
            raise self.error("expected end of command")

    def _call(self) -> Statement:
        at = self.at
        function = self.variable()
        positional: list[Expression] = []
        named: dict[str, Expression] = {}
        self.skip_blanks()
        while not self.is_at_end():
            if found := self.match(_NAMED):
                named[found[1]] = self.typed_value(function=True)
            else:
                positional.append(self.typed_value())
            self.skip_blanks()
        return FunctionCall(function, tuple(positional), named, self.line(at))

    def _command(self) -> Statement | None:
        """Read a path, then either a command, a block to run in that menu, or nothing: the menu is entered."""
        start = self.at
        menu = "" if self.take(":") or self.take("/") else self.menu
        is_first = True
        while True:
            self.skip_blanks()
            at = self.at
            if self.is_at_end():
                self.menu = menu
                return None
            if self.peek() == "{" and not is_first:
                self.at += 1
                was, self.menu = self.menu, menu
                found = self._nested("}")
                self.menu = was
                return found
            if self.take(".."):
                menu = menu.rpartition("/")[0]
            else:
                word = self.word()
                if (below := self.tree.child(menu, word)) is not None:
                    menu = below
                elif (verb := self.tree.verb(menu, word)) is not None:
                    return self._arguments(menu, verb, start)
                else:
                    raise self.error(f"bad command name {word or self.peek()}", at)
            is_first = False
            if self.peek() == "/" and not self.tree.has_slash_paths and start != self.at:
                raise self.error("expected end of command")
            self.take("/")

    def _arguments(self, menu: str, verb: str, start: int) -> Statement:
        signature, line = self.tree.signature(menu, verb), self.line(start)
        was, self.menu = self.menu, menu or self.menu
        command = Command(menu, verb, line, {}, None)
        if not menu and verb in _DECLARING | _COUNTING | {"set"}:
            self._named_variable(command)
        unnamed = [name for name in signature.unnamed if name not in command.arguments]
        where: Expression | None = None
        self.skip_blanks()
        while not self.is_at_end():
            if signature.has_where and self._takes_where(signature):
                where = None if self.is_at_end() else self.condition()
                break
            self._argument(command, signature, unnamed)
            self.skip_blanks()
        self.menu = was
        if not menu and verb in _DECLARING:
            self._declare_names(command)
        return Command(menu, verb, line, command.arguments, where)

    def _takes_where(self, signature: Signature) -> bool:
        at = self.at
        if self.word() == "where":
            self.skip_blanks()
            return True
        self.at = at
        return signature.is_condition

    def _named_variable(self, command: Command) -> None:
        """Read the variable a command is about: a bare or quoted name, or for `:set` an element of an array."""
        self.skip_blanks()
        at = self.at
        slot = {"for": "counter", "foreach": "counter", "onerror": "error"}.get(command.verb, "name")
        if self.peek() == "(" and command.verb == "set":
            target = self.group()
            if not isinstance(target, Binary) or target.operator != "->":
                raise self.error(at=at)
            command.arguments[slot] = target
            return
        if command.verb == "set":
            self.take("$")  # scripts in the field write `:set $name`, and routers take it
        names = ",".join(self.names()) if self.peek() != '"' and slot != "name" else ""
        name = self.string() if self.peek() == '"' else Literal(names or self.name())
        if not isinstance(name, Literal) or not name.value:
            raise self.error(at=at)
        if self.peek() and self.peek() not in " \t\r\n;]})\\":
            raise self.error()
        if command.verb == "set" and not any(name.value in scope for scope in self._scopes):
            raise self.error(at=at)
        command.arguments[slot] = name

    def _declare_names(self, command: Command) -> None:
        name = command.arguments["name"]
        assert isinstance(name, Literal)
        self.declare(str(name.value))

    def _argument(self, command: Command, signature: Signature, unnamed: list[str]) -> None:
        at = self.at
        is_language = not command.menu and command.verb in self.tree.language
        if found := self.match(_NAMED):
            name = only(signature.named, found[1])
            if name is None:
                raise self.error("expected end of command", at)
            if name in unnamed:
                unnamed.remove(name)
            command.arguments[name] = self._value(command, signature, name, is_language=is_language)
            return
        if not is_language and (found := self.match(_UNSET)):
            name = only(signature.named, found[1])
            if name is None or command.verb != "set":
                raise self.error("expected end of command", at)
            command.arguments[name] = Literal("")
            return
        if found := self.match(_FLAG):
            is_short = command.verb in {"print", "export"}
            name = only(signature.flags, found[1]) if is_short or found[1] in signature.flags else None
            if name is not None:
                command.arguments[name] = Literal(True)
                return
            if is_language and not unnamed and found[1] in signature.named:  # `:foreach i in [find]`, without `=`
                command.arguments[found[1]] = self._value(command, signature, found[1], is_language=True)
                return
            self.at = at
        if not unnamed:
            raise self.error("expected end of command")
        name = unnamed.pop(0)
        command.arguments[name] = self._value(command, signature, name, is_language=is_language)

    def _value(self, command: Command, signature: Signature, name: str, *, is_language: bool) -> Expression:
        if is_language or self.peek() == "\\":  # an export breaks long lines right behind the equals sign
            self.skip_blanks()
        if self.peek() == "{":
            if name in signature.blocks:
                return self._block(command, is_language=is_language)
            if name in _SCRIPTS:
                return Literal(self._raw_block())
        is_typed = is_language or name in {"numbers", "number"}
        return self.typed_value() if is_typed else self.plain_value()

    def _block(self, command: Command, *, is_language: bool) -> Expression:
        self.at += 1
        names: list[str] = []
        for slot in ("counter", "error"):
            if isinstance(found := command.arguments.get(slot), Literal):
                names += str(found.value).split(",")
        is_function = command.verb in _DECLARING | {"set"} or not is_language
        return BlockValue(self._nested("}", is_function=is_function, names=names))

    def _raw_block(self) -> str:
        """Take `{ … }` as the text of a script, checked as one."""
        start = self.at
        self.at += 1
        self._nested("}", is_function=True)
        return self.text[start + 1 : self.at - 1]
