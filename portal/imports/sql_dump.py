"""Rows out of a MySQL or MariaDB dump: INSERT statements of the tables asked for, columns named there or by CREATE TABLE. Pure.

Nothing is executed. Spelling: MySQL manual, "String Literals" (backslash escapes, doubled quotes) and mysqldump's output."""

import re
from collections.abc import Collection, Iterator

import msgspec

from portal.imports.letters import MOST_ROWS, TOO_MANY, refuse

_CREATE = re.compile(r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?`?(\w+)`?\s*\(", re.IGNORECASE)
_COLUMN = re.compile(r"^\s*`(\w+)`\s", re.MULTILINE)
_INSERT = re.compile(r"(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+`?(\w+)`?\s*(\([^)]*\))?\s*VALUES\s*", re.IGNORECASE)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "", "b": "", "Z": ""}
_PLAIN = re.compile(r"[^,()'\s;]+")
_STRING = re.compile(r"(?:[^'\\]|\\.|'')*", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)|''", re.DOTALL)


class Row(msgspec.Struct, frozen=True):
    """One row: its line, its table and its columns; NULL is "". `is_half`: the file ends within it."""

    line: int
    table: str
    columns: dict[str, str]
    is_half: bool = False


def is_dump(text: str) -> bool:
    """Whether it is a dump of a database."""
    return _INSERT.search(text) is not None or _CREATE.search(text) is not None


def rows_of(text: str, tables: Collection[str]) -> Iterator[Row]:
    """Rows of these tables in the dump's order. Where the file breaks off within a row, that one is told as half."""
    orders = _orders(text)
    count, line, counted = 0, 1, 0
    at = 0
    while (insert := _INSERT.search(text, at)) is not None:
        at = insert.end()
        table = insert[1].lower()
        if table not in tables:
            at = _over(text, at)
            continue
        names = re.findall(r"\w+", insert[2]) if insert[2] else orders.get(table, [])
        while at < len(text) and text[at] == "(":
            line, counted = line + text.count("\n", counted, at), at
            values, at, is_whole = _tuple(text, at + 1)
            is_half = not is_whole or len(values) != len(names)
            yield Row(line, table, dict(zip(names, values, strict=False)), is_half=is_half)
            count += 1
            if count > MOST_ROWS:
                raise refuse(TOO_MANY)
            at = _space(text, at)
            if at < len(text) and text[at] == ",":
                at = _space(text, at + 1)


def _orders(text: str) -> dict[str, list[str]]:
    """The columns of each table in its order: dumps without them in INSERT go by it."""
    found: dict[str, list[str]] = {}
    for create in _CREATE.finditer(text):
        end = text.find("\n)", create.end())
        found[create[1].lower()] = _COLUMN.findall(text[create.end() : end if end >= 0 else len(text)])
    return found


def _over(text: str, at: int) -> int:
    """Behind the statement: to the semicolon that stands in no string."""
    while at < len(text):
        if text[at] == "'":
            at = _string_end(text, at + 1) + 1
            continue
        stop = min((found for found in (text.find("'", at), text.find(";", at)) if found >= 0), default=len(text))
        if stop < len(text) and text[stop] == ";":
            return stop + 1
        at = stop
    return at


def _tuple(text: str, at: int) -> tuple[list[str], int, bool]:
    values: list[str] = []
    while at < len(text):
        at = _space(text, at)
        if at >= len(text):
            break
        if text[at] == ")":
            return values, at + 1, True
        if text[at] == ",":
            at += 1
        elif text[at] == "'":
            end = _string_end(text, at + 1)
            values.append(_ESCAPED.sub(_plain, text[at + 1 : end]))
            at = end + 1
            if end >= len(text):
                break
        else:
            word = _PLAIN.match(text, at)
            values.append("" if word is None or word[0].upper() == "NULL" else word[0])
            at = word.end() if word else at + 1
    return values, at, False


def _string_end(text: str, at: int) -> int:
    found = _STRING.match(text, at)
    return found.end() if found else len(text)


def _plain(found: re.Match[str]) -> str:
    return "'" if found[1] is None else _ESCAPES.get(found[1], found[1])


def _space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
