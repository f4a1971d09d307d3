"""`:serialize`, `:deserialize` (JSON) and `:convert`: values as text of other worlds and back. Pure.

Source: MikroTik manual, Scripting. Without `json.no-string-conversion` a string that looks like a number is written as
one (`1234.000000`), and a JSON string is read as the type it looks like: the manual's own examples. The wording of
errors is not in the manual.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import json
import urllib.parse
from collections.abc import Callable
from typing import cast

from routeros.simulator.scripting.errors import ScriptError
from routeros.simulator.scripting.values import (
    NIL,
    Absent,
    Array,
    Value,
    inward,
    outward,
    read_literal,
    read_number,
    text_of,
)

KEEP_STRINGS = "json.no-string-conversion"
_LONGEST_JSON = 1024 * 1024
_DEEPEST = 40


def write_json(value: Value, options: frozenset[str]) -> str:
    """Write a value as JSON: an array with keys as an object, without as a list."""
    gap = "\n" if "json.pretty" in options else ""
    return inward(_written(value, keep_strings=KEEP_STRINGS in options, gap=gap, depth=0))


def _written(value: Value, *, keep_strings: bool, gap: str, depth: int) -> str:
    """Write one value; `gap` is the line end and indentation that surrounds it, empty for one line."""
    if depth > _DEEPEST:
        raise ScriptError("failure: array is nested too deeply")
    if isinstance(value, Array):
        inner = f"{gap}    " if gap else ""
        parts: list[str] = []
        for key, element in value.pairs():
            text = _written(element, keep_strings=keep_strings, gap=inner, depth=depth + 1)
            parts.append(f"{_quoted(text_of(key))}:{' ' if gap else ''}{text}" if value.keyed else text)
        opening, closing = "{}" if value.keyed else "[]"
        return f"{opening}{inner}{f',{inner}'.join(parts)}{gap}{closing}"
    if isinstance(value, Absent):
        return "null"
    text = text_of(value)
    if isinstance(value, bool | int):
        return text
    if isinstance(value, str) and not keep_strings and (number := read_number(text)) is not None:
        return f"{number}.000000"
    return _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(outward(text), ensure_ascii=False)


def read_json(text: str, options: frozenset[str]) -> Value:
    """Read JSON. Raises ScriptError for what is none."""
    if len(text) > _LONGEST_JSON:
        raise ScriptError("failure: json too long")
    try:
        found = cast("object", json.loads(outward(text)))
    except (ValueError, RecursionError):
        raise ScriptError("failure: invalid json") from None
    return _typed(found, keep_strings=KEEP_STRINGS in options, depth=0)


def _typed(found: object, *, keep_strings: bool, depth: int) -> Value:  # noqa: PLR0911  (a case per type)
    if depth > _DEEPEST:
        raise ScriptError("failure: invalid json")
    if isinstance(found, dict):
        items = cast("dict[str, object]", found).items()
        return Array((), {inward(k): _typed(v, keep_strings=keep_strings, depth=depth + 1) for k, v in items})
    if isinstance(found, list):
        parts = cast("list[object]", found)
        return Array(tuple(_typed(part, keep_strings=keep_strings, depth=depth + 1) for part in parts))
    if found is None:
        return NIL
    if isinstance(found, bool):
        return found
    if isinstance(found, int | float):
        return int(found) if found == int(found) and abs(found) < 2**63 else f"{found:.6f}"
    text = inward(str(found))
    if keep_strings or "," in text or text in {"yes", "no"}:
        return text
    return read_literal(text)


def _from_bits(word: str, source: str) -> bytes:
    raw = word.encode("latin-1")
    if source == "base64":
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    if source == "base32":
        return base64.b32decode(raw + b"=" * (-len(raw) % 8))
    if source == "hex":
        return bytes.fromhex(word)
    if source == "url":
        return urllib.parse.unquote_to_bytes(raw)
    if source in {"raw", "num"}:
        return raw
    raise ScriptError("input does not match any value of from")


_WRITERS: dict[str, Callable[[bytes], str]] = {
    "raw": lambda raw: raw.decode("latin-1"),
    "hex": lambda raw: raw.hex(),
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "base32": lambda raw: base64.b32encode(raw).decode(),
    "url": lambda raw: urllib.parse.quote_from_bytes(raw, safe=""),
}
_TRANSFORMS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda raw: raw,
    "lc": bytes.lower,
    "uc": bytes.upper,
    "lcfirst": lambda raw: raw[:1].lower() + raw[1:],
    "ucfirst": lambda raw: raw[:1].upper() + raw[1:],
    "crlf": lambda raw: raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    "rot13": lambda raw: codecs.encode(raw.decode("latin-1"), "rot13").encode("latin-1"),
    "reverse": lambda raw: raw[::-1],
    "md5": lambda raw: hashlib.md5(raw).hexdigest().encode(),  # noqa: S324  (what the router offers)
    "sha512": lambda raw: hashlib.sha512(raw).hexdigest().encode(),
}


def convert(value: Value, source: str, target: str, transform: str) -> Value:
    """Do `:convert`. Raises ScriptError for unknown forms and for what is not in the form it is said to be in."""
    if source == "byte-array" and isinstance(value, Array):
        raw = bytes(int(text_of(v)) % 256 for v in value.elements())
    else:
        try:
            raw = _from_bits(text_of(value), source)
        except (ValueError, binascii.Error):
            raise ScriptError(f"failure: value is not {source}") from None
    if transform not in _TRANSFORMS:
        raise ScriptError("input does not match any value of transform")
    raw = _TRANSFORMS[transform](raw)
    if target == "byte-array":
        return Array(tuple(raw))
    if target == "num":
        number = read_number(raw.decode("latin-1"))
        return NIL if number is None else number
    if target not in _WRITERS:
        raise ScriptError("input does not match any value of to")
    return _WRITERS[target](raw)
