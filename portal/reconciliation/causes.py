"""Why M-Pesa's day and ours differ: both sides laid beside each other by receipt. Pure; the causes always add up."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from portal.reconciliation.movements import Movement

#: So many rows of a cause are kept with the close.
MOST_ROWS = 200
NOT_BOOKED, NOT_LISTED, DIFFERS = "not_booked", "not_listed", "differs"
BOOKED_ANOTHER_DAY, MOVED_ANOTHER_DAY, NO_RECEIPT = "booked_another_day", "moved_another_day", "no_receipt"
FEES, WITHDRAWN, OUT_NOT_LISTED = "fees", "withdrawn", "out_not_listed"


class CauseRow(msgspec.Struct, frozen=True):
    """One receipt and by how much it makes M-Pesa's side larger than ours."""

    receipt: str
    cents: int


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A reason, its share of the difference, and the receipts; `count` counts those that are not kept too."""

    why: str
    cents: int
    count: int
    rows: tuple[CauseRow, ...] = ()


def explain(
    theirs: Sequence[Movement], ours: Sequence[Movement], *, booked: set[str], moved_outside: set[str]
) -> tuple[int, list[Cause]]:
    """M-Pesa's sum less ours, and why. `booked`: receipts we have on any day; `moved_outside`: whose money moved on another."""
    found: dict[str, list[CauseRow]] = defaultdict(list)
    for direction in ("in", "out"):
        _lay(
            _sums(theirs, direction),
            _sums(ours, direction),
            found,
            direction,
            booked=booked,
            moved_outside=moved_outside,
        )
    found[FEES] += [CauseRow(each.receipt, each.cents) for each in theirs if each.kind == "fee" and each.cents]
    causes = [
        Cause(why=why, cents=sum(row.cents for row in rows), count=len(rows), rows=tuple(rows[:MOST_ROWS]))
        for why, rows in found.items()
        if rows
    ]
    return sum(each.cents for each in theirs) - sum(each.cents for each in ours), causes


def _sums(movements: Sequence[Movement], direction: str) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for each in movements:
        if each.kind == direction:
            sums[each.receipt] += each.cents
    return sums


def _lay(
    theirs: dict[str, int], ours: dict[str, int], found: dict[str, list[CauseRow]], direction: str, *,
    booked: set[str], moved_outside: set[str],
) -> None:  # fmt: skip
    for receipt, cents in theirs.items():
        mine = ours.get(receipt)
        if mine is None or not receipt:
            why = BOOKED_ANOTHER_DAY if receipt in booked else NOT_BOOKED if direction == "in" else WITHDRAWN
            found[why].append(CauseRow(receipt, cents))
        elif mine != cents:
            found[DIFFERS].append(CauseRow(receipt, cents - mine))
    for receipt, cents in ours.items():
        if receipt and receipt in theirs:
            continue
        if not receipt:
            why = NO_RECEIPT
        elif receipt in moved_outside:
            why = MOVED_ANOTHER_DAY
        else:
            why = NOT_LISTED if direction == "in" else OUT_NOT_LISTED
        found[why].append(CauseRow(receipt, -cents))
