"""Looking after the house's own data: backups and their drills, cleaning, and the database's own upkeep."""

import asyncio
import logging
from datetime import timedelta

from jobs.doors import Doors
from jobs.tally import Tally
from portal import devices, identity, limits, running, upkeep_database, upkeep_logs, upkeep_reports, upkeep_storage
from portal.backups import drills, making
from portal.backups.making import shelf_of
from portal.printing import runs
from portal.privacy import runs as copies

log = logging.getLogger(__name__)

DEVICES_KEPT = timedelta(days=30)
_REBUILD_S = 1800.0
_CLEAN_S = 1200.0


async def back_up(doors: Doors) -> Tally:
    """One backup, and away with what retention no longer keeps. `processed` counts rows."""
    made = await making.make(doors.settings, doors.clock)
    log.info("backup made", extra={"backup": made.path.name, "bytes": made.size_bytes, "removed": len(made.removed)})
    return Tally(processed=made.manifest.holds.rows)


async def drill(doors: Doors) -> Tally:
    """Restore the newest backup for trial. `processed` counts rows. Before the first backup there is nothing to try; were none made
    for long, the backup's own alarm says so."""
    if not shelf_of(doors.settings).all():
        return Tally()
    drilled = await drills.drill(doors.settings, doors.clock)
    log.info("restore drill went well", extra={"backup": drilled.path.name, "restore_s": round(drilled.restore_s, 1)})
    return Tally(processed=drilled.manifest.holds.rows)


async def maintain(doors: Doors) -> Tally:
    """The database's own upkeep. `processed` counts indexes made anew, `failed` what needs a person; the report is kept."""
    report = await upkeep_database.maintain(now=doors.clock.now(), budget_s=_REBUILD_S)
    for problem in report.problems:
        log.error("the database needs a person: %s", problem)
    return Tally(processed=len(report.rebuilt), failed=len(report.problems))


async def clean_logs(doors: Doors) -> Tally:
    """Old rows of logs, sign-ins that are over, and counters of tries that count no more."""
    now = doors.clock.now()
    tally = Tally(processed=await identity.sweep(now=now, settings=doors.settings) + await limits.sweep(now=now))
    cleaned = await upkeep_logs.clean(now=now, days=doors.settings.backups.keep_days, budget_s=_CLEAN_S)
    log.info("logs cleaned", extra={"rows": cleaned.gone})
    tally.processed += sum(cleaned.gone.values())
    tally.failed += len(cleaned.failed)
    return tally


async def clean_devices(doors: Doors) -> Tally:
    """Devices nobody saw for a month, until none is left."""
    tally, before = Tally(), doors.clock.now() - DEVICES_KEPT
    while done := await devices.forget(before=before, limit=1000):
        tally.processed += done
        running.tell(tally.processed, what="devices")
    return tally


async def clean_storage(doors: Doors) -> Tally:
    """What killed processes left in the data folder. Files that nobody knows are left and told; the report is kept."""
    settings = doors.settings
    found = await asyncio.to_thread(
        upkeep_storage.tidy, settings.data_dir, shelf_of(settings), also_known=[settings.spool_dir]
    )
    for strange in found.unknown:
        log.warning("not ours in the data folder, left alone: %s", strange.name)
    await upkeep_reports.keep(found, is_good=not found.unknown and not found.is_nearly_full, now=doors.clock.now())
    strays = await runs.sweep_strays(settings=settings, now=doors.clock.now())
    strays += await copies.sweep_strays(settings=settings, now=doors.clock.now())
    return Tally(processed=len(found.removed) + strays)
