"""Rules of usage and outages: one open outage per router, never counted below nothing, and the merchants' choices."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T06:58:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of usage and outages"

STATEMENTS = [
    "ALTER TABLE merchants ADD CONSTRAINT merchants_check_3 CHECK (outage_credit IN ('auto','ask','never'))",
    "ALTER TABLE merchants ADD CONSTRAINT merchants_check_4 CHECK (early_end IN ('keep','end'))",
    "ALTER TABLE router_outages ADD CONSTRAINT router_outages_check_1 CHECK (ended_at >= began_at)",
    "ALTER TABLE outage_credits ADD CONSTRAINT outage_credits_check_1 CHECK (seconds >= 0)",
    "CREATE UNIQUE INDEX router_outages_open ON router_outages (router_id) WHERE ended_at IS NULL",
    "CREATE INDEX router_outages_router ON router_outages (router_id, id DESC)",
    "CREATE INDEX router_outages_merchant ON router_outages (merchant_id, id DESC)",
    "CREATE INDEX router_outages_due ON router_outages (id) WHERE credited_at IS NULL",
    "CREATE INDEX outage_credits_merchant ON outage_credits (merchant_id, id DESC)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
