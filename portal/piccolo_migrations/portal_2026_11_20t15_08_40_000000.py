"""Prints: their statuses, and the indexes by which the worker finds those that wait and those whose time is over."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:08:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of prints"

STATEMENTS = [
    "ALTER TABLE prints ADD CONSTRAINT prints_check_status CHECK (status IN ('queued', 'making', 'ready', 'failed', 'gone'))",
    "ALTER TABLE prints ADD CONSTRAINT prints_check_layout CHECK (layout IN ('a4-40', 'a4-24', 'mm80', 'mm58'))",
    "ALTER TABLE prints ADD CONSTRAINT prints_check_counts CHECK (codes BETWEEN 0 AND cards AND done BETWEEN 0 AND cards)",
    "CREATE INDEX prints_due ON prints (next_try_at) WHERE next_try_at IS NOT NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
