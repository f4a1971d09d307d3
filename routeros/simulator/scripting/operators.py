"""What the operators of the script language do with each pair of types. Pure.

Operators: MikroTik manual, Scripting, Operators. Numbers are 64-bit with sign and wrap; division cuts towards zero.
Comparing or adding types that do not go together is an error, as on a router (wording from field reports).
"""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable

from routeros.simulator.scripting.errors import LimitError, ScriptError
from routeros.simulator.scripting.values import (
    SECOND,
    Absent,
    Address,
    Array,
    ItemId,
    Network,
    Span,
    Value,
    as_array,
    read_number,
    read_span,
    text_of,
    type_name,
    wrap,
)

LONGEST = 4 * 1024 * 1024
_NAMES = {"num": "integer number", "str": "string", "bool": "boolean", "time": "time interval", "ip": "ip address"}
_VERBS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "divide"}
_POSIX = {
    "digit": "0-9",
    "alpha": "A-Za-z",
    "alnum": "A-Za-z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "xdigit": "0-9A-Fa-f",
    "punct": r"!-/:-@\[-`{-~",
    "blank": r" \t",
}
_ORDERS: dict[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0,
    ">": lambda sign: sign > 0,
    "<=": lambda sign: sign <= 0,
    ">=": lambda sign: sign >= 0,
}


def _said(value: Value) -> str:
    return _NAMES.get(type_name(value), type_name(value))


def is_number(value: Value) -> bool:
    """Say whether a value is a number; truth values are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def truth(value: Value) -> bool:
    """Return a condition's truth. Raises ScriptError for anything but a boolean."""
    if isinstance(value, bool):
        return value
    if value in ("true", "yes"):
        return True
    if value in ("false", "no"):
        return False
    raise ScriptError("conditional not boolean")


def binary(sign: str, left: Value, right: Value) -> Value:
    """Apply an operator to two values. Raises ScriptError."""
    if sign in _VERBS:
        return _arithmetic(sign, left, right)
    if sign in _SIMPLE:
        return _SIMPLE[sign](left, right)
    if sign in _ORDERS:
        return _ordered(sign, left, right)
    return _bitwise(sign, left, right)


def unary(sign: str, value: Value) -> Value:
    """Apply an operator to one value. Raises ScriptError."""
    if sign == "!":
        return not truth(value)
    if sign == "~":
        if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address):
            return _address(type(value), int(value) ^ _mask(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return ~value
        raise ScriptError(f"cannot invert {_said(value)}")
    if isinstance(value, Span):
        return Span(wrap(-value.nanoseconds))
    if (number := _as_number(value)) is not None:
        return wrap(-number)
    raise ScriptError(f"cannot negate {_said(value)}")


def _as_number(value: Value) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return read_number(value) if isinstance(value, str) else None


def _as_span(value: Value) -> Span | None:
    if isinstance(value, Span):
        return value
    if isinstance(value, str):
        return read_span(value)
    return Span(wrap(value * SECOND)) if isinstance(value, int) and not isinstance(value, bool) else None


def _arithmetic(sign: str, left: Value, right: Value) -> Value:
    a, b = _as_number(left), _as_number(right)
    if a is not None and b is not None:
        return _numbers(sign, a, b)
    if (found := _times(sign, left, right)) is not None:
        return found
    if isinstance(left, ipaddress.IPv4Address) and sign in "+-":
        if b is not None:
            return _address(type(left), int(left) + (b if sign == "+" else -b))
        if isinstance(right, ipaddress.IPv4Address) and sign == "-":
            return int(left) - int(right)
    raise ScriptError(f"cannot {_VERBS[sign]} {_said(left)} {'by' if sign in '*/%' else 'to'} {_said(right)}")


def _numbers(sign: str, a: int, b: int) -> int:
    if sign in "/%":
        if b == 0:
            raise ScriptError("divide by zero")
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return wrap(quotient) if sign == "/" else a - b * quotient
    return wrap(a + b if sign == "+" else a - b if sign == "-" else a * b)


def _times(sign: str, left: Value, right: Value) -> Value | None:
    """Do arithmetic where at least one side is a time; None when the types do not go together."""
    if not isinstance(left, Span) and not isinstance(right, Span):
        return None
    a, b = _as_span(left), _as_span(right)
    if sign in "+-" and a is not None and b is not None:
        return Span(wrap(a.nanoseconds + b.nanoseconds if sign == "+" else a.nanoseconds - b.nanoseconds))
    number = _as_number(right)
    if sign == "*":
        number = _as_number(left) if number is None else number
        span = left if isinstance(left, Span) else right
        return Span(wrap(span.nanoseconds * number)) if number is not None and isinstance(span, Span) else None
    if sign in "/%" and isinstance(left, Span):
        if number is not None:
            return Span(_numbers(sign, left.nanoseconds, number))
        if isinstance(right, Span):
            found = _numbers(sign, left.nanoseconds, right.nanoseconds)
            return found if sign == "/" else Span(found)
    return None


def equal(left: Value, right: Value) -> bool:
    """Compare as `=` does: different types are compared as text when one of them is a string."""
    if isinstance(left, Absent) or isinstance(right, Absent):
        return (isinstance(left, Absent) or left == "") and (isinstance(right, Absent) or right == "")
    if type(left) is type(right):
        return left == right
    if isinstance(left, bool) or isinstance(right, bool):
        try:
            return truth(left) == truth(right)
        except ScriptError:
            return False
    if isinstance(left, Span) or isinstance(right, Span):
        a, b = _as_span(left), _as_span(right)
        return a is not None and a == b
    return text_of(left) == text_of(right)


def _ordered(sign: str, left: Value, right: Value) -> bool:
    if isinstance(left, Absent) or isinstance(right, Absent):
        return False
    if isinstance(left, str) and isinstance(right, str):
        return _ORDERS[sign]((left > right) - (left < right))
    a, b = _as_number(left), _as_number(right)
    if a is None or b is None:
        a, b = _rank(left, right), _rank(right, left)
    if a is None or b is None:
        words = "less" if "<" in sign else "more"
        raise ScriptError(f"cannot compare if {_said(left)} is {words} than {_said(right)}")
    return _ORDERS[sign](a - b)


def _rank(value: Value, other: Value) -> int | None:
    """Return where a value stands among others of its kind; None when it cannot be compared with the other."""
    if isinstance(value, Span) or isinstance(other, Span):
        span = _as_span(value)
        return None if span is None else span.nanoseconds
    if type(value) is not type(other):
        return None
    if isinstance(value, ItemId):
        return int(value.text[1:], 16)
    return int(value) if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address) else None


def join(left: Value, right: Value) -> Value:
    """Concatenate as `.` does: an array takes the other side to each of its elements."""
    if isinstance(left, Array):
        return Array(tuple(join(v, right) for v in left.items), {k: join(v, right) for k, v in left.keyed.items()})
    if isinstance(right, Array):
        return Array(tuple(join(left, v) for v in right.items), {k: join(left, v) for k, v in right.keyed.items()})
    return checked(text_of(left) + text_of(right))


def checked(text: str) -> str:
    """Return a string that is not longer than the simulator grants. Raises LimitError."""
    if len(text) > LONGEST:
        raise LimitError("script ran out of memory")
    return text


def _listed(left: Value, right: Value) -> Array:
    first = left if isinstance(left, Array) else Array((left,))
    second = right if isinstance(right, Array) else Array((right,))
    if len(first) + len(second) > 100_000:
        raise LimitError("script ran out of memory")
    return Array((*first.items, *second.items), {**first.keyed, **second.keyed})


def matches(subject: Value, pattern: Value) -> bool:
    """Match as `~` does, POSIX extended, anywhere in the text; an array matches when one element does."""
    if isinstance(subject, Array):
        return any(matches(value, pattern) for value in subject.elements())
    posix = re.sub(r"\[:(\w+):\]", lambda m: _POSIX.get(m[1], m[0]), text_of(pattern))
    try:
        return re.search(posix, text_of(subject)) is not None
    except (re.error, RecursionError):
        raise ScriptError("invalid regular expression") from None


def _within(left: Value, right: Value) -> bool:
    if isinstance(right, ipaddress.IPv4Network | ipaddress.IPv6Network):
        if isinstance(left, ipaddress.IPv4Address | ipaddress.IPv6Address):
            return left in right
        if isinstance(left, ipaddress.IPv4Network) and isinstance(right, ipaddress.IPv4Network):
            return left.subnet_of(right)
        if isinstance(left, ipaddress.IPv6Network) and isinstance(right, ipaddress.IPv6Network):
            return left.subnet_of(right)
        return False
    return any(equal(left, value) for value in as_array(right).elements())


def _element(left: Value, right: Value) -> Value:
    return left.get(right) if isinstance(left, Array) else Absent("nothing")


_SIMPLE: dict[str, Callable[[Value, Value], Value]] = {
    "=": equal,
    "!=": lambda a, b: not equal(a, b),
    ".": join,
    ",": _listed,
    "~": matches,
    "in": _within,
    "->": _element,
}
_BITS: dict[str, Callable[[int, int], int]] = {
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": lambda a, b: a << min(b, 64),
    ">>": lambda a, b: a >> min(b, 64),
}


def _bitwise(sign: str, left: Value, right: Value) -> Value:
    a, b = _as_number(left), _as_number(right)
    if a is not None and b is not None:
        if sign in ("<<", ">>") and b < 0:
            raise ScriptError("cannot shift by negative amount")
        return wrap(_BITS[sign](a, b))
    if isinstance(left, ipaddress.IPv4Address | ipaddress.IPv6Address):
        if sign in ("<<", ">>") and b is not None and b >= 0 and isinstance(left, ipaddress.IPv4Address):
            return _address(type(left), _BITS[sign](int(left), b))
        if sign in "&|^" and type(left) is type(right):
            assert isinstance(right, ipaddress.IPv4Address | ipaddress.IPv6Address)
            return _address(type(left), _BITS[sign](int(left), int(right)))
    raise ScriptError(f"cannot do bitwise operation on {_said(left)} and {_said(right)}")


def _mask(value: Address | Network) -> int:
    return (1 << value.max_prefixlen) - 1


def _address(kind: type[Address], number: int) -> Address:
    bits = 32 if kind is ipaddress.IPv4Address else 128
    return kind(number % (1 << bits))
