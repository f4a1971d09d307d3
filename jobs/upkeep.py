"""Looking after the house's own data: backups and their drills, cleaning, and the database's own upkeep."""

import logging

from jobs.doors import Doors
from jobs.tally import Tally
from portal.backups import drills, making

log = logging.getLogger(__name__)


async def back_up(doors: Doors) -> Tally:
    """One backup, and away with what retention no longer keeps. `processed` counts rows."""
    made = await making.make(doors.settings, doors.clock)
    log.info("backup made", extra={"backup": made.path.name, "bytes": made.size_bytes, "removed": len(made.removed)})
    return Tally(processed=made.manifest.holds.rows)


async def drill(doors: Doors) -> Tally:
    """Restore the newest backup for trial. `processed` counts rows."""
    drilled = await drills.drill(doors.settings, doors.clock)
    log.info("restore drill went well", extra={"backup": drilled.path.name, "restore_s": round(drilled.restore_s, 1)})
    return Tally(processed=drilled.manifest.holds.rows)
