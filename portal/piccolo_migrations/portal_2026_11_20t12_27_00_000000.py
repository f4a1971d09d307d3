"""Who left a router when: found by router and moment, for the router's page."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T12:27:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "index of grants that left their router"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        await DB.run_ddl("CREATE INDEX access_grants_left ON access_grants (router_id, ended_at) WHERE status = 'gone'")

    manager.add_raw(run)
    return manager
