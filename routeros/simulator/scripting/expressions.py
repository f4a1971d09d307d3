"""From text to expressions: strings with escapes and substitution, variables, literals, operators by precedence.

Strings, operators: MikroTik manual, Scripting. The manual gives no table of precedence; the order here, weakest first:
`,` · `or` · `and` · comparisons, `~`, `in` · `|` · `^` · `&` · `<<` `>>` · `.` · `+` `-` · `*` `/` `%` · unary · `->`.
"""

from __future__ import annotations

import re

from routeros.simulator.scripting.nodes import (
    ArrayLiteral,
    Binary,
    Block,
    Expression,
    Interpolation,
    Literal,
    Property,
    Substitution,
    Unary,
    Variable,
)
from routeros.simulator.scripting.scanner import Scanner
from routeros.simulator.scripting.values import read_literal, read_number

_LEVELS: tuple[tuple[str, ...], ...] = (
    (",",),
    ("||", "or"),
    ("&&", "and"),
    ("!=", "<=", ">=", "=", "<", ">", "~", "in"),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    (".",),
    ("+", "-"),
    ("*", "/", "%"),
)
_COMPARISONS = frozenset(_LEVELS[3])
#: An operator that begins with another one's sign must not be cut in two.
_LONGER = {"<": ("<=", "<<"), ">": (">=", ">>"), "|": ("||",), "&": ("&&",), "-": ("->",)}
_PLAIN = re.compile(r'[^"\\$]+')
_HEX = re.compile(r"[0-9A-F]{2}")
_JOINED = re.compile(r"(?:\r?\n|\r)[ \t]*")
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "_": " ",
    '"': '"',
    "\\": "\\",
    "$": "$",
    "?": "?",
}
_ATOM = re.compile(
    r"\*[0-9A-Fa-f]+"
    r"|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}"
    r"|(?=[0-9A-Fa-f]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]+(?:/\d+)?"
    r"|(?:\d+[wd])*\d+:\d\d(?::\d\d(?:\.\d+)?)?"
    r"|\d+\.\d+\.\d+\.\d+(?:/\d+)?"
    r"|0x[0-9A-Fa-f]+"
    r"|(?:\d+(?:ms|us|ns|[wdhms]))+(?![A-Za-z0-9])"
    r"|\d+/\d+(?!\d)"
    r"|\d+"
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_PROPERTY = re.compile(r"\.?[A-Za-z][A-Za-z0-9-]*")
_BARE = re.compile(r'[^\s"$()\[\]{};&|\\]+')
_DEEPEST = 24


class ExpressionParser(Scanner):
    """Reads expressions. What stands in brackets is left to the subclass (`brackets`)."""

    def __init__(self, text: str, *, first_line: int = 1) -> None:
        super().__init__(text, first_line=first_line)
        self._depth = 0
        self._in_condition = False

    def brackets(self) -> Block:
        """Read the commands between `[` and `]`."""
        raise NotImplementedError

    def use(self, name: str, at: int) -> Variable:
        """Return a variable that is read at a place."""
        return Variable(name, self.line(at))

    def string(self) -> Expression:
        """Read a string in double quotes."""
        self.need('"')
        parts: list[Expression] = []
        plain: list[str] = []
        while not self.take('"'):
            if found := self.match(_PLAIN):
                plain.append(found[0])
            elif self.take("\\"):
                plain.append(self._escape())
            elif self.peek() == "$":
                parts += [Literal("".join(plain)), self._inserted()]
                plain = []
            else:
                raise self.error()
        if not parts:
            return Literal("".join(plain))
        return Interpolation((*parts, Literal("".join(plain))))

    def _escape(self) -> str:
        if self.match(_JOINED):
            return ""
        if found := self.match(_HEX):
            return chr(int(found[0], 16))
        char = self.peek()
        if char not in _ESCAPES or not char:
            raise self.error()
        self.at += 1
        return _ESCAPES[char]

    def _inserted(self) -> Expression:
        """Read what stands behind `$` inside a string."""
        if self.peek(2) == "$(":
            self.at += 1
            return self.group()
        if self.peek(2) == "$[":
            self.at += 1
            return Substitution(self.brackets())
        return self.variable()

    def variable(self) -> Variable:
        """Read `$name` or `$"any name"`."""
        at = self.at
        self.need("$")
        if self.peek() == '"':
            quoted = self.string()
            if not isinstance(quoted, Literal) or not isinstance(quoted.value, str):
                raise self.error(at=at)
            return self.use(quoted.value, at)
        name = self.name()
        if not name:
            raise self.error()
        return self.use(name, at)

    def group(self) -> Expression:
        """Read `( … )`."""
        self.need("(")
        found = self.expression()
        self.skip_blanks()
        self.need(")")
        return found

    def condition(self) -> Expression:
        """Read what follows `where`: tests of properties, side by side means and."""
        was, self._in_condition = self._in_condition, True
        found = self.expression(1)
        self.skip_blanks()
        while not self.is_at_end():
            found = Binary("and", found, self.expression(1))
            self.skip_blanks()
        self._in_condition = was
        return found

    def expression(self, level: int = 0) -> Expression:
        """Read an expression whose operators bind at least as strongly as `level`. Raises ScriptSyntaxError."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.error()
        try:
            return self._expression(level)
        finally:
            self._depth -= 1

    def _expression(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._expression(level + 1)
        while (sign := self._operator(level)) is not None:
            if self._in_condition and sign in _COMPARISONS:
                left = Binary(sign, left, self._compared(sign, level + 1))
            else:
                left = Binary(sign, left, self._expression(level + 1))
        return left

    def _operator(self, level: int) -> str | None:
        start = self.at
        self.skip_blanks()
        for sign in _LEVELS[level]:
            if not self.text.startswith(sign, self.at):
                continue
            if any(self.text.startswith(longer, self.at) for longer in _LONGER.get(sign, ())):
                continue
            if sign.isalpha() and (self.text[self.at + len(sign) : self.at + len(sign) + 1] or " ").isalnum():
                continue
            self.at += len(sign)
            return sign
        self.at = start
        return None

    def _compared(self, sign: str, level: int) -> Expression:
        """Read the right side of a comparison in a condition, where a bare word is a value with any characters."""
        self.skip_blanks()
        if self.peek() in {'"', "$", "(", "[", "{", "!", "-"}:
            return self._expression(level)
        found = self.match(_BARE)
        text = found[0] if found else ""
        return Literal(read_literal(text) if sign == "in" else text)

    def _unary(self) -> Expression:
        signs: list[str] = []
        self.skip_blanks()
        while self.peek() and self.peek() in "!~-" and self.peek(2) != "->":
            signs.append(self.peek())
            if len(signs) > _DEEPEST:
                raise self.error()
            self.at += 1
            self.skip_blanks()
        found = self._indexed()
        for sign in reversed(signs):
            found = Unary(sign, found)
        return found

    def _indexed(self) -> Expression:
        found = self.primary()
        while self.take("->"):
            self.skip_blanks()
            found = Binary("->", found, self.primary())
        return found

    def primary(self) -> Expression:  # noqa: PLR0911  (a case per form)
        """Read the smallest whole: a string, variable, group, substitution, array or literal."""
        char = self.peek()
        if char == '"':
            return self.string()
        if char == "$":
            return self.variable()
        if char == "(":
            return self.group()
        if char == "[":
            return Substitution(self.brackets())
        if char == "{":
            return self.array()
        if found := self.match(_ATOM):
            return Literal(read_literal(_prefix(found[0])))
        if self._in_condition and (found := self.match(_PROPERTY)):
            return Literal(found[0] == "true") if found[0] in {"true", "false"} else Property(found[0])
        if found := self.match(_WORD):
            return Literal(read_literal(found[0]))
        raise self.error()

    def array(self) -> Expression:
        """Read `{a; b; key=c}`; an empty one is a syntax error, as on a router."""
        self.need("{")
        entries: list[tuple[Expression | None, Expression]] = []
        self.skip_lines()
        while not self.take("}"):
            entries.append(self._entry())
            self.skip_lines()
            if self.peek() in {";", ","}:
                self.at += 1
                self.skip_lines()
            elif self.peek() != "}":
                raise self.error()
        if not entries:
            raise self.error()
        return ArrayLiteral(tuple(entries))

    def _entry(self) -> tuple[Expression | None, Expression]:
        start = self.at
        key: Expression | None = None
        if self.peek() == '"':
            key = self.string()
        elif found := self.match(_WORD):
            key = Literal(found[0])
        if key is not None and self.take("="):
            self.skip_blanks()
            return key, self.expression(1)
        self.at = start
        return None, self.expression(1)


def _prefix(text: str) -> str:
    """Write `10/2` as the address with prefix the router takes it for; everything else stays."""
    first, slash, length = text.partition("/")
    if slash and "." not in first and (number := read_number(first)) is not None:
        return f"{number % 256}.0.0.0/{length}" if int(length) <= 32 else text
    return text
