"""Rules of callbacks by every road: a repeat by the same road to the same address is the same row; one address per use."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T08:31:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of callbacks by every road"

STATEMENTS = [
    "UPDATE callbacks SET named_id = payment_id",
    "ALTER TABLE callbacks DROP CONSTRAINT callback_unique",
    "ALTER TABLE callbacks ADD CONSTRAINT callback_unique UNIQUE (road, named_id, body_hash)",
    "ALTER TABLE callbacks ADD CONSTRAINT callbacks_check_2 CHECK (road IN ('stk','webhook','c2b','result','timeout'))",
    "ALTER TABLE callbacks ADD CONSTRAINT callbacks_check_3 CHECK (payment_id IS NOT NULL OR address_id IS NOT NULL)",
    "ALTER TABLE callbacks ADD CONSTRAINT callbacks_check_4 CHECK (verdict IN ('waiting','lent','confirmed','denied'))",
    "ALTER TABLE callbacks ADD CONSTRAINT callbacks_check_5 CHECK (lent_cents > 0)",
    "CREATE INDEX callbacks_unproved ON callbacks (payment_id) WHERE verdict IN ('waiting','lent')",
    "CREATE INDEX callbacks_lent ON callbacks (merchant_id) WHERE verdict = 'lent'",
    "ALTER TABLE callback_addresses ADD CONSTRAINT callback_addresses_check_1 CHECK (road IN ('c2b','result'))",
    """ALTER TABLE callback_addresses ADD CONSTRAINT callback_addresses_check_2
       CHECK ((road = 'result') = (kind IS NOT NULL AND request_id IS NOT NULL))""",
    "CREATE UNIQUE INDEX callback_addresses_account ON callback_addresses (account_id) WHERE road = 'c2b'",
    "CREATE UNIQUE INDEX callback_addresses_request ON callback_addresses (kind, request_id) WHERE road = 'result'",
    "ALTER TABLE merchants ADD CONSTRAINT merchants_check_5 CHECK (unverified_limit_cents >= 0)",
    "ALTER TABLE merchants ADD CONSTRAINT merchants_check_6 CHECK (unverified_denied IN ('keep','end'))",
    "ALTER TABLE merchants ADD CONSTRAINT merchants_check_7 CHECK (unknown_reference IN ('accept','refuse'))",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
