"""Running a text: as a stored script (read whole, then run), as an import (a command at a time), as a paste.

A script with a syntax error does not run at all; an import runs up to it; a console goes on with the next line.
Source: MikroTik manual, Scripting (import, dry-run), and field reports on which of them stop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from routeros.simulator.scripting.errors import (
    LimitError,
    ReturnSignal,
    ScriptError,
    ScriptSyntaxError,
    Signal,
)
from routeros.simulator.scripting.interpreter import Context, Interpreter, Scope
from routeros.simulator.scripting.nodes import Block
from routeros.simulator.scripting.parser import Parser
from routeros.simulator.scripting.scanner import is_complete
from routeros.simulator.scripting.tree import CommandTree
from routeros.simulator.scripting.values import NOTHING, Value, inward, outward

T = TypeVar("T")
LONGEST = 4 * 1024 * 1024
_CALLS = 24


class Runner:
    """Runs texts of one router. `globals` are the variables all its scripts share."""

    def __init__(self, tree: CommandTree, interpreter: Callable[[Context], Interpreter]) -> None:
        self.tree = tree
        self._interpreter = interpreter
        self.globals: dict[str, Value] = {}

    async def script(self, text: str, context: Context, variables: Mapping[str, Value] | None = None) -> Value:
        """Run a whole script; `variables` are those its caller provides. Its value is what `:return` gave.

        Raises ScriptError.
        """
        names = dict(variables or {})
        parser = self._parser(text, declared=names)
        block = _read(parser.script)
        return await self._block(block, context, Scope(self.globals, names=names))

    async def nested(self, text: str, context: Context, caller: Context) -> Value:
        """Run a script from another one, within the caller's limits."""
        if caller.calls >= _CALLS:
            raise LimitError("script calls itself too deeply")
        context.calls, context.steps, context.output = caller.calls + 1, caller.steps, caller.output
        try:
            return await self.script(text, context)
        finally:
            caller.steps = context.steps

    async def imported(
        self, text: str, context: Context, *, before_each: Callable[[], Awaitable[None]], shows: bool = False
    ) -> None:
        """Run a file command by command. Raises ScriptError at the first one that fails."""
        parser = self._parser(text)
        scope = Scope(self.globals)
        while (statement := _read(parser.next_statement)) is not None:
            if shows:
                context.say(f"#line {parser.line()}")
            await before_each()
            await self._block(Block((statement,)), context, scope)

    def check(self, text: str, context: Context) -> int:
        """Read a file without running anything; print each error with its line, return how many there were."""
        errors, done = 0, 0
        lines = inward(text).splitlines(keepends=True)
        while done < len(lines):
            parser = Parser("".join(lines[done:]), self.tree, first_line=done + 1)
            try:
                while parser.next_statement() is not None:
                    pass
            except ScriptSyntaxError as error:
                errors += 1
                context.say(f"#line {error.line}")
                context.say(outward(lines[error.line - 1].rstrip("\r\n")) if error.line <= len(lines) else "")
                context.say(outward(error.message))
                done = max(error.line, done + 1)
            else:
                break
        return errors

    async def pasted(self, text: str, context: Context) -> list[str]:
        """Run a text as if typed at the console: line by line, going on after errors. Gives the errors."""
        menu, waiting, errors = "", "", list[str]()
        for line in inward(text).splitlines(keepends=True):
            waiting += line
            if not is_complete(waiting):
                continue
            chunk, waiting = waiting, ""
            menu = await self._line(chunk, menu, context, errors)
        if waiting.strip():
            await self._line(waiting, menu, context, errors)
        return errors

    async def _line(self, text: str, menu: str, context: Context, errors: list[str]) -> str:
        known = dict.fromkeys(self.globals, NOTHING)
        parser = Parser(text, self.tree, menu=menu, declared=known)
        try:
            block = _read(parser.script)
            menu = parser.menu
            await self._block(block, context, Scope(self.globals, shared=set(known)))
        except LimitError:
            raise
        except ScriptError as error:
            errors.append(outward(error.message))
            context.say(outward(error.message))
        return menu

    def _parser(self, text: str, declared: Mapping[str, Value] | None = None) -> Parser:
        if len(text) > LONGEST:
            raise ScriptError("script is too long")
        return Parser(inward(text), self.tree, declared=declared or ())

    async def _block(self, block: Block, context: Context, scope: Scope) -> Value:
        try:
            await self._interpreter(context).block(block, scope)
        except ReturnSignal as signal:
            return signal.value
        except Signal:
            return NOTHING
        except RecursionError:
            raise LimitError("script is nested too deeply") from None
        return NOTHING


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except RecursionError:
        raise ScriptError("script is nested too deeply") from None
