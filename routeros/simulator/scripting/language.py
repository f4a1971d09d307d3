"""The commands of the language that steer: variables, conditions, loops, errors, functions, waiting, printing.

Source: MikroTik manual, Scripting. Those that only compute are in `functions`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from routeros.simulator.scripting import operators
from routeros.simulator.scripting.errors import (
    BreakSignal,
    ContinueSignal,
    ExitSignal,
    LimitError,
    ReturnSignal,
    ScriptError,
)
from routeros.simulator.scripting.functions import Functions, span_of
from routeros.simulator.scripting.interpreter import Interpreter, Scope
from routeros.simulator.scripting.jobs import Pause
from routeros.simulator.scripting.nodes import Binary, BlockValue, Command, Expression, Literal, Variable
from routeros.simulator.scripting.parser import Parser
from routeros.simulator.scripting.tree import CommandTree
from routeros.simulator.scripting.values import (
    NOTHING,
    SECOND,
    Array,
    Code,
    Span,
    Value,
    as_array,
    outward,
    text_of,
)

_Run = Callable[[Interpreter, Command, Scope], Awaitable[Value]]


class Language:
    """Runs `:` commands. `execute` starts a script in the background (or in place) for `:execute`."""

    def __init__(
        self,
        tree: CommandTree,
        functions: Functions,
        execute: Callable[[Interpreter, dict[str, Value]], Awaitable[Value]],
    ) -> None:
        self._tree = tree
        self._functions = functions
        self._execute = execute
        self._steering: dict[str, _Run] = {
            "if": self._if,
            "while": self._while,
            "do": self._do,
            "for": self._for,
            "foreach": self._foreach,
            "onerror": self._onerror,
            "retry": self._retry,
            "local": self._declare,
            "global": self._declare,
            "set": self._set,
            "time": self._time,
        }

    def knows(self, command: Command) -> bool:
        """Say whether a command is one of the language."""
        return not command.menu and command.verb in self._tree.language

    async def run(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        """Run one command. Raises ScriptError or a Signal."""
        if (steer := self._steering.get(command.verb)) is not None:
            return await steer(interpreter, command, scope)
        given = {name: await interpreter.value(value, scope) for name, value in command.arguments.items()}
        return await self._plain(interpreter, command.verb, given)

    async def _plain(self, interpreter: Interpreter, verb: str, given: dict[str, Value]) -> Value:
        context = interpreter.context
        if verb == "put":
            context.say(outward(text_of(_needed(given, "message"))))
            return given["message"]
        if verb == "error":
            raise ScriptError(text_of(given.get("message", NOTHING)))
        if verb == "return":
            raise ReturnSignal(given.get("value", NOTHING))
        if verb in {"break", "continue"}:
            raise BreakSignal if verb == "break" else ContinueSignal
        if verb in {"exit", "quit"}:
            raise ExitSignal
        if verb == "delay":
            context.steps = 0
            await Pause(max(0.0, span_of(given.get("delay-time", Span(SECOND))).nanoseconds / SECOND))
            return NOTHING
        if verb == "parse":
            parser = Parser(text_of(_needed(given, "value")), self._tree, is_free=True)
            return Code(parser.script(), "code")
        if verb == "execute":
            return await self._execute(interpreter, given)
        if verb == "jobname":
            return context.name
        return self._functions.run(verb, given)

    async def _if(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        is_met = operators.truth(await interpreter.value(_part(command, "condition"), scope))
        chosen = command.arguments.get("do" if is_met else "else")
        return NOTHING if chosen is None else await _run_part(interpreter, chosen, scope)

    async def _while(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        condition = _part(command, "condition")
        while operators.truth(await interpreter.value(condition, scope)):
            interpreter.step()
            if await _round(interpreter, command.arguments.get("do"), scope.inner()):
                break
        return NOTHING

    async def _do(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        if (condition := command.arguments.get("if")) is not None and not operators.truth(
            await interpreter.value(condition, scope)
        ):
            return NOTHING
        try:
            if "while" not in command.arguments:
                return await _run_part(interpreter, _part(command, "command"), scope)
            while not await _round(interpreter, command.arguments["command"], scope.inner()):
                interpreter.step()
                if not operators.truth(await interpreter.value(command.arguments["while"], scope)):
                    break
        except LimitError:
            raise
        except ScriptError:
            if (handler := command.arguments.get("on-error")) is None:
                raise
            return await _run_part(interpreter, handler, scope)
        return NOTHING

    async def _for(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        start = await self._number(interpreter, command, "from", scope)
        end = await self._number(interpreter, command, "to", scope)
        # Counting down by itself is what field reports describe; the manual does not say.
        step = -1 if end < start else 1
        if "step" in command.arguments:
            step = await self._number(interpreter, command, "step", scope)
        if step == 0:
            raise ScriptError("invalid step value")
        counter = _name(command, "counter")
        number = start
        while number <= end if step > 0 else number >= end:
            interpreter.step()
            if await _round(interpreter, command.arguments.get("do"), _with(scope, {counter: number})):
                break
            number += step
        return NOTHING

    async def _number(self, interpreter: Interpreter, command: Command, name: str, scope: Scope) -> int:
        value = self._functions.run("tonum", {"value": await interpreter.value(_part(command, name), scope)})
        if not isinstance(value, int):
            raise ScriptError(f"invalid value for argument {name}")
        return value

    async def _foreach(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        names = _name(command, "counter").split(",")
        listed = as_array(await interpreter.value(_part(command, "in"), scope))
        for key, value in listed.pairs():
            interpreter.step()
            names_now: dict[str, Value] = {names[0]: value} if len(names) == 1 else {names[0]: key, names[1]: value}
            if await _round(interpreter, command.arguments.get("do"), _with(scope, names_now)):
                break
        return NOTHING

    async def _onerror(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        try:
            await _run_part(interpreter, _part(command, "in"), scope)
        except LimitError:
            raise
        except ScriptError as error:
            names = _name(command, "error").split(",")
            caught: dict[str, Value] = {names[0]: error.message, **dict.fromkeys(names[1:], Array())}
            if (handler := command.arguments.get("do")) is not None:
                await _block(interpreter, handler, _with(scope, caught))
            return True
        return False

    async def _retry(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        tries = await self._number(interpreter, command, "max", scope) if "max" in command.arguments else 1
        pause = command.arguments.get("delay", Literal(Span(0)))
        wait = span_of(await interpreter.value(pause, scope)).nanoseconds / SECOND
        for left in range(max(1, tries) - 1, -1, -1):
            try:
                return await _run_part(interpreter, _part(command, "command"), scope)
            except LimitError:
                raise
            except ScriptError:
                if not left:
                    if (handler := command.arguments.get("on-error")) is None:
                        raise
                    return await _run_part(interpreter, handler, scope)
                await Pause(wait)
        return NOTHING

    async def _declare(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        name, given = _name(command, "name"), command.arguments.get("do", command.arguments.get("value"))
        value = None if given is None else await interpreter.value(given, scope)
        if command.verb == "global":
            scope.share(name, value)
        else:
            scope.shared.discard(name)
            scope.names[name] = NOTHING if value is None else value
        return NOTHING

    async def _set(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        given = command.arguments.get("do", command.arguments.get("value"))
        value = NOTHING if given is None else await interpreter.value(given, scope)
        target = _part(command, "name")
        if isinstance(target, Binary):
            await _assign(interpreter, target, value, scope)
        else:
            scope.write(_name(command, "name"), value)
        return NOTHING

    async def _time(self, interpreter: Interpreter, command: Command, scope: Scope) -> Value:
        before = self._functions.now()
        await _run_part(interpreter, _part(command, "command"), scope)
        return Span(int((self._functions.now() - before).total_seconds() * SECOND))


async def _assign(interpreter: Interpreter, target: Binary, value: Value, scope: Scope) -> None:
    """Set an element of an array variable: `($a->"x"->1)`."""
    keys: list[Value] = []
    place: Expression = target
    while isinstance(place, Binary) and place.operator == "->":
        keys.insert(0, await interpreter.value(place.right, scope))
        place = place.left
    if not isinstance(place, Variable):
        raise ScriptError("cannot assign to this expression")
    scope.write(place.name, _replaced(scope.read(place.name), keys, value))


def _replaced(array: Value, keys: list[Value], value: Value) -> Value:
    if not keys:
        return value
    base = array if isinstance(array, Array) else as_array(array)
    return base.put(keys[0], _replaced(base.get(keys[0]), keys[1:], value))


def _needed(given: dict[str, Value], name: str) -> Value:
    if name not in given:
        raise ScriptError(f"missing value(s) of argument(s) {name}")
    return given[name]


def _part(command: Command, name: str) -> Expression:
    if name not in command.arguments:
        raise ScriptError(f"missing value(s) of argument(s) {name}")
    return command.arguments[name]


def _name(command: Command, slot: str) -> str:
    found = _part(command, slot)
    assert isinstance(found, Literal)
    return cast("str", found.value)


def _with(scope: Scope, names: dict[str, Value]) -> Scope:
    inner = scope.inner()
    inner.names.update(names)
    return inner


async def _block(interpreter: Interpreter, part: Expression, scope: Scope) -> Value:
    """Run a `do={…}` in exactly this scope; a function or other value is called or given."""
    if isinstance(part, BlockValue):
        return await interpreter.block(part.body, scope)
    value = await interpreter.value(part, scope)
    if isinstance(value, Code):
        return await interpreter.call(value, {}, scope.globals)
    return value


async def _run_part(interpreter: Interpreter, part: Expression, scope: Scope) -> Value:
    return await _block(interpreter, part, scope.inner())


async def _round(interpreter: Interpreter, part: Expression | None, scope: Scope) -> bool:
    """Run one round of a loop; True when it asked to break."""
    try:
        if part is not None:
            await _block(interpreter, part, scope)
    except BreakSignal:
        return True
    except ContinueSignal:
        return False
    return False
