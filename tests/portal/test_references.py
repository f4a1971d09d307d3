"""Payment references as people type them: read forgivingly, one slip at most, never more."""

from hypothesis import given
from hypothesis import strategies as st

from portal import codes, references

REFERENCES = st.builds(codes.payment_reference)


@given(REFERENCES, st.sampled_from(["{}", " {} ", "acc {}", "{} wifi", "#{}", "{}😀"]))
def test_what_stands_around_a_reference_does_not_matter(reference: str, around: str) -> None:
    assert references.readings(around.format(reference.lower())) == [reference]


@given(REFERENCES, st.integers(1, 7))
def test_a_reference_written_in_two_parts_is_one(reference: str, place: int) -> None:
    assert reference in references.readings(f"{reference[:place]} - {reference[place:]}")


@given(
    REFERENCES, st.integers(0, 7), st.sampled_from(codes.ALPHABET), st.sampled_from(["wrong", "more", "less", "swap"])
)
def test_one_slip_is_among_those_near(reference: str, place: int, char: str, slip: str) -> None:
    before, after = reference[:place], reference[place:]
    typed = {
        "wrong": before + char + after[1:],
        "more": before + char + after,
        "less": before + after[1:],
        "swap": before + after[1:2] + after[0] + after[2:],
    }[slip]
    assert reference in references.near(typed)


@given(REFERENCES)
def test_everything_near_is_well_formed_and_of_the_right_length(reference: str) -> None:
    assert all(codes.is_well_formed(found) and len(found) == 8 for found in references.near(reference[:-1]))


@given(st.text(max_size=80))
def test_no_text_breaks_them(text: str) -> None:
    for found in [*references.readings(text), *references.near(text)]:
        assert codes.is_well_formed(found)


def test_two_slips_are_too_many() -> None:
    reference = next(r for r in (codes.payment_reference() for _ in range(500)) if "Z" not in r[:2])
    assert reference not in references.near("ZZ" + reference[2:])
