"""The commands of the language that only compute: lengths, parts, conversions, random values, names.

Source: MikroTik manual, Scripting, Global commands. A conversion that cannot be done gives `nil`.
"""

from __future__ import annotations

import ipaddress
import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from routeros.simulator.scripting import encodings, operators
from routeros.simulator.scripting.errors import LimitError, ScriptError
from routeros.simulator.scripting.values import (
    NIL,
    NOTHING,
    SECOND,
    Absent,
    Array,
    ItemId,
    Span,
    Value,
    as_array,
    inward,
    outward,
    read_address,
    read_number,
    read_span,
    text_of,
    type_name,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_LIST = 100_000
Given = dict[str, Value]


def unresolvable(_name: str) -> str | None:
    """Serve as the resolver of a router without DNS."""
    return None


@dataclass(slots=True)
class Functions:
    """What computing needs of its router: the wall clock, chance with a seed, a resolver (name to address or None)."""

    now: Callable[[], datetime]
    chance: random.Random
    resolve: Callable[[str], str | None] = unresolvable
    _table: dict[str, Callable[[Given], Value]] = field(init=False)

    def __post_init__(self) -> None:
        self._table = {
            **_PURE,
            "timestamp": lambda _given: Span(int((self.now() - _EPOCH).total_seconds() * SECOND)),
            "rndnum": self._rndnum,
            "rndstr": self._rndstr,
            "resolve": self._resolve,
        }

    def run(self, verb: str, given: Given) -> Value:
        """Run one command. Raises ScriptError."""
        if verb not in self._table:
            raise ScriptError(f"failure: the simulator does not act on :{verb}")
        return self._table[verb](given)

    def _rndnum(self, given: Given) -> Value:
        low, high = number_of(given.get("from", 0)), number_of(given.get("to", 4294967295))
        if low > high:
            raise ScriptError("invalid value for argument to")
        return self.chance.randint(low, high)

    def _rndstr(self, given: Given) -> Value:
        letters = text_of(given.get("from", string.ascii_letters + string.digits))
        length = number_of(given.get("length", 16))
        if not letters or not 0 <= length <= 65535:
            raise ScriptError("invalid value for argument length")
        return "".join(self.chance.choices(letters, k=length))

    def _resolve(self, given: Given) -> Value:
        name = given.get("domain-name", NOTHING)
        if isinstance(name, ipaddress.IPv4Address | ipaddress.IPv6Address):
            return name
        found = read_address(text_of(name)) or read_address(self.resolve(outward(text_of(name))) or "")
        if found is None:
            raise ScriptError("failure: dns name does not exist")
        return found


def number_of(value: Value) -> int:
    """Return a number or raise ScriptError."""
    found = _tonum({"value": value})
    if not isinstance(found, int):
        raise ScriptError(f"cannot use {type_name(value)} as number")
    return found


def span_of(value: Value) -> Span:
    """Return a time; a number means seconds. Raises ScriptError."""
    found = _totime({"value": value})
    if not isinstance(found, Span):
        raise ScriptError("invalid time value")
    return found


def _value(given: Given) -> Value:
    return given.get("value", NOTHING)


def _len(given: Given) -> Value:
    value = _value(given)
    return len(value) if isinstance(value, Array) else len(text_of(value))


def _pick(given: Given) -> Value:
    source = given.get("in", NOTHING)
    begin = 0 if isinstance(given.get("begin", 0), Absent) else max(0, number_of(given.get("begin", 0)))
    has_end = "end" in given
    end = given.get("end", NOTHING)
    stop = begin + 1 if not has_end else None if isinstance(end, Absent) else max(begin, number_of(end))
    if isinstance(source, Array):
        found = source.elements()[begin:stop]
        if has_end:
            return Array(tuple(found))
        return found[0] if found else NOTHING
    text = text_of(source)[begin:stop]
    return text if text or has_end else NIL


def _find(given: Given) -> Value:
    source, key = given.get("in", NOTHING), given.get("key", NOTHING)
    start = 0 if isinstance(given.get("from", NIL), Absent) else number_of(given["from"]) + 1
    if isinstance(source, Array):
        for at, element in enumerate(source.elements()):
            if at >= start and operators.equal(element, key):
                return at
        return NIL
    at = text_of(source).find(text_of(key), max(0, start))
    return at if at >= 0 else NIL


def _tonum(given: Given) -> Value:
    value = _value(given)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, ipaddress.IPv4Address):
        return int(value)
    if isinstance(value, Span):
        return value.nanoseconds // SECOND
    found = read_number(text_of(value).strip()) if isinstance(value, str) else None
    return NIL if found is None else found


def _totime(given: Given) -> Value:
    value = _value(given)
    if isinstance(value, Span):
        return value
    if isinstance(value, str) and (found := read_span(value.strip())) is not None:
        return found
    number = _tonum(given) if not isinstance(value, bool) else NIL
    return Span(number * SECOND) if isinstance(number, int) else NIL


def _tobool(given: Given) -> Value:
    value = _value(given)
    if isinstance(value, int):
        return bool(value)
    return {"true": True, "yes": True, "false": False, "no": False}.get(text_of(value), NIL)


def _toip(given: Given) -> Value:
    value = _value(given)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32:
        return ipaddress.IPv4Address(value)
    found = read_address(text_of(value))
    return found if isinstance(found, ipaddress.IPv4Address) else NIL


def _toip6(given: Given) -> Value:
    found = read_address(text_of(_value(given)))
    return found if isinstance(found, ipaddress.IPv6Address) else NIL


def _toid(given: Given) -> Value:
    value = _value(given)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return ItemId(f"*{value:X}")
    text = text_of(value)
    is_id = text.startswith("*") and len(text) > 1 and not text[1:].strip(string.hexdigits)
    return ItemId(text.upper()) if is_id else NIL


def _toarray(given: Given) -> Value:
    value = _value(given)
    if isinstance(value, str) and value:
        return Array(tuple(value.split(text_of(given.get("delimiter", ",")) or ",")))
    return as_array(value)


def _range(given: Given) -> Value:
    low, high = number_of(given.get("from", 0)), number_of(given.get("to", 0))
    if abs(high - low) >= _LONGEST_LIST:
        raise LimitError("script ran out of memory")
    return Array(tuple(range(low, high + 1) if low <= high else range(low, high - 1, -1)))


def _lines(ending: str) -> Callable[[Given], Value]:
    def change(given: Given) -> Value:
        text = text_of(_value(given)).replace("\r\n", "\n")
        return operators.checked(text.replace("\n", ending))

    return change


def _tonsec(given: Given) -> Value:
    found = _totime(given)
    return found.nanoseconds if isinstance(found, Span) else NIL


def _options(given: Given) -> frozenset[str]:
    return frozenset(part for value in as_array(given.get("options", NOTHING)).elements() for part in [text_of(value)])


def _serialize(given: Given) -> Value:
    form = text_of(given.get("to", NOTHING))
    if form == "json":
        return operators.checked(encodings.write_json(_value(given), _options(given)))
    raise ScriptError(f"failure: the simulator does not serialize to {form or 'nothing'}")


def _deserialize(given: Given) -> Value:
    form = text_of(given.get("from", NOTHING))
    if form == "json":
        return encodings.read_json(text_of(_value(given)), _options(given))
    raise ScriptError(f"failure: the simulator does not deserialize from {form or 'nothing'}")


def _convert(given: Given) -> Value:
    source, target = text_of(given.get("from", "raw")), text_of(given.get("to", "raw"))
    return encodings.convert(_value(given), source, target, text_of(given.get("transform", "none")))


_PURE: dict[str, Callable[[Given], Value]] = {
    "beep": lambda _given: NOTHING,
    "nothing": lambda _given: NOTHING,
    "len": _len,
    "pick": _pick,
    "find": _find,
    "tonum": _tonum,
    "totime": _totime,
    "tobool": _tobool,
    "tostr": lambda given: text_of(_value(given)),
    "toip": _toip,
    "toip6": _toip6,
    "toid": _toid,
    "toarray": _toarray,
    "tonsec": _tonsec,
    "tocrlf": _lines("\r\n"),
    "tolf": _lines("\n"),
    "range": _range,
    "typeof": lambda given: inward(type_name(_value(given))),
    "serialize": _serialize,
    "deserialize": _deserialize,
    "convert": _convert,
}
