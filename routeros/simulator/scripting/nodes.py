"""The parsed script: statements and expressions, with their places. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routeros.simulator.scripting.values import Value


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: Value


@dataclass(frozen=True, slots=True)
class Interpolation:
    """A string with `$` in it: its pieces in order."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`. `line` is where it stands."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Unary:
    """One of `-`, `!`, `~` before an operand."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands; `and` and `or` are written so whatever the script wrote."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class ArrayLiteral:
    """`{a; b; key=c}`: elements with or without a key."""

    entries: tuple[tuple[Expression | None, Expression], ...]


@dataclass(frozen=True, slots=True)
class Substitution:
    """`[command]`: its value."""

    body: Block


@dataclass(frozen=True, slots=True)
class BlockValue:
    """A block handed to a command (`do={…}`), run by it or kept as a function."""

    body: Block


@dataclass(frozen=True, slots=True)
class Property:
    """A property's name in a `where` condition."""

    name: str


Expression = Literal | Interpolation | Variable | Unary | Binary | ArrayLiteral | Substitution | BlockValue | Property


@dataclass(frozen=True, slots=True)
class Command:
    """A command with its arguments by full name. `menu` is empty for the language's own commands."""

    menu: str
    verb: str
    line: int
    arguments: dict[str, Expression] = field(default_factory=dict[str, "Expression"])
    where: Expression | None = None

    @property
    def path(self) -> str:
        """The full path with slashes."""
        return f"{self.menu}/{self.verb}"


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """`$function arg name=arg` as a command."""

    function: Variable
    positional: tuple[Expression, ...]
    named: dict[str, Expression]
    line: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An expression standing alone as a statement."""

    expression: Expression
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """Statements with a scope of their own."""

    statements: tuple[Statement, ...]
    #: Lines of the text it was read from, for `:parse` and `/import`.
    text: str = ""


Statement = Command | FunctionCall | Evaluation | Block
