"""A shop's colour: what is readable is kept, what is not gets a readable neighbour, and the night has its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import colours

ANY = st.tuples(*(st.integers(0, 255),) * 3).map(lambda parts: "#{:02x}{:02x}{:02x}".format(*parts))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("#0B6B4F", "#0b6b4f"),
        (" 0b6b4f ", "#0b6b4f"),
        ("#063", "#006633"),
        ("green", None),
        ("#0b6b4", None),
        ("", None),
    ],
)
def test_colours_are_read_as_people_write_them(typed: str, meant: str | None) -> None:
    assert colours.parse(typed) == meant


def test_contrast_is_what_the_guidelines_say() -> None:
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert colours.contrast("#0b6b4f", "#0b6b4f") == 1


@pytest.mark.parametrize("pale", ["#ffff00", "#ff9900", "#7fd1ae", "#ffffff", "#25d366"])
def test_pale_colours_are_named_and_given_a_neighbour(pale: str) -> None:
    assert not colours.is_readable(pale)
    assert colours.is_readable(colours.nearest_readable(pale))


@given(ANY)
def test_every_colour_has_a_readable_neighbour_that_reads_by_night_too(colour: str) -> None:
    near = colours.nearest_readable(colour)
    assert colours.is_readable(near)
    found = colours.tones(near)
    assert colours.contrast(found.day, found.day_ink) >= colours.TEXT
    assert colours.contrast(found.night, "#171d1a") >= colours.TEXT
    assert colours.contrast(found.night, found.night_ink) >= colours.TEXT


@given(ANY)
def test_a_readable_colour_stays_as_it_is(colour: str) -> None:
    if colours.is_readable(colour):
        assert colours.nearest_readable(colour) == colour == colours.tones(colour).day
