"""Rules of the routers' setup: a router may be removed, is reached in one of three ways, and findings have a worst one."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T06:31:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of router setup and checks"

STATEMENTS = [
    "ALTER TABLE routers DROP CONSTRAINT routers_check_1",
    """ALTER TABLE routers ADD CONSTRAINT routers_check_1
       CHECK (status IN ('new','online','late','offline','paused','removed'))""",
    "ALTER TABLE routers ADD CONSTRAINT routers_check_3 CHECK (way IN ('direct','tunnel','pull'))",
    "ALTER TABLE router_checks ADD CONSTRAINT router_checks_check_1 CHECK (worst IN ('ok','note','warn','bad'))",
    "CREATE INDEX router_checks_router ON router_checks (router_id, id DESC)",
    "CREATE INDEX router_checks_merchant ON router_checks (merchant_id, id DESC)",
    "CREATE INDEX router_scripts_merchant ON router_scripts (merchant_id, id DESC)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
