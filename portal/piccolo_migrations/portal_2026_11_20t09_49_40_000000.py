"""Rules of other rails and of cash drawers: one live account per rail, receipts unique per rail, one open drawer per cashier."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T09:49:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of other rails and of cash drawers"

STATEMENTS = [
    "ALTER TABLE rail_accounts ADD CONSTRAINT rail_accounts_check_1 CHECK (rail IN ('airtel','paystack'))",
    "ALTER TABLE rail_accounts ADD CONSTRAINT rail_accounts_check_2 CHECK (environment IN ('sandbox','production'))",
    "CREATE UNIQUE INDEX rail_accounts_live ON rail_accounts (coalesce(merchant_id, 0), rail) WHERE ended_at IS NULL",
    "ALTER TABLE floats ADD CONSTRAINT floats_check_1 CHECK (status IN ('open','closed'))",
    "ALTER TABLE floats ADD CONSTRAINT floats_check_2 CHECK (float_cents >= 0 AND counted_cents >= 0)",
    """ALTER TABLE floats ADD CONSTRAINT floats_check_3 CHECK ((status = 'closed') =
       (closed_at IS NOT NULL AND sold_cents IS NOT NULL AND counted_cents IS NOT NULL AND closed_by IS NOT NULL))""",
    "CREATE UNIQUE INDEX floats_open ON floats (merchant_id, user_id) WHERE status = 'open'",
    # A cash sale keeps its method; everything that is not named is M-Pesa's.
    """CREATE UNIQUE INDEX payments_receipt ON payments (receipt, (CASE WHEN method IN ('airtel','paystack','cash','manual')
       THEN method ELSE 'mpesa' END)) WHERE receipt IS NOT NULL""",
    "CREATE INDEX payments_rail_to_query ON payments (next_query_at) WHERE rail_account_id IS NOT NULL",
    "ALTER TABLE payments ADD CONSTRAINT payments_rail CHECK (rail_account_id IS NULL OR account_id IS NULL)",
    "ALTER TABLE callbacks DROP CONSTRAINT callbacks_check_2",
    """ALTER TABLE callbacks ADD CONSTRAINT callbacks_check_2
       CHECK (road IN ('stk','webhook','c2b','result','timeout','airtel','paystack'))""",
    "ALTER TABLE callback_addresses DROP CONSTRAINT callback_addresses_check_1",
    """ALTER TABLE callback_addresses ADD CONSTRAINT callback_addresses_check_1
       CHECK (road IN ('c2b','result','airtel','paystack'))""",
    """ALTER TABLE callback_addresses ADD CONSTRAINT callback_addresses_check_3
       CHECK ((road IN ('airtel','paystack')) = (rail_account_id IS NOT NULL))""",
    """CREATE UNIQUE INDEX callback_addresses_rail ON callback_addresses (rail_account_id)
       WHERE rail_account_id IS NOT NULL""",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
