"""Languages: which one a page speaks, its words, its dates. The words live in `locale/<code>/LC_MESSAGES/vocha.po`.

The language of the page being rendered stands in a context variable: macros and filters need no argument for it.
Extracting and compiling the catalogues: portal.catalogues (`python -m portal.i18n extract|compile`).
"""

import gettext as gettext_module
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from importlib import import_module
from pathlib import Path

from portal.msgid import N_

FOLDER = Path(__file__).parent / "locale"
DOMAIN = "vocha"
#: The language the code itself is written in; it needs no catalogue.
SOURCE = "en"
#: What the others call themselves, so that everybody finds their own.
NAMES: Mapping[str, str] = {"en": "English", "sw": "Kiswahili"}
_MAX_HEADER = 200

WEEKDAYS = (N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday"))
SHORT_WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
MONTHS = (
    N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June"),
    N_("July"), N_("August"), N_("September"), N_("October"), N_("November"), N_("December"),
)  # fmt: skip
SHORT_MONTHS = (
    N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"),
    N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec"),
)  # fmt: skip


class Language:
    """One language: its code, its words, and how it writes days and hours."""

    __slots__ = ("_words", "code", "name")

    def __init__(self, code: str) -> None:
        self.code = code
        self.name = NAMES[code]
        self._words: gettext_module.NullTranslations = (
            gettext_module.NullTranslations()
            if code == SOURCE
            else gettext_module.translation(DOMAIN, FOLDER, languages=[code])
        )

    def gettext(self, message: str) -> str:
        """The message in this language; the message itself when the catalogue lacks it."""
        return self._words.gettext(message)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """The form of the message that goes with `n`."""
        return self._words.ngettext(singular, plural, n)

    def say(self, message: str, params: Mapping[str, object] | None = None) -> str:
        """Translate, then fill in: for messages that travel with their parameters, such as errors."""
        words = self.gettext(message)
        return words % dict(params) if params else words

    def day(self, on: date) -> str:
        """ "Friday 20 November", without the year."""
        return self.gettext("%(weekday)s %(day)d %(month)s") % {
            "weekday": self.gettext(WEEKDAYS[on.weekday()]),
            "day": on.day,
            "month": self.gettext(MONTHS[on.month - 1]),
        }

    def short_day(self, on: date) -> str:
        """ "20 Nov", held together by a no-break space."""
        return f"{on.day}\u00a0{self.gettext(SHORT_MONTHS[on.month - 1])}"

    def month(self, on: date) -> str:
        """ "Nov 2026"."""
        return f"{self.gettext(SHORT_MONTHS[on.month - 1])}\u00a0{on.year}"

    def weekday(self, on: date) -> str:
        """ "Friday"."""
        return self.gettext(WEEKDAYS[on.weekday()])

    def short_weekday(self, on: date) -> str:
        """ "Fri"."""
        return self.gettext(SHORT_WEEKDAYS[on.weekday()])

    def short_length(self, seconds: int) -> str:
        """ "18 min", "3 h", "2 d": one unit, rounded down, at least a minute."""
        if seconds >= 86_400:
            words = self.gettext("%(n)d d") % {"n": seconds // 86_400}
        elif seconds >= 3_600:
            words = self.gettext("%(n)d h") % {"n": seconds // 3_600}
        else:
            words = self.gettext("%(n)d min") % {"n": max(1, seconds // 60)}
        return words.replace(" ", "\u00a0")

    def clock(self, at: datetime) -> str:
        """ "14:12"; the moment must already be in the zone of whoever reads it."""
        return f"{at:%H:%M}"


_LANGUAGES: dict[str, Language] = {}


def language(code: str) -> Language:
    """The language with this code; KeyError for one we do not speak."""
    if code not in _LANGUAGES:
        _LANGUAGES[code] = Language(code)
    return _LANGUAGES[code]


def choose(
    *, asked: str | None = None, stored: str | None = None, accept: str = "", fallback: str = SOURCE
) -> Language:
    """The language to speak: what the address asks for (`?l=`), else what was chosen before, else the browser's wish
    (Accept-Language), else `fallback`, the merchant's. What we do not speak is passed over."""
    for wish in (asked, stored, *_wishes(accept), fallback):
        if wish is not None and wish in NAMES:
            return language(wish)
    return language(SOURCE)


def _wishes(accept: str) -> list[str]:
    weighted: list[tuple[float, str]] = []
    for part in accept[:_MAX_HEADER].split(","):
        tag, _, rest = part.partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighted.append((weight, tag.strip().partition("-")[0].lower()))
    return [tag for _, tag in sorted(weighted, key=lambda wish: -wish[0])]


_speaking: ContextVar[Language | None] = ContextVar("language", default=None)


@contextmanager
def speaking(chosen: Language) -> Generator[Language]:
    """Everything rendered inside speaks `chosen`."""
    token = _speaking.set(chosen)
    try:
        yield chosen
    finally:
        _speaking.reset(token)


def current() -> Language:
    """The language being spoken; English outside of any page."""
    return _speaking.get() or language(SOURCE)


if __name__ == "__main__":
    # Babel is installed for developers only, so nothing but this command may import it.
    sys.exit(import_module("portal.catalogues").main(sys.argv[1:]))
