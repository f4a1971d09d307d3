"""What was erased is written once; a copy of a shop's data is open, ready or over."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T16:42:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of erasures and copies"

STATEMENTS = [
    "ALTER TABLE shop_copies ADD CHECK (done >= 0 AND total >= 0 AND tries >= 0)",
    "ALTER TABLE shop_copies ADD CHECK ((next_try_at IS NULL) = (ended_at IS NOT NULL))",
    "ALTER TABLE shop_copies ADD CHECK ((ready_at IS NULL) = (size_bytes IS NULL))",
    "CREATE INDEX shop_copies_due ON shop_copies (next_try_at) WHERE next_try_at IS NOT NULL",
    "ALTER TABLE erasures ADD CHECK (octet_length(number_hash) = 32)",
    "CREATE TRIGGER erasures_fixed BEFORE UPDATE OR DELETE ON erasures FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER erasures_kept BEFORE TRUNCATE ON erasures FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
