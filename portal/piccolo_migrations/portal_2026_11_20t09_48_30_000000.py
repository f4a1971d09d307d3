"""Rules of exchanges, and the way from a receipt to the message that told of it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T09:48:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of exchanges, and the way from a receipt to its message"

STATEMENTS = [
    "ALTER TABLE exchanges ADD CONSTRAINT exchanges_check_1 CHECK (took_ms >= 0)",
    "CREATE TRIGGER exchanges_fixed BEFORE UPDATE OR DELETE ON exchanges FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER exchanges_kept BEFORE TRUNCATE ON exchanges FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "CREATE INDEX callbacks_by_hand ON callbacks (account_id, received_at) WHERE road = 'c2b'",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
