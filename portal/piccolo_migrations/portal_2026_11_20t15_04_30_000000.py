"""Rules of packages: bursts above the speed, hours within a day, promo prices below the price, and one package per form."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:04:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of packages"

STATEMENTS = [
    "ALTER TABLE packages ADD CONSTRAINT packages_burst_down CHECK (burst_down_kbps > rate_down_kbps)",
    "ALTER TABLE packages ADD CONSTRAINT packages_burst_up CHECK (burst_up_kbps > rate_up_kbps)",
    "ALTER TABLE packages ADD CONSTRAINT packages_threshold CHECK (threshold_down_kbps > 0 AND threshold_up_kbps > 0)",
    "ALTER TABLE packages ADD CONSTRAINT packages_burst_time CHECK (burst_time_s BETWEEN 1 AND 600)",
    """ALTER TABLE packages ADD CONSTRAINT packages_sell_hours CHECK (sell_days BETWEEN 1 AND 127
       AND (sell_from_min IS NULL) = (sell_until_min IS NULL)
       AND sell_from_min BETWEEN 0 AND 1439 AND sell_until_min BETWEEN 0 AND 1439)""",
    """ALTER TABLE packages ADD CONSTRAINT packages_use_hours CHECK (use_days BETWEEN 1 AND 127
       AND (use_from_min IS NULL) = (use_until_min IS NULL)
       AND use_from_min BETWEEN 0 AND 1439 AND use_until_min BETWEEN 0 AND 1439)""",
    """ALTER TABLE packages ADD CONSTRAINT packages_promo CHECK (promo_cents IS NULL
       OR (promo_cents > 0 AND promo_cents < price_cents AND promo_until IS NOT NULL AND coalesce(promo_from < promo_until, true)))""",
    "ALTER TABLE packages ADD CONSTRAINT packages_trials CHECK (trials_a_day BETWEEN 1 AND 100000)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
