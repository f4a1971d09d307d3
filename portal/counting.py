"""How one grant's use is counted on from what a router shows, which forgets: a power cut loses the use of running sessions,
a row made anew begins at nothing. Pure.

What was used = user row + running sessions (MikroTik manual, HotSpot user and active) + what the router forgot; never less
than we had seen. Where a read can be understood in two ways, it counts for the customer."""

from collections.abc import Sequence
from typing import NamedTuple


class Use(NamedTuple):
    """Connected seconds and bytes of both directions."""

    uptime_s: int
    bytes: int

    def plus(self, other: "Use") -> "Use":
        return Use(self.uptime_s + other.uptime_s, self.bytes + other.bytes)

    def minus(self, other: "Use") -> "Use":
        return Use(self.uptime_s - other.uptime_s, self.bytes - other.bytes)

    def at_least(self, other: "Use") -> "Use":
        return Use(max(self.uptime_s, other.uptime_s), max(self.bytes, other.bytes))


NOTHING = Use(0, 0)


def total(uses: Sequence[Use]) -> Use:
    """All of them together."""
    return Use(sum(use.uptime_s for use in uses), sum(use.bytes for use in uses))


class Book(NamedTuple):
    """A grant's numbers: what was used in all, what the router's user row showed last, what the router has forgotten."""

    used: Use = NOTHING
    router: Use = NOTHING
    forgotten: Use = NOTHING


def advance(book: Book, *, row: Use, grown: Sequence[Use], begun: Sequence[Use], ended: Sequence[Use]) -> Book:
    """The book after one more complete read. `row` is the user row (nothing when there is none), `grown` and `begun` are the
    running sessions seen before and not, as they are now; `ended` those that are gone, as they were last seen.

    A session that ended must stand in the row now: what is missing there, the router has forgotten. A row that grew while its
    only session went on was written during the session (some routers may): that part is not counted twice."""
    missing = book.router.plus(total(ended)).minus(row)
    is_written_live = len(grown) == 1 and not begun and not ended
    forgotten = book.forgotten.plus(missing if is_written_live else missing.at_least(NOTHING))
    seen = forgotten.plus(row).plus(total([*grown, *begun]))
    return Book(used=seen.at_least(row).at_least(book.used), router=row, forgotten=forgotten)
