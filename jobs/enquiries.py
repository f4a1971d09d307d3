"""Asking M-Pesa about transactions and balances, and taking in the money its answers prove."""

import logging

from jobs.doors import Doors
from jobs.tally import Tally
from portal import enquiries

log = logging.getLogger(__name__)


async def run(doors: Doors) -> Tally:
    """Ask what is due, one after the other, and take in what was answered."""
    tally = Tally()
    for enquiry_id in await enquiries.due(now=doors.clock.now()):
        try:
            said = await enquiries.ask(enquiry_id, doors.mpesa, now=doors.clock.now())
        except Exception:
            log.exception("question not asked", extra={"enquiry": enquiry_id})
            said = "failed"
        if said == "asked":
            tally.processed += 1
        else:
            tally.failed += said != "not due"
    tally.processed += await enquiries.take_answers(vault=doors.vault, now=doors.clock.now())
    return tally
