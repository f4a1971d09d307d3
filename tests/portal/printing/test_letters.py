"""Text in the order of the eye: Arabic joined and turned, numbers and Latin left alone, what has no picture shown as a square."""

import pytest

from portal.printing import letters

ALL = range(0x20, 0x1FFFF)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Kilimani Corner", "Kilimani Corner"),
        ("سلام", "\ufee1\ufefc\ufeb3"),  # meem, lam-alef joined from before, seen at the beginning
        ("ابن", "\ufee6\ufe91\ufe8d"),  # alef joins nothing after it
        ("سلام 24", "24 \ufee1\ufefc\ufeb3"),
        ("Wi-Fi سلام", "Wi-Fi \ufee1\ufefc\ufeb3"),
        ("(سلام)", "(\ufee1\ufefc\ufeb3)"),
        ("שלום", "םולש"),
    ],
)
def test_letters_are_laid_as_they_are_read(text: str, seen: str) -> None:
    assert letters.laid(text, ALL) == seen


def test_a_font_without_a_form_keeps_the_letter() -> None:
    assert letters.laid("اب", {0x627, 0x628}) == "\u0628\u0627"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u0000b\u202ec\u200d", "abc"),
        ("Mama  \n Njeri", "Mama Njeri"),
        ("e\u0301", "é"),
        ("中文 x", "□ x"),
        ("👩‍👩‍👧 x", "□ x"),
    ],
)
def test_what_cannot_be_printed_is_seen_to_be_missing(text: str, seen: str) -> None:
    assert letters.tidy(text, range(0x20, 0x250)) == seen


def test_lines_break_between_words_and_the_last_is_cut() -> None:
    assert letters.lines("one two three four", 8, len, count=2) == ["one two", "three f…"]
    assert letters.lines("a-very-long-word", 6, len, count=2) == ["a-ver…"]
    assert letters.lines("", 6, len, count=2) == []
    assert letters.lines("one two", 8, len, count=0) == []
