"""`check-routers`: each minute, what routers' own visits found out is put into words for people. Visits nobody itself: `sync-routers`
reads every router whole each minute, rounds try those that are away, and the pull watch notes who stopped asking."""

from jobs.doors import Doors
from jobs.tally import Tally
from portal import pulls
from portal.routers import away


async def check(doors: Doors) -> Tally:
    """Note routers that fell silent, and tell the merchants' people who stays away and who is back."""
    now = doors.clock.now()
    silent = await pulls.note_silent(now=now)
    told = await away.tell(now=now)
    return Tally(processed=silent + told)
