from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.money import MAX_CENTS, AmountError, commission, format_amount, parse_amount, split, whole_shillings

CENTS = st.integers(min_value=0, max_value=MAX_CENTS)
POINTS = st.integers(min_value=0, max_value=10_000)


@pytest.mark.parametrize(
    "value", ["10", "10.00", "10.0", 10, Decimal("10"), Decimal("1E+1"), " 10 ", "KES 10", "Ksh10"]
)
def test_the_same_amount_in_any_spelling_is_equal(value: object):
    assert parse_amount(value) == 1000


def test_ten_forty_is_not_ten():
    assert parse_amount("10.40") == 1040


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ten",
        "-10",
        -10,
        Decimal("-0.01"),
        "1e3",
        "10,00",
        "1,25",
        "1,2500",
        "0x10",
        "٣",
        "10.",
        ".5",
        "1 000",
        "NaN",
        10.0,
        True,
        None,
        [],
        "KES",
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("sNaN"),
        "10.001",
        Decimal("0.001"),
    ],
)
def test_what_is_not_an_exact_amount_is_refused(value: object):
    with pytest.raises(AmountError):
        parse_amount(value)


@pytest.mark.parametrize("value", [Decimal("1e999999999"), Decimal("1e-999999999"), 10**4000, "9" * 5000, MAX_CENTS])
def test_a_number_made_to_exhaust_memory_is_refused_at_once(value: object):
    with pytest.raises(AmountError):
        parse_amount(value)


@given(CENTS)
def test_what_is_written_can_be_read_back(cents: int):
    assert parse_amount(format_amount(cents)) == cents


@given(CENTS)
def test_decimals_are_exact(cents: int):
    assert parse_amount(Decimal(cents).scaleb(-2)) == cents
    assert parse_amount(str(Decimal(cents).scaleb(-2))) == cents


@given(st.text() | st.decimals() | st.integers() | st.floats() | st.none())
def test_anything_is_an_amount_or_a_clear_refusal(value: object):
    with suppress(AmountError):
        assert 0 <= parse_amount(value) <= MAX_CENTS


def test_mpesa_moves_whole_shillings_only():
    assert whole_shillings(2500) == 25
    with pytest.raises(AmountError):
        whole_shillings(2550)


@given(CENTS, POINTS)
def test_commission_and_share_always_add_up(cents: int, points: int):
    ours, theirs = split(cents, points)
    assert ours + theirs == cents
    assert ours >= 0
    assert theirs >= 0


@given(CENTS, POINTS)
def test_commission_is_within_half_a_cent_of_the_exact_share(cents: int, points: int):
    assert abs(commission(cents, points) * 10_000 - cents * points) * 2 <= 10_000


@given(CENTS, POINTS)
def test_a_reversal_takes_back_exactly_what_was_charged(cents: int, points: int):
    assert commission(-cents, points) == -commission(cents, points)


def test_half_a_cent_goes_up():
    assert commission(250, 20) == 1  # 0.50 of a cent
    assert commission(249, 20) == 0
    assert commission(2500, 2000) == 500


@pytest.mark.parametrize("points", [-1, 10_001])
def test_a_share_above_the_whole_is_a_bug(points: int):
    with pytest.raises(ValueError):
        commission(100, points)


def test_amounts_are_written_the_way_shops_write_them():
    assert format_amount(125_000) == "KES 1,250"
    assert format_amount(125_050) == "KES 1,250.50"
    assert format_amount(5) == "KES 0.05"
    assert format_amount(-2500) == "\N{MINUS SIGN}KES 25"
    assert format_amount(0, "TZS") == "TZS 0"
