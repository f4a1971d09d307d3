"""Rules of imports and of operators' visits, and the indexes they are read by."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T16:12:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of imports and visits"

STATEMENTS = [
    "ALTER TABLE imports ADD CONSTRAINT imports_check_1 CHECK (source IN ('mikhmon','phpnuxbill','csv'))",
    """ALTER TABLE imports ADD CONSTRAINT imports_check_2 CHECK (status IN
       ('waiting','checked','running','done','undoing','undone','failed','dropped'))""",
    "CREATE INDEX imports_due ON imports (next_try_at) WHERE next_try_at IS NOT NULL",
    """ALTER TABLE import_rows ADD CONSTRAINT import_rows_check_1 CHECK (kind IN ('package','code','money','person')
       AND verdict IN ('make','join','skip','tell') AND outcome IN ('made','joined','skipped','undone','kept'))""",
    "CREATE UNIQUE INDEX import_rows_place ON import_rows (import_id, place)",
    "CREATE INDEX imported_codes_loose ON imported_codes (merchant_id, loose_hash)",
    "CREATE INDEX visits_session ON visits (session_key) WHERE ended_at IS NULL",
    "CREATE INDEX announcements_until ON announcements (until_at)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
