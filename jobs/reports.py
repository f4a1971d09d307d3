"""Sums by the hour, reports of weeks and months, and the morning's message: each merchant by itself, whenever it is due there."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from jobs.doors import Doors
from jobs.tally import Tally
from jobs.troubles import is_temporary
from portal import running
from portal.reports import hours, making, mornings
from portal.reports.periods import Kind

log = logging.getLogger(__name__)

T = TypeVar("T")


async def aggregate(doors: Doors) -> Tally:
    """Bring every merchant's hours up to now."""

    async def count(merchant_id: int) -> bool:
        return await hours.count(merchant_id, now=doors.clock.now()) > 0

    return await _each(await hours.merchants(), count, what="merchants")


async def weekly(doors: Doors) -> Tally:
    """Make the reports of weeks that are over."""
    return await _periods(doors, Kind.WEEK)


async def monthly(doors: Doors) -> Tally:
    """Make the reports of months that are over."""
    return await _periods(doors, Kind.MONTH)


async def _periods(doors: Doors, kind: Kind) -> Tally:
    async def make(wanted: making.Due) -> bool:
        return await making.make(wanted, base_url=doors.settings.base_url, now=doors.clock.now())

    return await _each(await making.due(kind, now=doors.clock.now()), make, what="reports")


async def morning(doors: Doors) -> Tally:
    """Tell each merchant how yesterday went."""

    async def tell(wanted: mornings.Due) -> bool:
        return await mornings.tell(wanted, base_url=doors.settings.base_url, now=doors.clock.now())

    return await _each(await mornings.due(now=doors.clock.now()), tell, what="merchants")


async def _each(wanted: Sequence[T], verb: Callable[[T], Awaitable[bool]], *, what: str) -> Tally:
    """One merchant's trouble is not the others'; a database that is away is everybody's, and ends the run."""
    tally = Tally()
    running.tell(0, total=len(wanted), what=what)
    for one in wanted:
        try:
            tally.processed += await verb(one)
        except running.PlaceLost:
            raise
        except Exception as error:
            if is_temporary(error):
                raise
            log.exception("not done for one of them", extra={"wanted": str(one)[:200]})
            tally.failed += 1
        running.advance()
    return tally
