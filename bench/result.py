"""What a benchmark ends with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """`limit` was measured in the same run; `ratio` says how far from it we are; `ok`: the bar holds."""

    bench: str
    figures: Mapping[str, float | int]
    limit: Mapping[str, float | int]
    ratio: float
    bar: Mapping[str, float | int]
    ok: bool

    def as_dict(self) -> dict[str, object]:
        """For the JSON line."""
        return asdict(self)

    def table(self) -> str:
        """For people."""
        rows = [("figure", self.figures), ("limit", self.limit), ("bar", self.bar)]
        lines = [f"{kind:<8}{name:<28}{value:>14}" for kind, values in rows for name, value in values.items()]
        return "\n".join(
            [*lines, f"{'ratio':<36}{self.ratio:>14}", f"{'holds' if self.ok else 'DOES NOT HOLD':<36}", ""]
        )


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie; of 200 values the 0.99 is the 198th."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
