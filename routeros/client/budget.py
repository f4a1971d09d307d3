"""Memory for replies, shared by all connections that are given the same Budget: hostile routers together are bounded too."""

from dataclasses import dataclass
from typing import Final

from routeros.errors import BadReply

#: What rows of replies may cost in all. Ten thousand users with their cookies and hosts are a third of it.
BUDGET: Final = 96 * 1024 * 1024
#: What a row and a word of it cost in memory beyond their bytes, roughly (CPython 3.11: a dict, two strings).
ROW_COST: Final = 232
WORD_COST: Final = 72


@dataclass(slots=True)
class Budget:
    """`total` bytes for everybody. While it is exceeded, whoever holds more than an equal share of it is refused."""

    total: int = BUDGET
    held: int = 0
    holders: int = 0


class Share:
    """What one connection holds of a budget."""

    __slots__ = ("_budget", "_held")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = 0

    def hold(self, size: int) -> None:
        """Hold `size` bytes from now on, 0 for none. BadReply: that is too much while others need room."""
        budget = self._budget
        budget.held += size - self._held
        budget.holders += (size > 0) - (self._held > 0)
        self._held = size
        if budget.held > budget.total and size * budget.holders > budget.total:
            raise BadReply("more than we are willing to hold of all routers together")
