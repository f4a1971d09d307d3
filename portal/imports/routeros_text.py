"""Reading what RouterOS writes: the text of `/export`, lengths of time, and dates in both spellings. Pure.

Spellings: MikroTik manual, "Configuration Management" (export), "Scripting" (strings: backslash escapes, two hex digits for any other
byte) and the change log of 7.10, since which dates are written 2023-06-15 instead of jun/15/2023."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "_": " ", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_HEX = re.compile(r"[0-9A-F]{2}")
_PAIR = re.compile(r"\s*(?P<name>[A-Za-z0-9.\-]+)(?P<is>=)?")
_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_PARTS = re.compile(r"(\d+)([wdhms])", re.ASCII)
_CLOCK = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?\s*(\d{1,3}):(\d{2}):(\d{2})", re.ASCII)
_OLD_DATE = re.compile(r"([A-Za-z]{3})/(\d{1,2})/(\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII)
_NEW_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST_S = 3650 * 86_400


class Added(msgspec.Struct, frozen=True):
    """One `add` or `set` of an export: its line, its menu ("/ip hotspot user") and its words."""

    line: int
    menu: str
    words: Mapping[str, str]


def added_of(text: str) -> Iterator[Added]:
    """Every `add` of an export, in order. What is no `add` is passed over; a string that never ends yields what there is of it."""
    menu = ""
    for number, line in _whole_lines(text):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if bare.startswith("/"):
            head, verb, rest = _split_menu(bare)
            if not verb:
                menu = head
                continue
            menu, bare = head, f"{verb} {rest}"
        if bare.startswith("add ") or bare == "add":
            yield Added(number, menu, _words(bare[3:]))
        elif bare.startswith("set "):
            yield Added(number, menu, _words(_after_find(bare[3:])))


def _split_menu(line: str) -> tuple[str, str, str]:
    """A menu line may have its command on it: "/ip hotspot user add name=a"."""
    for verb in ("add", "set"):
        head, found, rest = line.partition(f" {verb} ")
        if found:
            return _menu(head), verb, rest
    return _menu(line), "", ""


def _menu(text: str) -> str:
    return "/" + " ".join(text.replace("/", " ").split())


def _after_find(text: str) -> str:
    """`set [ find default=yes ] name=x`: the words after the brackets."""
    return text.split("]", 1)[1] if text.lstrip().startswith("[") and "]" in text else text


def _whole_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with those joined that a backslash at the end breaks: the next one's indent is dropped."""
    held, began = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        piece = line.lstrip() if held else line
        began = began or number
        if piece.endswith("\\") and not piece.endswith("\\\\"):
            held += piece[:-1]
            continue
        yield began, held + piece
        held, began = "", 0
    if held:
        yield began, held


def _words(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while (pair := _PAIR.match(text, at)) is not None:
        at = pair.end()
        if not pair["is"]:
            continue
        value, at = _value(text, at)
        found[pair["name"]] = value
    return found


def _value(text: str, at: int) -> tuple[str, int]:
    if not text.startswith('"', at):
        end = at
        while end < len(text) and not text[end].isspace():
            end += 1
        return text[at:end], end
    return _string(text, at + 1)


def _string(text: str, at: int) -> tuple[str, int]:
    out: list[str] = []
    while at < len(text) and text[at] != '"':
        if text[at] != "\\":
            out.append(text[at])
            at += 1
            continue
        following = text[at + 1 : at + 3]
        if _HEX.fullmatch(following):
            out.append(chr(int(following, 16)))
            at += 3
        else:
            out.append(_ESCAPES.get(following[:1], following[:1]))
            at += 2
    return _bytes_as_text("".join(out)), at + 1


def _bytes_as_text(text: str) -> str:
    """Letters beyond ASCII stand as single bytes in an export; together they are UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def length_of(text: str) -> int | None:
    """ "1w2d03:00:00", "3h", "30d", "1h30m" in seconds; 0 for "0" or "00:00:00"; None when it is no length, or beyond ten years."""
    plain = text.strip().lower()
    if not plain:
        return None
    if plain.isascii() and plain.isdigit():
        return _bounded(int(plain[:12]))
    clock = _CLOCK.fullmatch(plain)
    if clock:
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return _bounded(weeks * 604_800 + days * 86_400 + hours * 3600 + minutes * 60 + seconds)
    parts = _PARTS.findall(plain)
    if not parts or "".join(number + unit for number, unit in parts) != plain or len(parts) > len(_UNITS):
        return None
    return _bounded(sum(int(number[:12]) * _UNITS[unit] for number, unit in parts))


def _bounded(seconds: int) -> int | None:
    return seconds if seconds <= _LONGEST_S else None


def date_of(text: str) -> datetime | None:
    """ "nov/20/2026 14:30:00" or "2026-11-20 14:30:00", by the router's own clock and so without a zone; a date alone is its first
    moment. None: no date."""
    plain = text.strip()
    old, new = _OLD_DATE.fullmatch(plain), _NEW_DATE.fullmatch(plain)
    try:
        if old and old[1].lower() in _MONTHS:
            year, month, day = int(old[3]), _MONTHS.index(old[1].lower()) + 1, int(old[2])
        elif new:
            year, month, day = int(new[1]), int(new[2]), int(new[3])
        else:
            return None
        clock = old or new
        assert clock is not None
        return datetime(year, month, day, int(clock[4] or 0), int(clock[5] or 0), int(clock[6] or 0))  # noqa: DTZ001
    except ValueError:
        return None


def bytes_of(text: str) -> int | None:
    """ "1073741824", "500M", "2G" as RouterOS takes them, 1024 to the next; 0: no limit. None: no size."""
    found = re.fullmatch(r"(\d{1,18})\s*([KMGkmg]?)(?:i?[Bb])?", text.strip(), re.ASCII)
    if found is None:
        return None
    value = int(found[1]) * 1024 ** " KMG".index(found[2].upper() or " ")
    return value if value <= 1024**5 else None
