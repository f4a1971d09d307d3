"""What this process counts while it works and no row tells: answers by route, tries a rule refused. Read by portal.metrics.

Labels are names of ours (routes, rules), never a merchant, a phone or an address. Counting costs a dictionary look-up."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

#: Upper ends in seconds, from an answer of a page to half an hour without a router.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

Labels = tuple[str, ...]


@dataclass(slots=True)
class Histogram:
    """How many values lay below each upper end, how many there were, and their sum."""

    ends: Sequence[float] = SECONDS
    counts: list[int] = field(default_factory=list[int])
    total: int = 0
    sum: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * len(self.ends)

    def add(self, value: float) -> None:
        """Count one value."""
        self.total += 1
        self.sum += value
        for place, end in enumerate(self.ends):
            if value <= end:
                self.counts[place] += 1
                return

    def add_all(self, values: Iterable[float]) -> None:
        """Count many."""
        for value in values:
            self.add(value)

    def add_histogram(self, other: "Histogram") -> None:
        """Count what another one of the same ends counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total
        self.sum += other.sum


#: Metrics that are added up over all processes, see `sums`.
REDEEM_FAILED = "voucher_redeem_failed_total"
RECONCILE = "router_reconcile_seconds"
POOL_WAIT = "db_pool_wait_seconds"

#: Tries refused, by rule: the part of the limit's name before the first colon.
blocked: Counter[Labels] = Counter()
#: Wrong passwords and other sign-ins that failed; requests of known people that were not allowed.
failed_sign_ins: Counter[Labels] = Counter()
denied: Counter[Labels] = Counter()
#: Seconds from a request's arrival to the start of its answer, by route.
answered: dict[Labels, Histogram] = {}


def answer(route: str, seconds: float) -> None:
    """Count one answer of a route."""
    if (route,) not in answered:
        answered[(route,)] = Histogram()
    answered[(route,)].add(seconds)


def block(name: str) -> None:
    """Count a try that a limit refused."""
    blocked[(name.partition(":")[0],)] += 1


#: What every process adds to, and `portal.metrics.sums` writes down for all of them: by metric and its one label ("" for none).
sums: dict[tuple[str, str], Histogram] = {}


def add(metric: str, seconds: float, label: str = "") -> None:
    """Count one duration of this process, until it is written down."""
    _sum_of(metric, label).add(seconds)


def refuse_redeeming(reason: str) -> None:
    """Count a typed voucher code that let nobody in. The page tells everyone the same; the reason is for us only."""
    _sum_of(REDEEM_FAILED, reason).total += 1


def take() -> dict[tuple[str, str], Histogram]:
    """What was added since the last time."""
    taken = dict(sums)
    sums.clear()
    return taken


def give_back(taken: dict[tuple[str, str], Histogram]) -> None:
    """It could not be written down: keep it for the next time."""
    for (metric, label), histogram in taken.items():
        _sum_of(metric, label).add_histogram(histogram)


def _sum_of(metric: str, label: str) -> Histogram:
    if (metric, label) not in sums:
        sums[(metric, label)] = Histogram()
    return sums[(metric, label)]
