"""A merchant's zone is one the clock knows: an unknown one would stop the looks that go over all merchants' local days."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T13:58:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "zones of merchants are known ones"

STATEMENTS = [
    # An unknown name is an error of its own here. Area/City only: PostgreSQL knows more kinds of names than Python does.
    """ALTER TABLE merchants ADD CONSTRAINT merchants_timezone_known CHECK
       (timezone ~ '^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+)+)$'
        AND timezone(timezone, timestamptz '2026-01-01 00:00:00+00') IS NOT NULL)""",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
