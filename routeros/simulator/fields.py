"""Typed arguments: how one written value becomes the canonical text a row keeps and a print shows.

A reader gets the argument's name (for the trap text), the value, and the tables it may refer to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from routeros.simulator import traps, values


class Lookup(Protocol):
    """What a reference needs of the other tables: the names that exist in a menu."""

    def names(self, path: str) -> Iterable[str]:
        """Return the names of the rows of one menu."""
        ...


Reader = Callable[[str, str, Lookup], str]


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a menu. `default` None: absent until set. `is_clearable`: an empty value makes it absent."""

    read: Reader
    default: str | None = None
    is_secret: bool = False
    is_clearable: bool = True
    #: Path of the menu whose names this property holds: a rename there is followed, a removal leaves the item's id.
    refers_to: str | None = None


def text(_name: str, value: str, _lookup: Lookup) -> str:
    """Take any text as it is."""
    return value


def _typed(parse: Callable[[str], object]) -> Reader:
    def read(name: str, value: str, _lookup: Lookup) -> str:
        try:
            return str(parse(value))
        except ValueError:
            raise traps.invalid_value(name) from None

    return read


def _duration_text(value: str) -> str:
    return values.format_duration(values.parse_duration(value))


def _duration_or_none_text(value: str) -> str:
    return "none" if value == "none" else _duration_text(value)


def _bool_text(value: str) -> str:
    return values.format_bool(values.parse_bool(value))


def _rate_limit_text(value: str) -> str:
    values.parse_rate_pair(value)
    return value


boolean = _typed(_bool_text)
duration = _typed(_duration_text)
duration_or_none = _typed(_duration_or_none_text)
size = _typed(values.parse_size)
mac = _typed(values.parse_mac)
ip = _typed(values.parse_ip)
ip_prefix = _typed(values.parse_ip_prefix)
ip_range = _typed(values.parse_ip_range)
rate_limit = _typed(_rate_limit_text)


def number(low: int, high: int, *, words: tuple[str, ...] = ()) -> Reader:
    """Take a whole number in a range, or one of the words."""

    def read(name: str, value: str, _lookup: Lookup) -> str:
        if value in words:
            return value
        if not (value.isascii() and value.isdigit()):
            raise traps.invalid_value(name)
        if not low <= int(value) <= high:
            raise traps.Trap(f"value of {name} out of range ({low}..{high})", traps.BAD_ARGUMENT)
        return str(int(value))

    return read


def pick(name: str, value: str, options: Iterable[str]) -> str:
    """Choose as the console does: the exact word, else the only one that begins with the input."""
    known = list(dict.fromkeys(options))
    if value in known:
        return value
    close = [option for option in known if value and option.startswith(value)]
    if len(close) > 1:
        raise traps.ambiguous(name)
    if not close:
        raise traps.no_match(name)
    return close[0]


def choice(*options: str) -> Reader:
    """Take one of a fixed list of words, or a prefix of only one of them."""

    def read(name: str, value: str, _lookup: Lookup) -> str:
        return pick(name, value, options)

    return read


def choices(*options: str) -> Reader:
    """Take a comma list of words of a fixed list; printed in the list's own order."""

    def read(name: str, value: str, _lookup: Lookup) -> str:
        wanted = {pick(name, word.strip(), options) for word in value.split(",") if word.strip()}
        return ",".join(option for option in options if option in wanted)

    return read


def policies(*options: str) -> Reader:
    """Take a comma list of policies, `!x` for the ones refused; those not named are refused. Printed in full."""

    def read(name: str, value: str, _lookup: Lookup) -> str:
        granted: set[str] = set()
        for word in value.split(","):
            policy = pick(name, word.strip().removeprefix("!"), options)
            granted.discard(policy) if word.strip().startswith("!") else granted.add(policy)
        return ",".join([p for p in options if p in granted] + [f"!{p}" for p in options if p not in granted])

    return read


def reference(path: str, *words: str) -> Reader:
    """Take the name of a row of another menu, or one of the words."""

    def read(name: str, value: str, lookup: Lookup) -> str:
        if value in words:
            return value
        return pick(name, value, [*words, *lookup.names(path)])

    return read
