import gettext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.durations import SECONDS, Part, Unit, in_words, parts

ENGLISH = gettext.NullTranslations()
SWAHILI_WORDS = {
    "%(n)d hour": "saa %(n)d",
    "%(n)d day": "siku %(n)d",
    "%(n)d minute": "dakika %(n)d",
    "%(longer)s %(shorter)s": "%(longer)s na %(shorter)s",
}


class Swahili(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return SWAHILI_WORDS[message]

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return SWAHILI_WORDS[msgid1]


def english(seconds: int, most: int = 4) -> str:
    return in_words(seconds, ENGLISH.gettext, ngettext=ENGLISH.ngettext, most=most)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (10_800, "3 hours"),
        (3_600, "1 hour"),
        (86_400, "1 day"),
        (7 * 86_400, "1 week"),
        (14 * 86_400, "2 weeks"),
        (30 * 86_400, "30 days"),
        (35 * 86_400, "35 days"),
        (5_400, "1 hour 30 minutes"),
        (90_061, "1 day 1 hour 1 minute 1 second"),
        (45, "45 seconds"),
        (0, "0 minutes"),
    ],
)
def test_a_length_is_told_the_way_people_say_it(seconds: int, words: str):
    assert english(seconds) == words


def test_swahili_puts_the_unit_first():
    swahili = Swahili()
    assert in_words(10_800, swahili.gettext, ngettext=swahili.ngettext) == "saa 3"
    assert in_words(5_400, swahili.gettext, ngettext=swahili.ngettext) == "saa 1 na dakika 30"


def test_a_countdown_is_rounded_down():
    assert english(2 * 3600 + 59 * 60 + 59, most=1) == "2 hours"
    assert english(86_400 + 59, most=2) == "1 day 59 seconds"


@given(st.integers(0, 10**8))
def test_no_second_is_lost_or_promised(seconds: int):
    assert sum(part.n * SECONDS[part.unit] for part in parts(seconds, most=9)) == seconds
    for most in (1, 2, 3):
        assert sum(part.n * SECONDS[part.unit] for part in parts(seconds, most=most)) <= seconds


def test_a_negative_length_is_a_bug():
    with pytest.raises(ValueError):
        parts(-1)


def test_parts_are_structured():
    assert parts(5_400) == (Part(1, Unit.HOUR), Part(30, Unit.MINUTE))
