"""Rules of branding: one row for a merchant, small pictures, a colour as it is written."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T16:06:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of branding"

STATEMENTS = [
    "CREATE UNIQUE INDEX brandings_merchant ON brandings (merchant_id)",
    "ALTER TABLE brandings ADD CONSTRAINT brandings_check_1 CHECK (accent = '' OR accent ~ '^#[0-9a-f]{6}$')",
    """ALTER TABLE brandings ADD CONSTRAINT brandings_check_2
       CHECK (octet_length(logo) <= 1500 AND octet_length(logo_print) <= 65536)""",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
