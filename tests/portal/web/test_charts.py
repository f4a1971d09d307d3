"""Charts: round scales that hold every bar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import charts


@given(st.lists(st.integers(0, 10**11), min_size=1, max_size=40))
def test_every_bar_fits_and_the_highest_is_not_dwarfed(cents: list[int]) -> None:
    chart = charts.bars(cents)
    assert all(0 <= height <= 100 for height in chart.heights)
    assert chart.ticks == sorted(chart.ticks, reverse=True)
    assert chart.ticks[-1] == 0
    assert len({a - b for a, b in zip(chart.ticks, chart.ticks[1:], strict=False)}) == 1
    if max(cents) > 400:
        assert max(chart.heights) >= 40


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [(17_650_00, [20_000, 15_000, 10_000, 5_000, 0]), (0, [4, 3, 2, 1, 0]), (290_000, [4000, 3000, 2000, 1000, 0])],
)
def test_scales_are_round(highest: int, ticks: list[int]) -> None:
    assert charts.bars([highest]).ticks == ticks


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (850, "850"), (1000, "1k"), (12_500, "12.5k"), (100_000, "100k"), (2_000_000, "2M")]
)
def test_ticks_are_short(number: int, text: str) -> None:
    assert charts.short_number(number) == text


def test_a_spark_of_nothing_is_not_drawn() -> None:
    assert charts.spark([5]) == ""
    assert charts.spark([0, 0, 0]) == ""
    assert charts.spark([0, 10]) == "M0.0 25.0 L84.0 3.0"
