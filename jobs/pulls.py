"""Routers that ask us: nobody dials them, so somebody has to notice when they do not ask."""

from jobs.doors import Doors
from portal import pulls


async def note_silent(doors: Doors) -> int:
    """Move those that have not asked in time to late or offline; returns how many. One look-up, so it is asked every second."""
    return await pulls.note_silent(now=doors.clock.now())
