"""Asking, by the clock, whether all is as it must be: what is live and new every few minutes, everything once a night."""

from jobs.doors import Doors
from jobs.tally import Tally
from portal import invariants


async def check(doors: Doors) -> Tally:
    """Look at what is live and at the newest rows. `failed` counts the invariants that are broken."""
    return await _watch(doors, whole=False)


async def check_all(doors: Doors) -> Tally:
    """Look at every row there is."""
    return await _watch(doors, whole=True)


async def _watch(doors: Doors, *, whole: bool) -> Tally:
    seen = await invariants.watch(whole=whole, now=doors.clock.now())
    return Tally(processed=len(seen.took_ms), failed=len(seen.breaches))
