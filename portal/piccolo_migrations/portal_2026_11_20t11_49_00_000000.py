"""Rules of promos, reminders and devices: what a promo may say, and that the rows a look-up needs are found without reading the
rest."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T11:49:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of promos, reminders and devices"

STATEMENTS = [
    """ALTER TABLE promos ADD CONSTRAINT promos_check_1 CHECK (
         (kind = 'percent' AND percent IS NOT NULL AND percent BETWEEN 1 AND 100 AND amount_cents IS NULL)
         OR (kind = 'amount' AND amount_cents IS NOT NULL AND amount_cents > 0 AND percent IS NULL))""",
    "ALTER TABLE promos ADD CONSTRAINT promos_check_2 CHECK (code ~ '^[A-Z0-9]{3,20}$')",
    "ALTER TABLE promos ADD CONSTRAINT promos_check_3 CHECK (ends_at IS NULL OR ends_at > starts_at)",
    "ALTER TABLE promos ADD CONSTRAINT promos_check_4 CHECK (percent IS DISTINCT FROM 100 OR most_uses IS NOT NULL)",
    "CREATE UNIQUE INDEX promos_code ON promos (merchant_id, code) WHERE archived_at IS NULL",
    "CREATE INDEX promos_listed ON promos (merchant_id, id)",
    """ALTER TABLE redemptions ADD CONSTRAINT redemptions_check_1
       CHECK (off_cents > 0 AND off_cents <= price_cents)""",
    "CREATE INDEX redemptions_open ON redemptions (promo_id) WHERE NOT is_final",
    "CREATE INDEX redemptions_promo ON redemptions (promo_id, id)",
    "CREATE INDEX redemptions_phone ON redemptions (promo_id, phone)",
    "CREATE INDEX redemptions_mac ON redemptions (promo_id, mac)",
    "ALTER TABLE reminders ADD CONSTRAINT reminders_check_1 CHECK (kind IN ('hour', 'minutes', 'over'))",
    "CREATE INDEX devices_same_as ON devices (same_as_id) WHERE same_as_id IS NOT NULL",
    """ALTER TABLE device_vouchers ADD CONSTRAINT device_vouchers_check_1
       CHECK (proof IN ('bought', 'code', 'link'))""",
    "CREATE INDEX vouchers_ended ON vouchers (ended_at) WHERE status = 'expired'",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
