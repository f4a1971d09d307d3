"""Reading script text character by character: blanks, comments, line joining, words, and where an error is.

Rules: MikroTik manual, Scripting, Line structure.
"""

from __future__ import annotations

import re

from routeros.simulator.scripting.errors import ScriptSyntaxError

_BLANKS = re.compile(r"(?:[ \t]|\\\r?\n|\\\r)*")
_SPACE = re.compile(r"(?:[ \t\r\n;]|\\\r?\n|#[^\r\n]*)*")
_MULTILINE = re.compile(r"(?:[ \t\r\n]|\\\r?\n|#[^\r\n]*)*")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_NAME = re.compile(r"[A-Za-z0-9]+")
ENDS = frozenset(";\n\r]})")


class Scanner:
    """A place in a text. `line` of the first line counts from `first_line`."""

    def __init__(self, text: str, *, first_line: int = 1) -> None:
        self.text = text
        self.at = 0
        self.first_line = first_line

    def peek(self, length: int = 1) -> str:
        """Return the next characters without taking them; empty at the end."""
        return self.text[self.at : self.at + length]

    def take(self, expected: str) -> bool:
        """Take exactly this text if it comes next."""
        if self.text.startswith(expected, self.at):
            self.at += len(expected)
            return True
        return False

    def need(self, expected: str) -> None:
        """Take exactly this text. Raises ScriptSyntaxError when something else comes."""
        if not self.take(expected):
            raise self.error()

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what a pattern matches here."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def skip_blanks(self) -> None:
        """Pass over spaces, tabs and joined lines."""
        self.match(_BLANKS)

    def skip_separators(self) -> None:
        """Pass over everything between two statements: blanks, line ends, semicolons, comments."""
        self.match(_SPACE)

    def skip_lines(self) -> None:
        """Pass over blanks, line ends and comments, as inside the braces of an array."""
        self.match(_MULTILINE)

    def word(self) -> str:
        """Take a word of a command or menu; empty when none comes."""
        found = self.match(_WORD)
        return found[0] if found else ""

    def name(self) -> str:
        """Take a variable's name: letters and digits; empty when none comes."""
        found = self.match(_NAME)
        return found[0] if found else ""

    def is_at_end(self) -> bool:
        """Say whether the command ends here; a comment ends it too."""
        return self.at >= len(self.text) or self.text[self.at] in ENDS or self.text[self.at] == "#"

    def line(self, at: int | None = None) -> int:
        """Return the number of a line."""
        return self.first_line + _lines_before(self.text, self.at if at is None else at)

    def error(self, words: str = "syntax error", at: int | None = None) -> ScriptSyntaxError:
        """Build an error that names the place."""
        where = self.at if at is None else at
        start = max(self.text.rfind("\n", 0, where), self.text.rfind("\r", 0, where)) + 1
        return ScriptSyntaxError(words, self.line(where), where - start + 1)


def _lines_before(text: str, at: int) -> int:
    return text.count("\n", 0, at) + (text.count("\r", 0, at) - text.count("\r\n", 0, at))


def is_complete(text: str) -> bool:
    """Say whether a terminal would run this text at the end of its line, or wait for more."""
    depth, at, in_string = 0, 0, False
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
            if at >= len(text.rstrip("\r\n")):
                return False
        elif in_string:
            in_string = char != '"'
        elif char == '"':
            in_string = True
        elif char == "#" and not text[:at].rpartition("\n")[2].strip(" \t;{}()"):
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
            continue
        elif char in "{[(":
            depth += 1
        elif char in "}])":
            depth -= 1
        at += 1
    return depth <= 0 and not in_string
