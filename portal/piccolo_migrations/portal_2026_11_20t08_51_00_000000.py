"""A transaction is asked about once at a time."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T08:51:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "a transaction is asked about once at a time"

STATEMENTS = [
    """CREATE UNIQUE INDEX mpesa_enquiries_status ON mpesa_enquiries (account_id, about)
       WHERE kind = 'status' AND answered_at IS NULL AND next_try_at IS NOT NULL""",
    "CREATE INDEX mpesa_enquiries_due ON mpesa_enquiries (next_try_at) WHERE answered_at IS NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
