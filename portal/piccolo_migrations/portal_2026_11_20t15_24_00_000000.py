"""A batch may have ten thousand vouchers: how many of them stand where is counted, and each state listed, without reading the rest."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:24:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "vouchers of a batch by state"

STATEMENTS = [
    "DROP INDEX vouchers_batch",
    "CREATE INDEX vouchers_batch ON vouchers (batch_id, status, id DESC) WHERE batch_id IS NOT NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
