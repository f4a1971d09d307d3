"""Rules of sums by the hour that tell how it was paid and who sold it; those there are do not, so all are counted anew."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:57:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of sums by way and seller"

STATEMENTS = [
    "DROP INDEX sales_hours_once",
    """CREATE UNIQUE INDEX sales_hours_once ON sales_hours
       (merchant_id, hour_at, coalesce(router_id, 0), coalesce(package_id, 0), method, coalesce(seller_id, 0))""",
    # A mark of no zone: the next count takes everything, but leaves hours of use alone whose sessions are gone.
    "UPDATE hour_marks SET zone = ''",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
