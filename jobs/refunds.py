"""Giving money back: what was decided is approved, what is approved is sent, what M-Pesa is silent about is asked."""

from jobs import transfers
from jobs.doors import Doors
from jobs.tally import Tally
from portal import refunds


async def run(doors: Doors) -> Tally:
    """All refunds that are due, one after the other."""
    tally = Tally(processed=await refunds.approve_decided(now=doors.clock.now()))
    await transfers.drive("refund", doors, tally)
    return tally
