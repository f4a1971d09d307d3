"""Numbers for small charts: heights, ticks and paths. Pure; the SVG itself is drawn by macros in templates/ui.html."""

from collections.abc import Sequence

import msgspec

_STEPS = (1, 2, 2.5, 5, 10)
#: Lines above the base line, the top one included.
_LINES = 4


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """`ticks`: whole currency units, from the top line down to 0. `heights`: percent of the chart's height."""

    ticks: list[int]
    heights: list[float]


def bars(cents: Sequence[int]) -> Bars:
    """Scale amounts (cents, none negative) to a chart whose top line is a round number."""
    top = _round_top(max(cents, default=0) / 100)
    return Bars(
        ticks=[round(top * line / _LINES) for line in range(_LINES, -1, -1)],
        heights=[round(amount / top, 2) for amount in cents],
    )


def _round_top(highest: float) -> int:
    """The smallest multiple of four round steps that is not below `highest`; at least 4, so that ticks are whole."""
    magnitude = 1
    while True:
        for step in _STEPS:
            top = _LINES * step * magnitude
            if top >= highest and top == int(top) and int(top) % _LINES == 0:
                return int(top)
        magnitude *= 10


def short_number(number: int) -> str:
    """ "850", "12.5k", "2M": for the side of a chart."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.2f}".rstrip("0").rstrip(".") + letter
    return str(number)


def spark(values: Sequence[int], *, width: int = 84, height: int = 28, margin: int = 3) -> str:
    """The path of a small line chart, as SVG's `d`; "" for fewer than two values, or when all are 0."""
    if len(values) < 2 or not any(values):
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1
    room = height - 2 * margin
    points = (
        f"{index * width / (len(values) - 1):.1f} {height - margin - (value - low) * room / span:.1f}"
        for index, value in enumerate(values)
    )
    return "M" + " L".join(points)


def shades(rows: Sequence[Sequence[int]], *, steps: int = 5) -> list[list[int]]:
    """How dark each cell of a heat map is: 0 for nothing, else 1 to `steps` by its share of the highest."""
    highest = max((cents for row in rows for cents in row), default=0)
    return [[-(-cents * steps // highest) if cents > 0 else 0 for cents in row] for row in rows]
