"""Rules of giving money back by other rails: each request goes by one account, and only M-Pesa moves whole units alone."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T11:42:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of giving money back by other rails"

STATEMENTS = [
    "ALTER TABLE transfers DROP CONSTRAINT transfers_check_3",
    """ALTER TABLE transfers ADD CONSTRAINT transfers_check_3
       CHECK (amount_cents > 0 AND (rail_account_id IS NOT NULL OR amount_cents % 100 = 0))""",
    "ALTER TABLE transfers ADD CONSTRAINT transfers_check_7 CHECK ((account_id IS NULL) <> (rail_account_id IS NULL))",
    "ALTER TABLE transfers ADD CONSTRAINT transfers_check_8 CHECK (kind = 'reversal' OR rail_account_id IS NULL)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
