"""Stretches of PPPoE sessions: one open at a time for each customer on a router, found by when they were seen."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:27:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "indexes of stretches of PPPoE sessions"

STATEMENTS = [
    "CREATE UNIQUE INDEX dialin_spans_open ON dialin_spans (dialin_id) WHERE ended_at IS NULL",
    "CREATE INDEX dialin_spans_merchant ON dialin_spans (merchant_id, seen_at DESC)",
    "CREATE INDEX dialin_spans_over ON dialin_spans (merchant_id, ended_at) WHERE ended_at IS NOT NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
