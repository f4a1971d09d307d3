"""What RouterOS words mean, both ways: durations, bytes, yes/no, rate limits, and text that stays text.

Pure. The meaning comes from the field that is asked for, never from how the value looks: a password `no`,
a name `00123` or `123456` is text because passwords and names are text. Values are ValueError when they do not fit.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final

NO_MAC: Final = "00:00:00:00:00:00"  # what older versions print for "any MAC"; newer ones leave the field out

_UNITS: Final = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_LETTERS: Final = re.compile("".join(rf"(?:(\d{{1,9}}){unit})?" for unit in _UNITS) + r"(?:\d{1,9}ms)?", re.ASCII)
_CLOCK: Final = re.compile(
    r"(?:(\d{1,9})w)?(?:(\d{1,9})d)? ?(\d{1,9}):([0-5]?\d)(?::([0-5]?\d)(?:\.\d{1,9})?)?", re.ASCII
)
_RATE: Final = re.compile(r"(\d{1,15})([kMG]?)", re.ASCII)
_RATE_UNITS: Final = {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}
_WHOLE: Final = re.compile(r"\d{1,20}", re.ASCII)
_OFFSET: Final = re.compile(r"([+-])(\d{2}):?(\d{2})", re.ASCII)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_UNSENDABLE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def read_text(value: str) -> str:
    """Text as the router holds it. Only NUL is replaced, because PostgreSQL cannot store it."""
    return value.replace("\x00", "\ufffd")


def write_text(value: str) -> str:
    """Text for the router, unchanged; control characters are refused, they have no business in a name or comment."""
    if _UNSENDABLE.search(value):
        raise ValueError("control characters and lone surrogates cannot be sent to a router")
    return value


def read_duration(value: str) -> int | None:
    """Whole seconds of `1w2d3h4m5s`, `05:00:00`, `1d 02:00:00`, `300` (seconds) or `0s`; None for `none`.

    Milliseconds are cut off. Formats: MikroTik manual, scripting data types; `05:00:00` is what other products write.
    """
    if value == "none":
        return None
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    if value and (found := _LETTERS.fullmatch(value)):
        return sum(int(n or 0) * size for n, size in zip(found.groups(), _UNITS.values(), strict=True))
    if found := _CLOCK.fullmatch(value):
        weeks, days, hours, minutes, seconds = (int(n or 0) for n in found.groups())
        return weeks * 604800 + days * 86400 + hours * 3600 + minutes * 60 + seconds
    raise ValueError("not a duration")


def write_duration(seconds: int | None) -> str:
    """`1w2d3h4m5s` as RouterOS prints it; 0 is `0s`, None is `none`."""
    if seconds is None:
        return "none"
    if seconds < 0:
        raise ValueError("a duration cannot be negative")
    parts: list[str] = []
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def read_number(value: str) -> int:
    """A plain count or number of bytes; the API prints bytes without units."""
    if not _WHOLE.fullmatch(value):
        raise ValueError("not a whole number")
    return int(value)


def write_number(value: int) -> str:
    """A count or number of bytes, never negative."""
    if value < 0:
        raise ValueError("a number sent to a router cannot be negative")
    return str(int(value))


def read_flag(value: str) -> bool:
    """`true`/`false` as the API prints, `yes`/`no` as people write."""
    if value in {"true", "yes"}:
        return True
    if value in {"false", "no"}:
        return False
    raise ValueError("neither yes nor no")


def write_flag(value: bool) -> str:
    """`yes` or `no`, accepted by every version."""
    return "yes" if value else "no"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Bits per second: `up` is what the phone sends (RouterOS rx), `down` what it receives (tx).

    `burst` is the rest of the string as written (burst rates, thresholds, times, priority, minimum), "" for none.
    """

    up: int
    down: int
    burst: str = ""


def read_rate_limit(value: str) -> RateLimit:
    """`512k/1M` or `512k` (both ways), k = 1000, optionally followed by burst terms (MikroTik manual, Queues)."""
    first, *rest = value.split()
    up, slash, down = first.partition("/")
    return RateLimit(_rate(up), _rate(down if slash else up), " ".join(rest))


def write_rate_limit(rate: RateLimit) -> str:
    """`512k/1M`, in the largest unit that is exact."""
    if rate.up < 0 or rate.down < 0:
        raise ValueError("a rate cannot be negative")
    return f"{_rate_word(rate.up)}/{_rate_word(rate.down)} {rate.burst}".strip()


def same_rate_limit(one: str, other: str) -> bool:
    """Whether two rate-limit strings mean the same; spellings we cannot read are the same only letter by letter."""
    if one == other:
        return True
    try:
        return _meant(read_rate_limit(one)) == _meant(read_rate_limit(other))
    except ValueError:
        return False


def _meant(rate: RateLimit) -> tuple[object, ...]:
    """A rate limit without its spelling: burst rates and thresholds in bit/s, burst times in seconds, the rest as written."""
    readers = (_rate, _rate, read_duration)
    words = rate.burst.split()
    read = [_both(word, reader) for word, reader in zip(words, readers, strict=False)]
    return (rate.up, rate.down, *read, *words[len(readers) :])


def _both(word: str, read: Callable[[str], int | None]) -> tuple[int | None, int | None]:
    up, slash, down = word.partition("/")
    return read(up), read(down if slash else up)


def _rate(word: str) -> int:
    found = _RATE.fullmatch(word)
    if not found:
        raise ValueError("not a rate")
    return int(found[1]) * _RATE_UNITS[found[2]]


def _rate_word(bits: int) -> str:
    for unit, size in (("G", 1_000_000_000), ("M", 1_000_000), ("k", 1_000)):
        if bits and bits % size == 0:
            return f"{bits // size}{unit}"
    return str(bits)


def read_moment(day: str, clock: str, offset: str) -> datetime:
    """Router wall clock as aware UTC. `day` is `2026-07-16` or, before 7.10, `jul/16/2026`; `offset` is `+03:00`."""
    if "/" in day:
        month, number, year = day.casefold().split("/")
        if month not in _MONTHS:
            raise ValueError("not a month")
        on = date(int(year), _MONTHS.index(month) + 1, int(number))
    else:
        on = date.fromisoformat(day)
    found = _OFFSET.fullmatch(offset)
    if not found:
        raise ValueError("not an offset from UTC")
    east = timedelta(hours=int(found[2]), minutes=int(found[3]))
    zone = timezone(-east if found[1] == "-" else east)
    try:
        return datetime.combine(on, time.fromisoformat(clock), zone).astimezone(UTC)
    except OverflowError as wrong:
        raise ValueError("not a date a clock can show") from wrong


def attribute(key: str, value: str) -> str:
    """One attribute word `=key=value`; the key is ours, the value may be anyone's text."""
    return f"={key}={write_text(value)}"


def any_of(key: str, values: Iterable[str]) -> tuple[str, ...]:
    """Query words that match rows whose `key` is one of `values` (MikroTik manual, API, Queries: `?#|` is "or")."""
    asked = [f"?={key}={write_text(value)}" for value in values]
    return (*asked, *("?#|" for _ in asked[1:]))


class Row:
    """One `!re` sentence: typed reading of raw words. A missing word is the default or, without one, a ValueError."""

    __slots__ = ("_words",)

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def text(self, key: str, default: str = "") -> str:
        return read_text(self._words.get(key, default))

    def hidden_text(self, key: str) -> str | None:
        """A secret: None when the router does not show it (no group policy `sensitive`) or shows only asterisks."""
        value = self._words.get(key, "")
        return read_text(value) if value.strip("*") else None

    def mac(self, key: str) -> str:
        """Upper case with colons; "" when unset."""
        value = self.text(key).upper()
        return "" if value == NO_MAC else value

    def duration(self, key: str) -> int | None:
        """Seconds; None for unset or `none`."""
        return read_duration(self._words[key]) if self._words.get(key) else None

    def seconds(self, key: str) -> int:
        """Seconds; 0 for unset or `none`."""
        return self.duration(key) or 0

    def limit(self, key: str) -> int | None:
        """A limit where 0 means "no limit": None for unset and for 0."""
        return self.number(key) or None

    def number(self, key: str, default: int = 0) -> int:
        return read_number(self._words[key]) if self._words.get(key) else default

    def flag(self, key: str, *, default: bool = False) -> bool:
        return read_flag(self._words[key]) if self._words.get(key) else default

    def required(self, key: str) -> str:
        """Text that must be there and not be empty."""
        value = self._words.get(key)
        if not value:
            raise ValueError(f"{key} is missing")
        return read_text(value)
