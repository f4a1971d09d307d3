"""Reading one argument's value: a bare word, a string, a variable, a group, a substitution or an array."""

from __future__ import annotations

import re

from routeros.simulator.scripting.expressions import ExpressionParser
from routeros.simulator.scripting.nodes import Expression, Literal, Substitution
from routeros.simulator.scripting.values import read_literal

_BARE = re.compile(r'[^\s"$()\[\]{};\\=]+')
_VALUE = re.compile(r'[^\s"$()\[\]{};\\]+')


class ArgumentParser(ExpressionParser):
    """Adds what stands behind `name=` or where an unnamed argument is."""

    def names(self) -> list[str]:
        """Read variable names with commas between them."""
        names = [self.name()]
        while self.take(","):
            names.append(self.name())
        return names

    def typed_value(self, *, function: bool = False) -> Expression:
        """Read a value of the language's own commands: a bare word gets the type it looks like."""
        if self.peek() == "{":
            return self.array()
        if self.peek() in {'"', "$", "(", "["}:
            return self._whole(self.primary())
        found = self.match(_VALUE if function else _BARE)
        if found is None:
            if function:
                return Literal("")
            raise self.error()
        return self._whole(Literal(read_literal(found[0])))

    def plain_value(self) -> Expression:
        """Read a value of a menu's command: a bare word stays the text it is; nothing is an empty text."""
        if self.peek() == "{":
            return self.array()
        if self.peek() in {'"', "$", "(", "["}:
            return self._whole(self.primary())
        found = self.match(_VALUE)
        return self._whole(Literal(found[0] if found else ""))

    def _whole(self, value: Expression) -> Expression:
        """Raise ScriptSyntaxError unless a value ends where it seems to: nothing may stick to it."""
        if self.peek() and self.peek() not in " \t\r\n;]})\\":
            raise self.error("expected end of command")
        if isinstance(value, Substitution) and not value.body.statements:
            raise self.error()
        return value
