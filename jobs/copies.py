"""Making copies of shops' data that were asked for, and clearing away those whose week is over."""

from jobs.doors import Doors
from portal.privacy import runs


async def make(copy_id: int, doors: Doors) -> bool:
    """Make one, as the queue tells."""
    return await runs.make(copy_id, settings=doors.settings, vault=doors.vault, clock=doors.clock)


async def sweep(doors: Doors) -> int:
    """What the queue lost or a dead worker left, one at a time; then what is over."""
    waiting = await runs.due(now=doors.clock.now(), limit=1)
    for copy_id in waiting:
        await make(copy_id, doors)
    return len(waiting) + await runs.clear(settings=doors.settings, now=doors.clock.now())
