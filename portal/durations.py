"""Lengths of time in words: "3 hours", "saa 3". Pure; the words come from the translation functions given.

Not for instants (dates and hours of the day) and not RouterOS's own spelling, which the router's door knows.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

NGettext = Callable[[str, str, int], str]
Gettext = Callable[[str], str]


class Unit(StrEnum):
    WEEK = "week"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"


SECONDS = {Unit.WEEK: 604_800, Unit.DAY: 86_400, Unit.HOUR: 3_600, Unit.MINUTE: 60, Unit.SECOND: 1}
# Beyond four weeks people count in days: a "30 days" package, not "4 weeks 2 days".
_LONGEST_IN_WEEKS = 28 * 86_400


class Part(NamedTuple):
    """`n` of a unit, as in "3 hours"."""

    n: int
    unit: Unit


def parts(seconds: int, *, most: int = 4) -> tuple[Part, ...]:
    """Split a length into units, largest first, skipping empty ones: 5400 → ((1, hour), (30, minute)).

    `most` keeps that many leading parts and rounds down, so a countdown never promises time that is not there.
    A length of whole weeks up to four is told in weeks. Zero is ((0, minute),). Negative lengths raise ValueError.
    """
    if seconds < 0:
        raise ValueError("a length of time is not negative")
    if 0 < seconds <= _LONGEST_IN_WEEKS and seconds % SECONDS[Unit.WEEK] == 0:
        return (Part(seconds // SECONDS[Unit.WEEK], Unit.WEEK),)
    found: list[Part] = []
    rest = seconds
    for unit in (Unit.DAY, Unit.HOUR, Unit.MINUTE, Unit.SECOND):
        n, rest = divmod(rest, SECONDS[unit])
        if n:
            found.append(Part(n, unit))
    return tuple(found[:most]) or (Part(0, Unit.MINUTE),)


def part_in_words(part: Part, ngettext: NGettext) -> str:
    """One part in the language of `ngettext`; whole phrases are translated: Swahili puts the unit first."""
    match part.unit:
        case Unit.WEEK:
            words = ngettext("%(n)d week", "%(n)d weeks", part.n)
        case Unit.DAY:
            words = ngettext("%(n)d day", "%(n)d days", part.n)
        case Unit.HOUR:
            words = ngettext("%(n)d hour", "%(n)d hours", part.n)
        case Unit.MINUTE:
            words = ngettext("%(n)d minute", "%(n)d minutes", part.n)
        case Unit.SECOND:
            words = ngettext("%(n)d second", "%(n)d seconds", part.n)
    return words % {"n": part.n}


def in_words(seconds: int, gettext: Gettext, *, ngettext: NGettext, most: int = 4) -> str:
    """ "3 hours", "1 day", "1 hour 30 minutes"; see `parts` for `most`."""
    words, *others = [part_in_words(part, ngettext) for part in parts(seconds, most=most)]
    for other in others:
        words = gettext("%(longer)s %(shorter)s") % {"longer": words, "shorter": other}
    return words
