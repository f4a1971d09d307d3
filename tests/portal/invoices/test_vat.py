"""VAT inside prices: whole cents that always add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.invoices import vat
from portal.invoices.receipts import lines_of

CENTS, RATES = st.integers(0, 10**12), st.integers(0, vat.MOST_BP)


@pytest.mark.parametrize(
    ("cents", "rate", "tax"),
    [
        (11_600, 1600, 1600), (5000, 1600, 690), (1000, 1600, 138), (100, 0, 0), (0, 1600, 0), (1, 1600, 0),
        (11, 1000, 1), (5, 1100, 0), (21, 500, 1), (63, 500, 3), (3, 2000, 1), (13, 400, 1), (12, 400, 0),
    ],
)  # fmt: skip
def test_what_is_inside(cents: int, rate: int, tax: int) -> None:
    assert vat.inside(cents, rate) == tax


def test_half_a_cent_is_rounded_up() -> None:
    halves = [
        (cents, rate) for rate in (2000, 400) for cents in range(1, 4000) if 2 * cents * rate % (10_000 + rate) == 0
    ]
    odd = [(cents, rate) for cents, rate in halves if 2 * cents * rate // (10_000 + rate) % 2]
    assert odd, "there are halves to look at"
    for cents, rate in odd:
        assert vat.inside(cents, rate) * 2 == 2 * cents * rate // (10_000 + rate) + 1


@given(CENTS, RATES)
def test_it_is_the_nearest_cent_and_never_more_than_the_price(cents: int, rate: int) -> None:
    tax = vat.inside(cents, rate)
    assert 0 <= tax <= cents
    assert abs(tax * (10_000 + rate) - cents * rate) * 2 <= 10_000 + rate


@pytest.mark.parametrize(("cents", "rate"), [(-1, 1600), (1, -1), (1, 3001)])
def test_nonsense_is_refused(cents: int, rate: int) -> None:
    with pytest.raises(ValueError, match="VAT"):
        vat.inside(cents, rate)


@given(st.integers(0, 10**9), st.integers(0, 10**9), RATES, st.booleans())
def test_lines_make_the_total_and_only_what_is_sold_has_vat(sold: int, kept: int, rate: int, is_wallet: bool) -> None:
    lines = lines_of(sold, kept, rate, name="1 day", is_wallet=is_wallet)
    assert sum(line.cents for line in lines) == sold + kept
    assert sum(line.vat_cents for line in lines) == vat.inside(sold, rate)
    assert all(line.vat_cents == 0 for line in lines if line.what != "package")


@given(st.integers(1, 10**9), RATES, st.lists(st.integers(0, 10**9), max_size=8))
def test_taking_back_by_parts_takes_back_all_of_the_vat_and_no_more(cents: int, rate: int, parts: list[int]) -> None:
    left, left_vat = cents, vat.inside(cents, rate)
    for part in [*(part % (cents + 1) for part in parts), cents]:
        back = min(part, left)
        tax = vat.taken_back(back, rate, left_cents=left, left_vat_cents=left_vat)
        assert 0 <= tax <= back
        left, left_vat = left - back, left_vat - tax
        assert 0 <= left_vat <= left
    assert (left, left_vat) == (0, 0)
