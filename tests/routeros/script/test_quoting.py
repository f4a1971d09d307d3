"""One quoting function: whatever is typed stays inside its string."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from routeros.script.quoting import quote, quote_in_pieces, unquote

ANY = st.text()
SPECIAL = st.text(alphabet="\"\\$[](){};?#\n\r\t\0=| '`~<>&%!^*é😀")


@given(ANY | SPECIAL)
@example('"; /user add name=evil group=full; "')
@example("$[/system reboot]")
@example("\\22")
def test_what_is_quoted_is_read_back(text: str) -> None:
    assert unquote(quote(text)) == text


@given(ANY | SPECIAL)
def test_no_special_character_stands_raw(text: str) -> None:
    assert re.fullmatch(r'"(?:[A-Za-z0-9 _./:,=@+-]|\\[0-9A-F]{2})*"', quote(text), re.ASCII)


@given(ANY | SPECIAL)
def test_pieces_join_to_the_text_and_none_is_long(text: str) -> None:
    pieces = quote_in_pieces(text * 40)
    assert all(len(piece) <= 610 for piece in pieces)
    # A piece may end within nothing but between characters: each one is text by itself.
    assert "".join(unquote(piece) for piece in pieces) == text * 40


def test_bytes_are_capital_hex_of_utf8() -> None:
    assert quote('a"b$ũ?') == r'"a\22b\24\C5\A9\3F"'
    assert quote("") == '""'


@pytest.mark.parametrize("literal", ["", '"', 'a"', '"a', '"\\2g"', '"\\2"', '"\\c5"', '"a"b"', '"$x"', '"\\n"', '"é"'])
def test_other_literals_are_refused(literal: str) -> None:
    with pytest.raises(ValueError):
        unquote(literal)


def test_half_characters_are_no_text() -> None:
    with pytest.raises(ValueError):
        quote("\ud800")
    with pytest.raises(ValueError):
        unquote('"\\C5"')
