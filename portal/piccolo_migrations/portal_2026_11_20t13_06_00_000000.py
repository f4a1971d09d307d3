"""A refund may give back what is left in a subscriber's wallet."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T13:06:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "refunds of wallets"

STATEMENTS = [
    "ALTER TABLE refunds DROP CONSTRAINT refunds_check_4",
    "ALTER TABLE refunds ADD CONSTRAINT refunds_check_4 CHECK (scope IN ('whole','part','extra','wallet'))",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
