"""What a promo makes of a price: whole shillings, one at least, free only at 100 percent, never dearer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.promos.prices import fold, price_after

PRICES = st.integers(1, 100_000).map(lambda shillings: shillings * 100)


@pytest.mark.parametrize(
    ("price", "percent", "pays"),
    [(5000, 20, 4000), (1000, 15, 800), (100, 99, 100), (300, 99, 100), (5000, 100, 0), (1900, 50, 900)],
)
def test_a_percentage_leaves_whole_shillings_in_the_customers_favour(price: int, percent: int, pays: int) -> None:
    assert price_after(price, percent=percent, amount_cents=None) == pays


def test_an_amount_never_makes_a_package_free() -> None:
    assert price_after(5000, percent=None, amount_cents=1000) == 4000
    assert price_after(5000, percent=None, amount_cents=5000) == 100
    assert price_after(5000, percent=None, amount_cents=9900) == 100


@given(PRICES, st.integers(1, 100))
def test_any_percentage_can_be_paid_by_mpesa_and_is_never_dearer(price: int, percent: int) -> None:
    pays = price_after(price, percent=percent, amount_cents=None)
    assert pays % 100 == 0
    assert pays <= price
    assert (pays == 0) == (percent == 100)
    exact = price * (100 - percent) / 100
    assert pays == 100 or exact - 100 < pays <= exact


@given(PRICES, PRICES)
def test_any_amount_can_be_paid_by_mpesa(price: int, amount: int) -> None:
    pays = price_after(price, percent=None, amount_cents=amount)
    assert 100 <= pays <= price
    assert pays % 100 == 0


def test_codes_are_read_forgivingly_and_nothing_else_is_a_code() -> None:
    assert fold(" kari-bu 10 ") == "KARIBU10"
    assert fold("karibu–10") == "KARIBU10"
    for text in ("", "ab", "x" * 21, "kàribu", "a;b'c", "KARIBU\x00", "ＫＡＲＩ"):
        assert fold(text) is None, text
