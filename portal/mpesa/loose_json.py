"""Reads JSON from strangers: any bytes give an object or None, any value gives a short clean text or None. Pure.

Numbers stay exact (Decimal). What comes out is safe to store: no NUL, no lone surrogates, no endless strings.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NoReturn, cast

#: Daraja's messages are below 2 KB.
MOST_BYTES = 65_536

_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")

JsonObject = Mapping[str, object]


def read_object(raw: bytes, *, most: int = MOST_BYTES) -> JsonObject | None:
    """The JSON object in `raw`; None when it is too large, cut short, too deep, not JSON, or not an object."""
    if len(raw) > most:
        return None
    try:
        found = json.loads(raw, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, ArithmeticError, RecursionError):
        # ArithmeticError: a number whose exponent not even Decimal can hold.
        return None
    return as_object(found)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def as_object(value: object) -> JsonObject | None:
    return cast("JsonObject", value) if isinstance(value, dict) else None


def inner(document: JsonObject | None, *path: str) -> JsonObject:
    """The object at `path`; an empty one when there is none, so that lookups need no checks in between."""
    for name in path:
        document = as_object((document or {}).get(name))
    return document or {}


def text(value: object, longest: int = 200) -> str:
    """A string or whole number as cleaned text, at most `longest` characters; empty for anything else."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(value)[:longest]
    if isinstance(value, Decimal):
        whole = value.is_finite() and value.adjusted() < 40 and value == value.to_integral_value()
        return str(int(value) if whole else value)[:longest]
    if isinstance(value, str):
        return _UNSTORABLE.sub(" ", value).strip()[:longest]
    return ""
