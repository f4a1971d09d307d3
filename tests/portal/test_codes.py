import random
from contextlib import suppress
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.codes import (
    ALPHABET,
    GUESSES_PER_ROUTER_YEAR,
    LONGEST_CODE,
    SHORTEST_CODE,
    CodeError,
    code_length,
    fold_code,
    fold_reference,
    hex_token,
    is_well_formed,
    lookup_hash,
    payment_reference,
    print_code,
    voucher_code,
)

LENGTHS = st.integers(min_value=SHORTEST_CODE, max_value=LONGEST_CODE)


@st.composite
def codes(draw: st.DrawFn) -> str:
    return voucher_code(draw(LENGTHS), choose=random.Random(draw(st.integers(0, 2**32))).choice)


def test_the_alphabet_is_31_characters_without_look_alikes():
    assert len(set(ALPHABET)) == len(ALPHABET) == 31
    assert not set("0O1IL") & set(ALPHABET)


@given(codes())
def test_a_printed_code_can_be_typed_back_in_any_manner(code: str):
    assert is_well_formed(code)
    for typed in (
        code,
        print_code(code),
        print_code(code).lower(),
        f" {' '.join(code)} ",
        print_code(code).replace("-", "–"),
    ):
        assert fold_code(typed) == code


@given(codes(), st.data())
def test_one_wrong_character_is_always_found(code: str, data: st.DataObject):
    place = data.draw(st.integers(0, len(code) - 1))
    other = data.draw(st.sampled_from([char for char in ALPHABET if char != code[place]]))
    assert not is_well_formed(code[:place] + other + code[place + 1 :])


@given(codes())
def test_two_swapped_characters_are_always_found(code: str):
    for left, right in combinations(range(len(code)), 2):
        if code[left] != code[right]:
            chars = list(code)
            chars[left], chars[right] = chars[right], chars[left]
            assert not is_well_formed("".join(chars))


@pytest.mark.parametrize(
    ("printed", "seen_as"), [("D", "0"), ("Q", "O"), ("7", "1"), ("J", "I"), ("7", "l"), ("Q", "0")]
)
def test_a_misread_character_is_read_right(printed: str, seen_as: str):
    found = 0
    for seed in range(200):
        code = voucher_code(choose=random.Random(seed).choice)
        if code.count(printed) == 1:
            found += 1
            assert fold_code(code.replace(printed, seen_as)) == code
    assert found


def test_too_many_misread_characters_are_not_guessed():
    with pytest.raises(CodeError, match="mistake"):
        fold_code("0O1IL0O1IL")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "too short"),
        ("K7QM2", "too short"),
        ("A" * 17, "too long"),
        ("A" * 1000, "too long"),
        ("ÄÖÜßÄÖÜÄÖÜ", "mistake"),
    ],
)
def test_what_is_not_a_code_is_refused_in_words(typed: str, says: str):
    with pytest.raises(CodeError, match=says):
        fold_code(typed)


@given(st.text(max_size=80))
def test_any_text_is_a_code_or_a_clear_refusal(text: str):
    with suppress(CodeError):
        assert is_well_formed(fold_code(text))


@given(codes())
def test_full_width_letters_are_understood(code: str):
    assert fold_code("".join(chr(ord(char) + 0xFEE0) for char in code)) == code


@given(st.integers(0, 10**9), st.integers(0, 1_000))
def test_the_length_keeps_guessing_hopeless(active: int, routers: int):
    length = code_length(active, routers)
    secret = 31 ** (length - 1)
    assert secret >= 100 * GUESSES_PER_ROUTER_YEAR * routers * active
    assert length == SHORTEST_CODE or 31 ** (length - 2) < 100 * GUESSES_PER_ROUTER_YEAR * max(routers, 1) * max(
        active, 1
    )


def test_ten_characters_carry_a_corner_shop_and_eleven_a_town():
    assert code_length(8_300) == 10
    assert code_length(8_500) == 11
    assert code_length(260_000) == 11
    assert code_length(2_000, routers=5) == 11


def test_more_codes_than_any_safe_length_can_carry_are_refused():
    with pytest.raises(ValueError):
        code_length(10**9, routers=10_000)


def test_codes_are_printed_in_even_groups():
    assert print_code("K7QM2XWP4H") == "K7QM2-XWP4H"
    assert print_code("K7QM2XWP4HT") == "K7QM-2XWP-4HT"
    assert print_code("K7QM2XWP4HTR") == "K7QM-2XWP-4HTR"
    assert print_code("") == ""


@pytest.mark.parametrize("length", [0, 9, 17])
def test_a_code_too_short_to_be_safe_is_never_made(length: int):
    with pytest.raises(ValueError):
        voucher_code(length)


def test_references_fit_mpesa_and_are_told_from_codes_by_length():
    for _ in range(200):
        reference = payment_reference()
        assert len(reference) == 8 <= 12
        assert reference.isascii()
        assert reference.isalnum()
        assert reference == reference.upper()
        assert fold_reference(reference.lower()) == reference
        with pytest.raises(CodeError):
            fold_code(reference)


def test_a_thousand_codes_and_references_differ():
    assert len({voucher_code() for _ in range(1000)}) == 1000
    assert len({payment_reference() for _ in range(1000)}) == 1000


def test_tokens_are_128_bits_of_lower_case_hex():
    token = hex_token()
    assert len(bytes.fromhex(token)) == 16
    assert token == token.lower()
    assert hex_token() != token


def test_the_lookup_hash_depends_on_key_and_code_and_shows_neither():
    key, code = b"k" * 32, "K7QM2XWP4H"
    assert lookup_hash(key, code) == lookup_hash(key, code)
    assert len(lookup_hash(key, code)) == 32
    assert lookup_hash(key, code) != lookup_hash(b"x" * 32, code)
    assert lookup_hash(key, code) != lookup_hash(key, code[::-1])
    assert code.encode() not in lookup_hash(key, code)


def test_a_code_that_could_be_read_in_two_ways_is_not_guessed():
    seen = set[int]()
    for seed, (left, right) in product(range(20), combinations(range(10), 2)):
        chars = list(voucher_code(choose=random.Random(seed).choice))
        readings: list[str] = []
        for chars[left], chars[right] in product("DQ", "7JT"):
            readings.append("".join(chars))
        readings = [code for code in readings if is_well_formed(code)]
        seen.add(len(readings))
        chars[left], chars[right] = "0", "1"
        if len(readings) == 1:
            assert fold_code("".join(chars)) == readings[0]
        else:
            with pytest.raises(CodeError, match="mistake"):
                fold_code("".join(chars))
    assert seen == {0, 1, 2}
