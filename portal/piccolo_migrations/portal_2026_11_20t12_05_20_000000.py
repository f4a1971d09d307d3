"""Rules of what routers hold of PPPoE subscribers, and of the wait before people hear of a router that is away."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T12:05:20:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of dial-ins and of the wait for a router that is away"

STATEMENTS = [
    "ALTER TABLE dialins ADD CONSTRAINT dialins_check_1 CHECK (bytes_up >= 0 AND bytes_down >= 0)",
    "ALTER TABLE dialins ADD CONSTRAINT dialins_check_2 CHECK (carried IS NULL OR carried ~ '^[0-9a-f]{64}$')",
    "ALTER TABLE merchants ADD CONSTRAINT merchants_away_alert CHECK (away_alert_min BETWEEN 0 AND 1440)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
