"""Everybody off on time: vouchers whose clock has run out, and their access with them."""

from jobs.doors import Doors
from jobs.tally import Tally
from portal import job_runs, vouchers

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
