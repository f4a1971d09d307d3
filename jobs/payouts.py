"""Paying merchants out: what plans are due for is made, what waits is set out unless something holds it, sent, and asked about."""

import logging

from jobs import transfers
from jobs.doors import Doors
from jobs.tally import Tally
from portal import payouts

log = logging.getLogger(__name__)


async def run(doors: Doors) -> Tally:
    """All payouts that are due, one after the other."""
    tally, now = Tally(), doors.clock.now()
    for due in await payouts.due_by_plan(now=now):
        try:
            tally.processed += len(await payouts.by_plan(due, now=now))
        except Exception:
            log.exception("payout not made", extra={"merchant": due.merchant_id})
            tally.failed += 1
    tally.processed += await payouts.set_out_due(now=now)
    await transfers.drive("payout", doors, tally)
    return tally
