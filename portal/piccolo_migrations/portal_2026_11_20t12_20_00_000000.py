"""M-Pesa's questions are looked up by what the payer typed, too: a refused one never becomes money with a receipt of ours."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T12:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "c2b questions by what was typed"

STATEMENTS = ["CREATE INDEX c2b_questions_typed ON c2b_questions (upper(typed))"]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
