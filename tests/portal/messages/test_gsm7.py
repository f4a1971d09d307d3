"""Length, parts and what makes a text dear. The limits are 3GPP TS 23.038's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import gsm7


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        ("", 0, 1),
        ("a" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("a" * 306, 306, 2),
        ("a" * 307, 307, 3),
        ("€" * 80, 160, 1),
        ("€" * 81, 162, 2),
        # 152 septets and then a character of two: it is not cut apart, so the first part holds 152.
        ("a" * 152 + "€" + "a" * 152, 306, 3),
        ("ñ" * 160, 160, 1),
    ],
)
def test_plain_text_counts_septets(text: str, units: int, parts: int) -> None:
    found = gsm7.measure(text)
    assert (found.is_gsm7, found.units, found.parts, found.dear) == (True, units, parts, "")


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        ("ş" * 70, 70, 1),
        ("ş" * 71, 71, 2),
        ("ş" * 134, 134, 2),
        ("ş" * 135, 135, 3),
        ("😀" * 35, 70, 1),
        ("😀" * 36, 72, 2),
    ],
)
def test_one_strange_letter_makes_it_all_dear(text: str, units: int, parts: int) -> None:
    found = gsm7.measure(text)
    assert (found.is_gsm7, found.units, found.parts) == (False, units, parts)
    assert found.dear == text[0]


def test_an_emoji_is_not_cut_in_half() -> None:
    assert gsm7.measure("a" * 66 + "😀" + "a" * 66).parts == 3


def test_look_alikes_become_plain() -> None:
    said = "\u201cIt\u2019s\u201d 5\u00a0KES \u2013 ok\u2026"
    assert gsm7.measure(said).parts == 1
    assert not gsm7.measure(said).is_gsm7
    assert gsm7.fold(said) == '"It\'s" 5 KES - ok...'
    assert gsm7.measure(gsm7.fold(said)).is_gsm7


@given(st.text(max_size=700))
def test_parts_hold_what_they_say(text: str) -> None:
    found = gsm7.measure(text)
    one, many = (160, 153) if found.is_gsm7 else (70, 67)
    assert found.parts == 1 if found.units <= one else found.parts >= -(-found.units // many)
    assert found.left >= 0
    assert gsm7.fold(gsm7.fold(text)) == gsm7.fold(text)
