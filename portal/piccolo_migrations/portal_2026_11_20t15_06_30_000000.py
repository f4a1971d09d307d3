"""What batches were before they were made bit by bit, and the indexes of the list of vouchers: for each way to look at it, a status
and the newest of it. Whatever statuses are wanted, a page is read from the ends of some of these ranges."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:06:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of batches, and indexes of the list of vouchers"

STATEMENTS = [
    """UPDATE batches b SET made = (SELECT count(*) FROM vouchers v WHERE v.batch_id = b.id), done_at = created_at
       WHERE code_length IS NULL""",
    "ALTER TABLE batches ADD CONSTRAINT batches_check_kind CHECK (kind IN ('reference', 'cash'))",
    "ALTER TABLE batches ADD CONSTRAINT batches_check_made CHECK (made BETWEEN 0 AND size)",
    """ALTER TABLE batches ADD CONSTRAINT batches_check_done
       CHECK (done_at IS NOT NULL OR (cancelled_at IS NULL AND terms IS NOT NULL AND price_cents IS NOT NULL
                                      AND code_length IS NOT NULL))""",
    "CREATE INDEX batches_making ON batches (id) WHERE done_at IS NULL",
    "DROP INDEX vouchers_merchant_status",
    "CREATE INDEX vouchers_merchant_status ON vouchers (merchant_id, status, created_at DESC, id DESC)",
    "CREATE INDEX vouchers_package ON vouchers (package_id, status, created_at DESC, id DESC)",
    "CREATE INDEX vouchers_router ON vouchers (router_id, status, created_at DESC, id DESC) WHERE router_id IS NOT NULL",
    "CREATE INDEX vouchers_merchant_ended ON vouchers (merchant_id, ended_at DESC, id DESC) WHERE ended_at IS NOT NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
