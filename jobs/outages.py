"""Nobody loses time because a router was away: measure outages, and give their time back where the merchant wants it."""

import logging

from jobs.doors import Doors
from jobs.tally import Tally
from portal import outages

log = logging.getLogger(__name__)

ACTOR = "job:credit-outages"


async def credit(doors: Doors) -> Tally:
    """Note which routers were lost and came back; give every outage's time back, one by one."""
    tally = Tally()
    await outages.measure(now=doors.clock.now())
    for outage_id in await outages.due(now=doors.clock.now()):
        tally.processed += 1
        try:
            await outages.give_back(outage_id, now=doors.clock.now(), by=ACTOR)
        except Exception:  # one outage's trouble is not the others'
            tally.failed += 1
            log.exception("time of an outage not given back", extra={"outage": outage_id})
    return tally
