"""Reading the texts of a package's form, one kind of field each: what is wrong is noted by the field's name, never guessed at. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from portal.hours import ALL_DAYS
from portal.money import AmountError, parse_amount
from portal.msgid import N_

BAD_COUNT = N_("Write a whole number.")
BAD_LENGTH = N_("Write how long, as a whole number of at least 1.")
TOO_LONG = N_("That is longer than ten years.")
BAD_DATA = N_("Write how much data, for example 500 or 1.5, or leave it empty.")
BAD_SPEED = N_("Write a speed in Mbps, for example 5 or 0.5, at most 10,000, or leave it empty.")
BAD_CLOCK = N_("Write an hour like 22:00.")
BOTH_CLOCKS = N_("Write both hours, from and until.")
NO_DAY = N_("Tick at least one day.")
BAD_MOMENT = N_("Write a day and an hour, like 2027-03-31 18:00.")
WHOLE_SHILLINGS = N_("Write whole shillings: M-Pesa moves no cents.")

_WHOLE = re.compile(r"[0-9]{1,9}")
_DECIMAL = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,6})?")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])(?::00)?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::00)?")
_MOST_KBPS = 10_000_000


class Reader:
    """The form's texts, trimmed; `wrong` collects a sentence per field."""

    def __init__(self, form: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> None:
        self.typed = {name: value.strip() for name, value in form.items()}
        self.lists = lists
        self.wrong: dict[str, str] = {}

    def text(self, name: str) -> str:
        """As typed, trimmed."""
        return self.typed.get(name, "")

    def refuse(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field; the first sentence stays."""
        self.wrong.setdefault(name, sentence)

    def count(self, name: str, *, least: int, most: int, sentence: str = BAD_COUNT) -> int | None:
        """A whole number within bounds; None when empty or wrong."""
        text = self.text(name)
        if not text:
            return None
        if _WHOLE.fullmatch(text) and least <= int(text) <= most:
            return int(text)
        self.refuse(name, sentence)
        return None

    def length(self, name: str, units: Mapping[str, int], *, most_s: int) -> int | None:
        """Seconds, from a number and the unit in the field `<name>_unit`; None when empty or wrong."""
        text = self.text(name)
        if not text:
            return None
        unit = units.get(self.text(f"{name}_unit"))
        if unit is None or not _WHOLE.fullmatch(text) or int(text) < 1:
            self.refuse(name, BAD_LENGTH)
            return None
        if int(text) * unit > most_s:
            self.refuse(name, TOO_LONG)
            return None
        return int(text) * unit

    def size(self, name: str, units: Mapping[str, int], *, most: int) -> int | None:
        """Bytes, likewise; fractions of a unit are taken."""
        number, unit = self._decimal(name, BAD_DATA), units.get(self.text(f"{name}_unit"))
        if number is None:
            return None
        size = int(number * unit) if unit else 0
        if 0 < size <= most:
            return size
        self.refuse(name, BAD_DATA)
        return None

    def speed(self, name: str) -> int | None:
        """kbit/s, from Mbit/s; None when empty or wrong."""
        number = self._decimal(name, BAD_SPEED)
        if number is None:
            return None
        kbps = int(number * 1000)
        if 0 < kbps <= _MOST_KBPS:
            return kbps
        self.refuse(name, BAD_SPEED)
        return None

    def price(self, name: str, *, most: int) -> int | None:
        """Cents of whole shillings; None when empty or wrong."""
        text = self.text(name)
        if not text:
            return None
        try:
            cents = parse_amount(text)
        except AmountError as error:
            self.refuse(name, str(error))
            return None
        if cents % 100:
            self.refuse(name, WHOLE_SHILLINGS)
            return None
        if cents <= most:
            return cents
        self.refuse(name, N_("This amount is too large."))
        return None

    def days(self, name: str) -> int:
        """The days ticked, as bits; all of them when the form does not ask."""
        if name not in self.lists:
            return ALL_DAYS
        chosen = {int(day) for day in self.lists[name] if day in "0123456" and len(day) == 1}
        if not chosen:
            self.refuse(name, NO_DAY)
        return sum(1 << day for day in chosen)

    def clocks(self, first: str, last: str) -> tuple[int | None, int | None]:
        """Two minutes of the day; both None when both are empty or one is wrong."""
        begins, ends = self._clock(first), self._clock(last)
        for name, other in ((first, last), (last, first)):
            if not self.text(name) and self.text(other):
                self.refuse(name, BOTH_CLOCKS)
        return (begins, ends) if begins is not None and ends is not None else (None, None)

    def moment(self, name: str, zone: ZoneInfo) -> datetime | None:
        """A moment by the clock of a zone; None when empty or wrong."""
        text = self.text(name)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text).replace(tzinfo=zone) if _MOMENT.fullmatch(text) else None
        except ValueError:
            at = None
        if at is None or not 2000 <= at.year < 9999:
            self.refuse(name, BAD_MOMENT)
            return None
        return at

    def _decimal(self, name: str, sentence: str) -> Decimal | None:
        text = self.text(name)
        if not text:
            return None
        if _DECIMAL.fullmatch(text):
            return Decimal(text.replace(",", "."))
        self.refuse(name, sentence)
        return None

    def _clock(self, name: str) -> int | None:
        text = self.text(name)
        if not text:
            return None
        found = _CLOCK.fullmatch(text)
        if found is None:
            self.refuse(name, BAD_CLOCK)
            return None
        return int(found[1]) * 60 + int(found[2])
