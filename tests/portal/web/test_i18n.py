"""Languages: the catalogues are complete and compiled, the choice is right, and days read as people say them."""

import re
from datetime import date

import pytest

from portal import catalogues, i18n


@pytest.mark.parametrize("code", list(catalogues.translated()))
def test_every_message_in_use_is_translated(code: str) -> None:
    assert catalogues.missing(code) == []


@pytest.mark.parametrize("code", list(catalogues.translated()))
def test_the_compiled_catalogue_is_the_written_one(code: str) -> None:
    assert catalogues.po_path(code).with_suffix(".mo").read_bytes() == catalogues.compiled(code)


@pytest.mark.parametrize("code", list(catalogues.translated()))
def test_translations_fill_in_what_the_message_fills_in(code: str) -> None:
    def blanks(text: str) -> set[str]:
        return set(re.findall(r"%\((\w+)\)[sd]", text))

    for message in catalogues.read(code):
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        targets = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        for form, target in enumerate(targets) if message.id else ():
            # "One device" needs no number, in no language.
            assert blanks(target) == blanks(sources[0 if form == 0 else -1]), message.id
            assert target == target.strip() or sources[-1] != sources[-1].strip(), message.id


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({}, "en"),
        ({"asked": "sw"}, "sw"),
        ({"asked": "sw", "stored": "en", "accept": "en"}, "sw"),
        ({"asked": "xx", "stored": "sw"}, "sw"),
        ({"stored": "sw", "accept": "en-GB,en;q=0.9"}, "sw"),
        ({"accept": "sw-KE,sw;q=0.9,en;q=0.8", "fallback": "en"}, "sw"),
        ({"accept": "en;q=0.4, sw;q=0.8"}, "sw"),
        ({"accept": "fr-FR, de;q=0.9", "fallback": "sw"}, "sw"),
        ({"accept": "sw;q=0, en;q=0.1", "fallback": "sw"}, "en"),
        ({"accept": "sw;q=nonsense", "fallback": "en"}, "en"),
        ({"accept": ";;,,;q=,", "fallback": "sw"}, "sw"),
        ({"asked": "../../etc", "fallback": "sw"}, "sw"),
        ({"fallback": "xx"}, "en"),
    ],
)
def test_the_language_is_asked_stored_wished_or_the_merchants(wishes: dict[str, str], code: str) -> None:
    assert i18n.choose(**wishes).code == code


def test_days_are_said_in_the_language() -> None:
    day = date(2026, 5, 1)
    assert i18n.language("en").day(day) == "Friday 1 May"
    assert i18n.language("sw").day(day) == "Ijumaa 1 Mei"
    assert i18n.language("sw").short_day(date(2026, 12, 24)) == "24\u00a0Des"


@pytest.mark.parametrize(
    ("seconds", "english", "swahili"),
    [(0, "1 min", "dak 1"), (1139, "18 min", "dak 18"), (7300, "2 h", "saa 2"), (200_000, "2 d", "siku 2")],
)
def test_short_lengths_fit_a_badge(seconds: int, english: str, swahili: str) -> None:
    assert i18n.language("en").short_length(seconds).replace("\u00a0", " ") == english
    assert i18n.language("sw").short_length(seconds).replace("\u00a0", " ") == swahili


def test_messages_with_parameters_are_translated_first_and_filled_in_after() -> None:
    assert i18n.language("sw").say("Reference %(reference)s", {"reference": "ab-1"}) == "Kumbukumbu ab-1"


def test_speaking_ends_with_its_block() -> None:
    with i18n.speaking(i18n.language("sw")):
        assert i18n.current().code == "sw"
    assert i18n.current().code == "en"
