"""Reminders to customers: what is due now is written down, in batches; sending is another job's."""

from jobs.doors import Doors
from jobs.tally import Tally
from portal import reminders


async def warn(doors: Doors) -> Tally:
    """Warn everybody whose time is about to end."""
    tally = Tally()
    while told := await reminders.warn(now=doors.clock.now()):
        tally.processed += told
    return tally


async def tell_over(doors: Doors) -> Tally:
    """Tell everybody whose time is over."""
    tally = Tally()
    while told := await reminders.tell_over(now=doors.clock.now()):
        tally.processed += told
    return tally


async def find_inactive(doors: Doors) -> Tally:
    """The month's look for customers who have not come back."""
    away, _ = await reminders.find_inactive(now=doors.clock.now())
    return Tally(processed=away)
