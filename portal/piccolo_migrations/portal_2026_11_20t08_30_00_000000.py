"""Rules of looks at drift: one under way per router, and who may be vouched for."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T08:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of looks at drift"

STATEMENTS = [
    "ALTER TABLE drift_looks ADD CONSTRAINT drift_looks_check_1 CHECK (wish IN ('look','repair','remove'))",
    "ALTER TABLE drift_looks ADD CONSTRAINT drift_looks_check_2 CHECK (done_at >= asked_at)",
    "ALTER TABLE known_rows ADD CONSTRAINT known_rows_check_1 CHECK (kind IN ('user','device'))",
    "CREATE UNIQUE INDEX drift_looks_open ON drift_looks (router_id) WHERE done_at IS NULL",
    "CREATE INDEX drift_looks_router ON drift_looks (router_id, id DESC)",
    "CREATE INDEX drift_looks_merchant ON drift_looks (merchant_id, id DESC)",
    "CREATE INDEX known_rows_merchant ON known_rows (merchant_id, id DESC)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
