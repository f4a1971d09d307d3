"""What ends a script early: a syntax error found before it runs, a run-time error, `:return`, `:break`, `:exit`.

Texts: MikroTik manual, Scripting, and field reports where the manual is silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routeros.simulator.scripting.values import Value


class ScriptError(Exception):
    """A run-time error. `message` is what `:onerror` sees; `where` names the command and line for the log."""

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where


class ScriptSyntaxError(ScriptError):
    """The text is no script this version can read. Lines and columns count from 1."""

    def __init__(self, words: str, line: int, column: int) -> None:
        super().__init__(f"{words} (line {line} column {column})")
        self.line, self.column = line, column


class LimitError(ScriptError):
    """A script took more steps, depth or memory than the simulator grants. Scripts cannot catch it."""


class Signal(Exception):  # noqa: N818  (control flow, not an error)
    """Control flow inside a script."""


@dataclass(eq=False)
class ReturnSignal(Signal):
    """`:return` with its value."""

    value: Value


class BreakSignal(Signal):
    """`:break` out of the innermost loop (7.22 and later)."""


class ContinueSignal(Signal):
    """`:continue` with the next round of the innermost loop (7.22 and later)."""


class ExitSignal(Signal):
    """`:exit` or `:quit`: the script ends without an error."""
