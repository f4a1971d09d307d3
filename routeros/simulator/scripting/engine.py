"""The door to a router's scripting for tests, demonstrations and other code: run a text, paste it, or import it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from routeros.simulator.menus.access import POLICIES
from routeros.simulator.scripting.errors import ScriptError
from routeros.simulator.scripting.host import ScriptHost
from routeros.simulator.scripting.interpreter import Context
from routeros.simulator.scripting.values import Value, inward, outward
from routeros.simulator.traps import Trap

ALL = frozenset(POLICIES)


class Scriptable(Protocol):
    """A router with a scripting side."""

    @property
    def scripts(self) -> ScriptHost: ...


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What a script printed, a line per line, and the error that stopped it (None when it ran to its end).

    Of a paste, `error` is the first of `errors`; the lines after it were run all the same, as on a console.
    """

    output: str
    error: str | None = None
    errors: tuple[str, ...] = ()


class ScriptEngine:
    """Runs scripts on one router with the rights of a caller (`policies`, all of them unless said otherwise).

    The plain methods finish before they return: waits of the script move the router's virtual clock. The `live` ones
    wait for the clock to move, and take an asynchronous fetcher.
    """

    def __init__(self, router: Scriptable) -> None:
        self.host = router.scripts

    def run(
        self,
        text: str,
        *,
        policies: frozenset[str] = ALL,
        user: str = "admin",
        variables: Mapping[str, str | int | bool] | None = None,
    ) -> ScriptResult:
        """Run a text as a stored script is run: read whole first. `variables` are those the caller provides."""
        context = Context(policies, user, "script")
        try:
            self.host.finish(self.host.runner.script(text, context, _typed(variables)))
        except ScriptError as error:
            return _failed(context, error)
        return _printed(context)

    async def run_live(
        self, text: str, *, policies: frozenset[str] = ALL, user: str = "admin", name: str = "script"
    ) -> ScriptResult:
        """Run a text as a job."""
        context = Context(policies, user, name)
        try:
            await self.host.live(self.host.runner.script(text, context), name)
        except Trap as trap:
            return ScriptResult("\n".join(context.output), trap.message, (trap.message,))
        return _printed(context)

    def paste(self, text: str, *, policies: frozenset[str] = ALL, user: str = "admin") -> ScriptResult:
        """Run a text as a person pastes it into a terminal: line by line, going on after errors."""
        context = Context(policies, user, is_terminal=True)
        try:
            errors = self.host.finish(self.host.runner.pasted(text, context))
        except ScriptError as error:
            return _failed(context, error)
        return ScriptResult("\n".join(context.output), errors[0] if errors else None, tuple(errors))

    async def paste_live(self, text: str, *, policies: frozenset[str] = ALL, user: str = "admin") -> ScriptResult:
        """Paste a text whose commands may fetch or wait."""
        context = Context(policies, user, is_terminal=True)
        try:
            errors = await self.host.live(self.host.runner.pasted(text, context), "console")
        except Trap as trap:
            return ScriptResult("\n".join(context.output), trap.message, (trap.message,))
        return ScriptResult("\n".join(context.output), errors[0] if errors else None, tuple(errors))


def _typed(variables: Mapping[str, str | int | bool] | None) -> dict[str, Value]:
    return {name: inward(value) if isinstance(value, str) else value for name, value in (variables or {}).items()}


def _printed(context: Context) -> ScriptResult:
    return ScriptResult("\n".join(context.output))


def _failed(context: Context, error: ScriptError) -> ScriptResult:
    words = outward(error.message)
    return ScriptResult("\n".join(context.output), words, (words,))
