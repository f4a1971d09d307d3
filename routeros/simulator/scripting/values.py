"""Values of the script language and how they are written, typed and compared. Pure; knows no router.

Types and their notation: MikroTik manual, Scripting, Data types. A string holds bytes, one character each (0-255), as
on a router, where `:len` counts bytes; `inward` and `outward` cross to the simulator's text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from routeros.simulator.scripting.nodes import Block

SECOND = 1_000_000_000
_UNITS = {
    "w": 604800 * SECOND,
    "d": 86400 * SECOND,
    "h": 3600 * SECOND,
    "m": 60 * SECOND,
    "s": SECOND,
    "ms": 1_000_000,
    "us": 1000,
    "ns": 1,
}
_TERM = re.compile(r"(\d+)(ms|us|ns|[wdhms])")
_TERMS = re.compile(r"(?:\d+(?:ms|us|ns|[wdhms]))+")
_CLOCK = re.compile(r"((?:\d+[wd])*)(\d+):([0-5]?\d)(?::([0-5]?\d)(?:\.(\d{1,9}))?)?")
_NUMBER = re.compile(r"-?\d+|0x[0-9A-Fa-f]+")
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_PREFIX = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}/\d{1,2}")
_IP6 = re.compile(r"(?=.*:.*:)[0-9A-Fa-f:.]+(/\d{1,3})?")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_ID = re.compile(r"\*[0-9A-Fa-f]+")


@dataclass(frozen=True, slots=True)
class Absent:
    """No value: `nothing` for what was never set, `nil` for what was looked for and not found."""

    name: str


NOTHING = Absent("nothing")
NIL = Absent("nil")


@dataclass(frozen=True, slots=True)
class ItemId:
    """An item's internal number such as `*1A`."""

    text: str


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A time in nanoseconds, possibly negative."""

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class Code:
    """A function: `do={…}` (its type reads `array`, as on a router) or what `:parse` made (`code`)."""

    body: Block
    type_name: str = "array"


@dataclass(frozen=True, slots=True)
class Array:
    """Elements without a key in their order, then those with one by its alphabet. Never changed in place."""

    items: tuple[Value, ...] = ()
    keyed: Mapping[str, Value] = field(default_factory=dict[str, "Value"])

    def __len__(self) -> int:
        return len(self.items) + len(self.keyed)

    def pairs(self) -> Iterator[tuple[Value, Value]]:
        """Give keys (numbers, then names) and elements in order."""
        yield from enumerate(self.items)
        for key in sorted(self.keyed):
            yield key, self.keyed[key]

    def elements(self) -> list[Value]:
        """Return the elements in order."""
        return [value for _, value in self.pairs()]

    def get(self, key: Value) -> Value:
        """Return one element, `nothing` when there is none."""
        if isinstance(key, int) and not isinstance(key, bool):
            found = self.elements()
            return found[key] if 0 <= key < len(found) else NOTHING
        return self.keyed.get(text_of(key), NOTHING)

    def put(self, key: Value, value: Value) -> Array:
        """Return a copy with one element changed or added."""
        if isinstance(key, int) and not isinstance(key, bool):
            if 0 <= key < len(self.items):
                return Array((*self.items[:key], value, *self.items[key + 1 :]), self.keyed)
            if 0 <= key - len(self.items) < len(self.keyed):
                return Array(self.items, {**self.keyed, sorted(self.keyed)[key - len(self.items)]: value})
            return Array((*self.items, value), self.keyed) if key == len(self) else self
        name = text_of(key)
        if value is NOTHING:
            return Array(self.items, {k: v for k, v in self.keyed.items() if k != name})
        return Array(self.items, {**self.keyed, name: value})


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Value = int | bool | str | Address | Network | ItemId | Span | Code | Array | Absent


def inward(text: str) -> str:
    """Turn the simulator's text into a script string, a character per byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def outward(text: str) -> str:
    """Turn a script string into the simulator's text."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")


def type_name(value: Value) -> str:
    """Return what `:typeof` says."""
    if isinstance(value, Absent):
        return value.name
    if isinstance(value, Code):
        return value.type_name
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    raise AssertionError(value)


_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "num"),
    (str, "str"),
    (ipaddress.IPv4Address, "ip"),
    (ipaddress.IPv6Address, "ip6"),
    (ipaddress.IPv4Network, "ip-prefix"),
    (ipaddress.IPv6Network, "ip6-prefix"),
    (ItemId, "id"),
    (Span, "time"),
    (Array, "array"),
)


def text_of(value: Value) -> str:  # noqa: PLR0911  (a case per type)
    """Return what `:put` prints: arrays joined by semicolons, times as `1d02:00:00`, nothing as nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Span):
        return format_span(value)
    if isinstance(value, Array):
        return ";".join(text_of(v) if isinstance(k, int) else f"{text_of(k)}={text_of(v)}" for k, v in value.pairs())
    if isinstance(value, ItemId):
        return value.text
    if isinstance(value, Absent):
        return ""
    return "(code)" if isinstance(value, Code) else str(value)


def format_span(value: Span) -> str:
    """Write a time as the console does: `00:05:00`, `1w2d03:04:05.5`."""
    sign, left = ("-", -value.nanoseconds) if value.nanoseconds < 0 else ("", value.nanoseconds)
    weeks, left = divmod(left, _UNITS["w"])
    days, left = divmod(left, _UNITS["d"])
    seconds, fraction = divmod(left, SECOND)
    head = (f"{weeks}w" if weeks else "") + (f"{days}d" if days else "")
    tail = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{sign}{head}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{tail}"


def read_span(text: str) -> Span | None:
    """Read `1w2d3h`, `00:05:00`, `1d02:00:00`; None for anything else. A bare number is no time."""
    if match := _CLOCK.fullmatch(text):
        total = _terms(match[1])
        total += int(match[2]) * _UNITS["h"] + int(match[3]) * _UNITS["m"] + int(match[4] or 0) * SECOND
        return Span(total + int((match[5] or "0").ljust(9, "0")))
    return Span(_terms(text)) if _TERMS.fullmatch(text) else None


def _terms(text: str) -> int:
    return sum(int(number) * _UNITS[unit] for number, unit in _TERM.findall(text))


def wrap(number: int) -> int:
    """Keep a number inside 64 bits with sign, as the router's arithmetic does."""
    return (number + 2**63) % 2**64 - 2**63


def read_number(text: str) -> int | None:
    """Read a decimal or `0x` number that fits 64 bits; None for anything else."""
    if not _NUMBER.fullmatch(text) or not text.isascii() or len(text) > 20:
        return None
    number = int(text, 0) if text.startswith("0x") else int(text)
    return number if -(2**63) <= number < 2**63 else None


def read_literal(text: str) -> Value:  # noqa: PLR0911  (a case per type)
    """Give an unquoted word its type: number, truth, id, time, address, prefix, list with commas, else string."""
    if text in {"true", "yes"}:
        return True
    if text in {"false", "no"}:
        return False
    if (number := read_number(text)) is not None:
        return number
    if _ID.fullmatch(text):
        return ItemId(text.upper())
    if (span := read_span(text)) is not None:
        return span
    if (address := read_address(text)) is not None:
        return address
    if "," in text:
        return Array(tuple(read_literal(part) for part in text.split(",")))
    return text


def read_address(text: str) -> Address | Network | None:
    """Read an address or a prefix (host bits are dropped) of either family; None for anything else."""
    if _MAC.fullmatch(text):
        return None
    try:
        if _IP.fullmatch(text):
            return ipaddress.IPv4Address(text)
        if _PREFIX.fullmatch(text):
            return ipaddress.IPv4Network(text, strict=False)
        if _IP6.fullmatch(text):
            return ipaddress.IPv6Network(text, strict=False) if "/" in text else ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return None


def array_of(values: Iterable[Value]) -> Array:
    """Make an array of elements without keys."""
    return Array(tuple(values))


def as_array(value: Value) -> Array:
    """Return an array for what may be one: itself, nothing as empty, anything else as its only element."""
    if isinstance(value, Array):
        return value
    return Array() if isinstance(value, Absent) or value == "" else Array((value,))
