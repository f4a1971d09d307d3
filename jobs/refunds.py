"""Giving money back: what was decided is approved, what is approved is sent, what a provider is silent about is asked."""

import logging

from jobs import transfers
from jobs.doors import Doors
from jobs.tally import Tally
from portal import refunds
from portal.rails import returning

log = logging.getLogger(__name__)


async def run(doors: Doors) -> Tally:
    """All refunds that are due, one after the other."""
    tally = Tally(processed=await refunds.approve_decided(now=doors.clock.now()))
    await transfers.drive("refund", doors, tally)
    await _drive_rails(doors, tally)
    return tally


async def _drive_rails(doors: Doors, tally: Tally) -> None:
    """One step for every refund by another rail that is due. One bad row never stops the rest."""
    await returning.find_stranded(now=doors.clock.now())
    for transfer_id in await returning.due(now=doors.clock.now()):
        try:
            said = await returning.drive(transfer_id, doors.rails, now=doors.clock.now())
        except Exception:
            log.exception("refund not driven", extra={"transfer": transfer_id})
            tally.failed += 1
        else:
            tally.processed += said != "not due"
