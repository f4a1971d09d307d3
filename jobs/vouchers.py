"""Everybody off on time: vouchers whose clock has run out, and their access with them. And making the many of a large batch."""

import logging

from jobs.doors import Doors
from jobs.tally import Tally
from portal import batches, job_runs, vouchers

log = logging.getLogger(__name__)

ACTOR = "job:expire-vouchers"


async def expire(doors: Doors) -> Tally:
    """End every voucher that is due, thousands in one statement; what another worker has locked, it ends."""
    tally = Tally()
    while ids := await vouchers.due(now=doors.clock.now()):
        ended = await vouchers.expire(ids, now=doors.clock.now(), actor=ACTOR)
        tally.processed += len(ended)
        if len(ended) < len(ids):
            break
    return tally


async def expire_if_due(doors: Doors) -> None:
    """One index look-up; expires when somebody's time is over. A moment matters here, so this is asked every second."""
    due_at = await vouchers.next_due_at()
    if due_at is not None and due_at <= doors.clock.now() and not await job_runs.is_paused("expire-vouchers"):
        await expire(doors)


async def make_batch(batch_id: int, doors: Doors) -> None:
    """Make what a batch still lacks, a thousand at a time. Safe to repeat and to break off: its row says how many there are."""
    while await batches.make_more(batch_id, vault=doors.vault, now=doors.clock.now()):
        pass


async def make_unfinished(doors: Doors) -> None:
    """Go on with batches whose worker died. One that cannot be made does not stop the rest."""
    for batch_id in await batches.unfinished():
        try:
            await make_batch(batch_id, doors)
        except Exception:  # one batch's trouble is not the others'
            log.exception("batch not made", extra={"batch": batch_id})
