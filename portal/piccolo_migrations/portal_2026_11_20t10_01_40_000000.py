"""Each end of access writes every index of its rows anew: without those that no question and no foreign key needs. Packages,
routers and merchants are never deleted, so nothing looks for their vouchers or grants by them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T10:01:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "vouchers by batch only where they have one; no index of grants by merchant"

STATEMENTS = [
    "CREATE INDEX vouchers_batch ON vouchers (batch_id, id) WHERE batch_id IS NOT NULL",
    "DROP INDEX access_grants_merchant",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
