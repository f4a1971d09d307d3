"""Making PDFs of vouchers that were asked for, and clearing away those whose day is over."""

from jobs.doors import Doors
from portal.printing import runs


async def make(print_id: int, doors: Doors) -> bool:
    """Make one, as the queue tells."""
    return await runs.make(print_id, settings=doors.settings, vault=doors.vault, clock=doors.clock)


async def sweep(doors: Doors) -> int:
    """What the queue lost or a dead worker left, one at a time; then what is over."""
    waiting = await runs.due(now=doors.clock.now(), limit=1)
    for print_id in waiting:
        await make(print_id, doors)
    return len(waiting) + await runs.clear(settings=doors.settings, now=doors.clock.now())
