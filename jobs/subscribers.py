"""Monthly customers: bills when they are due, access ended when grace is over, reminders, and a look at everything each hour."""

from jobs.doors import Doors
from jobs.tally import Tally
from portal import job_runs
from portal.subscribers import billing, reconciling, reminders


async def bill(doors: Doors) -> Tally:
    """Write the bills of every period that has begun, at 00:05 of each merchant's own day; the wallet pays what it can."""
    course = await billing.proceed_due(now=doors.clock.now(), actor="job:bill-subscribers")
    return Tally(processed=course.done, failed=course.failed)


async def disconnect(doors: Doors) -> Tally:
    """End the access of those whose days of grace are over."""
    course = await billing.proceed_due(now=doors.clock.now(), actor="job:disconnect-expired", bills=False)
    return Tally(processed=course.done, failed=course.failed)


async def remind(doors: Doors) -> Tally:
    """Write the reminders that are due, at 09:05 of each merchant's own day."""
    tally = Tally()
    while True:
        seen, written = await reminders.remind_due(now=doors.clock.now())
        tally.processed += written
        if seen < reminders.BATCH:
            return tally


async def reconcile(doors: Doors) -> Tally:
    """Look at every subscriber anew, set dates right and tell what is wrong."""
    look = await reconciling.reconcile(now=doors.clock.now())
    return Tally(processed=look.seen, failed=sum(len(ids) for ids in look.wrong.values()))


async def proceed_if_due(doors: Doors) -> None:
    """Two index look-ups. A moment matters here, so this is asked every second; the jobs are the net under it."""
    now = doors.clock.now()
    due_at = await billing.next_due_at()
    if due_at is not None and due_at <= now and not await job_runs.is_paused("bill-subscribers"):
        await bill(doors)
    remind_at = await reminders.next_remind_at()
    if remind_at is not None and remind_at <= now and not await job_runs.is_paused("remind-payments"):
        await remind(doors)
