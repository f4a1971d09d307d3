"""Running parsed scripts: scopes and variables, expressions, blocks, functions. Commands are in sibling modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from routeros.simulator.scripting import operators
from routeros.simulator.scripting.errors import LimitError, ReturnSignal, ScriptError
from routeros.simulator.scripting.nodes import (
    ArrayLiteral,
    Binary,
    Block,
    BlockValue,
    Command,
    Evaluation,
    Expression,
    FunctionCall,
    Interpolation,
    Literal,
    Property,
    Statement,
    Substitution,
    Unary,
    Variable,
)
from routeros.simulator.scripting.values import NOTHING, Array, Code, Value, inward, text_of
from routeros.simulator.traps import Trap

_STEPS = 400_000
_CALLS = 24


@dataclass(slots=True)
class Context:
    """Who runs a script and where its words go. `numbers` are the item numbers the last `print` of a menu dealt."""

    policies: frozenset[str]
    user: str = "admin"
    name: str = ""
    #: A person at the console (or an import): item numbers can be used without printing first.
    is_terminal: bool = False
    output: list[str] = field(default_factory=list[str])
    numbers: dict[str, list[str]] = field(default_factory=dict[str, "list[str]"])
    steps: int = 0
    calls: int = 0

    def say(self, text: str) -> None:
        """Print one line (or several)."""
        self.output.append(text)
        if len(self.output) > 100_000:
            raise LimitError("script prints without end")


@dataclass(slots=True)
class Scope:
    """Variables visible in a block. A name in `shared` means the global of that name."""

    globals: dict[str, Value]
    parent: Scope | None = None
    names: dict[str, Value] = field(default_factory=dict[str, "Value"])
    shared: set[str] = field(default_factory=set[str])
    #: Inside a condition: the row it is tested on. Its properties hide variables of the same name.
    row: Mapping[str, Value] | None = None
    properties: frozenset[str] = frozenset()

    def inner(self) -> Scope:
        """Return a scope inside this one."""
        return Scope(self.globals, self)

    def read(self, name: str) -> Value:
        """Return a variable's value, `nothing` when it has none."""
        scope: Scope | None = self
        while scope is not None:
            if scope.row is not None and name in scope.properties:
                return scope.row.get(name, NOTHING)
            if name in scope.names:
                return scope.names[name]
            if name in scope.shared:
                return self.globals.get(name, NOTHING)
            scope = scope.parent
        return NOTHING

    def write(self, name: str, value: Value) -> None:
        """Change a declared variable; `nothing` removes a global."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                scope.names[name] = value
                return
            if name in scope.shared:
                self._write_global(name, value)
                return
            scope = scope.parent
        raise ScriptError(f"variable {name} is not declared")

    def share(self, name: str, value: Value | None = None) -> None:
        """Declare a global here, with a value or keeping the one it has."""
        if name in self.names and self.parent is None and value is None:
            return  # a function's parameter of that name wins (MikroTik manual, Functions)
        self.names.pop(name, None)
        self.shared.add(name)
        if value is not None:
            self._write_global(name, value)

    def _write_global(self, name: str, value: Value) -> None:
        if value is NOTHING:
            self.globals.pop(name, None)
        else:
            self.globals[name] = value


class Commands(Protocol):
    """What runs a command for the interpreter."""

    def knows(self, command: Command) -> bool:
        """Say whether a command is one of these."""
        ...

    async def run(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        """Run one command and give its value."""
        ...


@dataclass(slots=True)
class Interpreter:
    """Runs statements for one context; `language` and `menus` know the commands."""

    context: Context
    language: Commands
    menus: Commands

    def step(self) -> None:
        """Count one step. Raises LimitError when the script took too many without a pause."""
        self.context.steps += 1
        if self.context.steps > _STEPS:
            raise LimitError("script takes too many steps")

    async def block(self, block: Block, scope: Scope) -> Value:
        """Run statements in the scope given; the value of the last one."""
        value: Value = NOTHING
        for statement in block.statements:
            value = await self.statement(statement, scope)
        return value

    async def statement(self, statement: Statement, scope: Scope) -> Value:
        """Run one statement. Raises ScriptError that says where."""
        self.step()
        if isinstance(statement, Command):
            return await self._command(statement, scope)
        if isinstance(statement, Block):
            return await self.block(statement, scope.inner())
        if isinstance(statement, FunctionCall):
            return await self._call(statement, scope)
        assert isinstance(statement, Evaluation)
        found = await self.value(statement.expression, scope)
        if isinstance(found, Code) and found.type_name == "code":
            return await self.call(found, {}, scope.globals)  # `[[:parse "…"]]` runs what it parsed
        return found

    async def _command(self, command: Command, scope: Scope) -> Value:
        commands = self.language if self.language.knows(command) else self.menus
        try:
            return await commands.run(self, command, scope)
        except Trap as trap:
            raise ScriptError(inward(trap.message), where=f"{command.path}; line {command.line}") from None
        except ScriptError as error:
            error.where = error.where or f"{command.path}; line {command.line}"
            raise

    async def _call(self, call: FunctionCall, scope: Scope) -> Value:
        function = await self.value(call.function, scope)
        if isinstance(function, Array) and len(function) == 1:
            function = function.elements()[0]
        if not isinstance(function, Code):
            # What is no function gives itself; what was never declared gives nothing (MikroTik manual, Tips and tricks).
            return function
        parameters: dict[str, Value] = {}
        for number, expression in enumerate(call.positional, 1):
            parameters[str(number)] = await self.value(expression, scope)
        for name, expression in call.named.items():
            parameters[name] = await self.value(expression, scope)
        return await self.call(function, parameters, scope.globals)

    async def call(self, function: Code, parameters: dict[str, Value], known: dict[str, Value]) -> Value:
        """Call a function; what `:return` gives, for code of `:parse` else the value of its last command."""
        if self.context.calls >= _CALLS:
            raise LimitError("script calls itself too deeply")
        self.context.calls += 1
        try:
            last = await self.block(function.body, Scope(known, names=parameters))
        except ReturnSignal as signal:
            return signal.value
        finally:
            self.context.calls -= 1
        return last if function.type_name == "code" else NOTHING

    async def value(self, expression: Expression, scope: Scope) -> Value:  # noqa: PLR0911  (a case per node)
        """Evaluate an expression. Raises ScriptError."""
        if isinstance(expression, Literal):
            return expression.value
        if isinstance(expression, Variable):
            return scope.read(expression.name)
        if isinstance(expression, Property):
            return scope.read(expression.name) if scope.row is not None else expression.name
        if isinstance(expression, Binary):
            return await self._binary(expression, scope)
        if isinstance(expression, Interpolation):
            parts = [text_of(await self.value(part, scope)) for part in expression.parts]
            return operators.checked("".join(parts))
        if isinstance(expression, Substitution):
            self.step()
            return await self.block(expression.body, scope.inner())
        if isinstance(expression, Unary):
            return operators.unary(expression.operator, _flag(expression, await self.value(expression.operand, scope)))
        if isinstance(expression, BlockValue):
            return Code(expression.body)
        return await self._array(expression, scope)

    async def _binary(self, expression: Binary, scope: Scope) -> Value:
        """Evaluate a chain of operators from its left end, without a call per link."""
        chain: list[Binary] = []
        first: Expression = expression
        while isinstance(first, Binary):
            chain.append(first)
            first = first.left
        value = await self.value(first, scope)
        for link in reversed(chain):
            value = await self._linked(link, value, scope)
        return value

    async def _linked(self, expression: Binary, left: Value, scope: Scope) -> Value:
        if expression.operator in {"and", "&&", "or", "||"}:
            is_or = expression.operator in {"or", "||"}
            if operators.truth(_present(expression.left, left)) == is_or:
                return is_or
            return operators.truth(_present(expression.right, await self.value(expression.right, scope)))
        return operators.binary(expression.operator, left, await self.value(expression.right, scope))

    async def _array(self, literal: ArrayLiteral, scope: Scope) -> Array:
        items: list[Value] = []
        keyed: dict[str, Value] = {}
        for key, expression in literal.entries:
            value = await self.value(expression, scope)
            if key is None:
                items.append(value)
            else:
                keyed[text_of(await self.value(key, scope))] = value
        return Array(tuple(items), keyed)


def _flag(expression: Unary, value: Value) -> Value:
    """Read a bare property after `!` as whether the row has it."""
    return _present(expression.operand, value) if expression.operator == "!" else value


def _present(expression: Expression, value: Value) -> Value:
    """Read a bare property in a condition as whether it is there and not `no`."""
    if isinstance(expression, Property):
        return value if isinstance(value, bool) else value is not NOTHING and value != ""
    return value


def passes(expression: Expression, value: Value) -> bool:
    """Say whether a condition's value lets a row through."""
    return operators.truth(_present(expression, value))
