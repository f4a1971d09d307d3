"""Money found by a phone within one merchant's, without reading all that merchant ever received."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T16:53:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "finding money by phone"

STATEMENTS = [
    "DROP INDEX payments_phone",
    "CREATE INDEX payments_phone ON payments (phone, merchant_id, created_at DESC)",
    "CREATE INDEX receipts_phone ON receipts (phone, merchant_id) WHERE phone IS NOT NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
