"""Prometheus' text format, version 0.0.4 (its manual, "Exposition formats"). The client library is not used: it costs 2.4 MiB,
and what it keeps in memory we have in rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from portal.meters import Histogram, Labels

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Kind(StrEnum):
    """What a metric is: a counter only grows while a process lives."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric: its name, what it means, the names of its labels."""

    name: str
    kind: Kind
    meaning: str
    labels: Sequence[str] = ()


def render(family: Family, samples: Mapping[Labels, float | Histogram]) -> str:
    """All samples of one metric, in the order of their labels."""
    lines = [f"# HELP {family.name} {_help(family.meaning)}", f"# TYPE {family.name} {family.kind.value}"]
    for values, sample in sorted(samples.items()):
        labels = [f'{name}="{_label(value)}"' for name, value in zip(family.labels, values, strict=True)]
        if isinstance(sample, Histogram):
            lines += _histogram(family.name, labels, sample)
        else:
            lines.append(f"{family.name}{_braced(labels)} {_number(sample)}")
    return "\n".join(lines) + "\n"


def _histogram(name: str, labels: list[str], histogram: Histogram) -> list[str]:
    lines: list[str] = []
    below = 0
    for end, count in zip(histogram.ends, histogram.counts, strict=True):
        below += count
        upper = f'le="{_number(end)}"'
        lines.append(f"{name}_bucket{_braced([*labels, upper])} {below}")
    every = _braced([*labels, 'le="+Inf"'])
    lines.append(f"{name}_bucket{every} {histogram.total}")
    return [
        *lines,
        f"{name}_sum{_braced(labels)} {_number(histogram.sum)}",
        f"{name}_count{_braced(labels)} {histogram.total}",
    ]


def _braced(labels: Sequence[str]) -> str:
    return "{" + ",".join(labels) + "}" if labels else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _label(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
