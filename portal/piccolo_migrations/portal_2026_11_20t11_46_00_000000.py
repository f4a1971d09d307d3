"""The runs of one job are listed by themselves, however rare it is among those that run every few seconds."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T11:46:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "an index for a job's history"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        await DB.run_ddl("CREATE INDEX job_runs_history ON job_runs (job, id)")

    manager.add_raw(run)
    return manager
