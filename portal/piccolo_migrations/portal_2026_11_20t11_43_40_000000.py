"""Rules of job runs: what they may be, and the few that wait or were given up are found without reading the rest. Runs from
before today count as asked for when they were due."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T11:43:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of job runs and places"

STATEMENTS = [
    "ALTER TABLE job_runs DROP CONSTRAINT job_runs_check_1",
    """ALTER TABLE job_runs ADD CONSTRAINT job_runs_check_1
       CHECK (status IN ('queued','running','retry','done','failed','dead','discarded'))""",
    "ALTER TABLE job_runs ADD CONSTRAINT job_runs_check_2 CHECK (source IN ('clock','cron','hand','start'))",
    "ALTER TABLE job_runs ADD CONSTRAINT job_runs_check_3 CHECK (status <> 'retry' OR next_try_at IS NOT NULL)",
    "DROP INDEX job_runs_open",
    "CREATE INDEX job_runs_open ON job_runs (job, key, id) WHERE status IN ('queued','running','retry')",
    "CREATE INDEX job_runs_waiting ON job_runs (next_try_at) WHERE status IN ('queued','retry')",
    "CREATE INDEX job_runs_given_up ON job_runs (id) WHERE status IN ('failed','dead')",
    "CREATE INDEX job_runs_began ON job_runs (job, started_at DESC)",
    "ALTER TABLE job_places SET (fillfactor = 50)",
    "ALTER TABLE job_workers SET (fillfactor = 50)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        await DB.run_ddl("UPDATE job_runs SET asked_at = slot")
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
