"""What the console prints: rows, properties, and values quoted as `export` writes them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_SAFE = re.compile(r"[A-Za-z0-9_./:@*+,-]+")
_NAMED = {'"': '\\"', "\\": "\\\\", "$": "\\$", "\n": "\\n", "\r": "\\r", "\t": "\\t", "?": "\\?"}


def table(rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Write items with their numbers, every property as the detailed print does."""
    lines: list[str] = []
    for number, row in enumerate(rows):
        comment = f";;; {row['comment']}\n    " if row.get("comment") else ""
        shown = " ".join(f"{name}={quoted(value)}" for name, value in row.items() if name not in {".id", "comment"})
        lines.append(f"{number:2}  {comment}{shown}")
    return lines


def properties(row: Mapping[str, str]) -> list[str]:
    """Write one set of properties, names right-aligned."""
    width = max((len(name) for name in row), default=0) + 2
    return [f"{name:>{width}}: {value}" for name, value in row.items()]


def quoted(value: str) -> str:
    """Write a value as the console reads it back: bare when it is plain, else in quotes with escapes."""
    if _SAFE.fullmatch(value):
        return value
    raw = value.encode("utf-8", "surrogateescape").decode("latin-1")
    return (
        '"'
        + "".join(_NAMED.get(char) or (char if " " <= char < "\x7f" else f"\\{ord(char):02X}") for char in raw)
        + '"'
    )


def with_ending(name: str, ending: str) -> str:
    """Give a file name the ending a command adds when it is missing."""
    return name if name.endswith(ending) else name + ending
