"""Rules of pull mode: how often a router may ask, and what can be counted only upwards."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T08:37:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of pull mode"

STATEMENTS = [
    "ALTER TABLE routers ADD CONSTRAINT routers_check_pull CHECK (pull_interval_s BETWEEN 10 AND 3600)",
    """ALTER TABLE routers ADD CONSTRAINT routers_check_pull_keys
       CHECK ((pull_secret_hash IS NULL) = (pull_answer_sealed IS NULL))""",
    "ALTER TABLE router_pulls ADD CONSTRAINT router_pulls_check_1 CHECK (given >= 0)",
    """ALTER TABLE router_pulls ADD CONSTRAINT router_pulls_check_2
       CHECK ((next_secret_hash IS NULL) = (next_answer_sealed IS NULL))""",
    "ALTER TABLE pull_pages ADD CONSTRAINT pull_pages_check_1 CHECK (job >= 1 AND page >= 1)",
    "CREATE INDEX routers_pull ON routers (last_seen_at) WHERE way = 'pull' AND status IN ('online','late')",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
