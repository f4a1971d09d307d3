"""What an import of PHPNuxBill is called fits its column."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T16:24:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "sources of imports"

STATEMENTS = [
    "ALTER TABLE imports DROP CONSTRAINT imports_check_1",
    "ALTER TABLE imports ADD CONSTRAINT imports_check_1 CHECK (source IN ('mikhmon','nuxbill','csv'))",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
