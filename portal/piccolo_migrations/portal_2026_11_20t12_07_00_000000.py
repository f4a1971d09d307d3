"""Metrics count runs by when they ended, from where they counted last."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T12:07:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "job runs by when they ended"

STATEMENTS = ["CREATE INDEX job_runs_ended ON job_runs (ended_at)"]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
