"""Reading what was brought from other systems, taking it over and taking it back, step by step."""

from jobs.doors import Doors
from portal.imports import steps


async def work(import_id: int, doors: Doors) -> None:
    """All steps an import has to be taken now, as the queue tells."""
    while await steps.step(import_id, settings=doors.settings, vault=doors.vault, clock=doors.clock):
        pass


async def sweep(doors: Doors) -> int:
    """What the queue lost or a dead worker left."""
    left = await steps.due(now=doors.clock.now())
    for import_id in left:
        await work(import_id, doors)
    return len(left) + await steps.sweep_strays(settings=doors.settings, now=doors.clock.now())
