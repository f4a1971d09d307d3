"""Rules of kept money that buys, of vouchers given instead of money, of M-Pesa's questions; and postings found by their moment."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T11:44:40:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of credit that buys, vouchers instead of money and c2b questions"

STATEMENTS = [
    "ALTER TABLE payments ADD CONSTRAINT payments_credit CHECK (credit_cents BETWEEN 0 AND amount_cents)",
    "ALTER TABLE receipts DROP CONSTRAINT receipts_check_1",
    """ALTER TABLE receipts ADD CONSTRAINT receipts_check_1
       CHECK (rail IN ('mpesa','airtel','paystack','cash','manual','credit'))""",
    "ALTER TABLE refunds DROP CONSTRAINT refunds_check_5",
    """ALTER TABLE refunds ADD CONSTRAINT refunds_check_5
       CHECK (road IN ('','reversal','b2c','credit','cash','voucher'))""",
    "CREATE INDEX c2b_questions_receipt ON c2b_questions (receipt)",
    "CREATE INDEX c2b_questions_merchant ON c2b_questions (merchant_id, id DESC)",
    "CREATE INDEX ledger_postings_created ON ledger_postings (created_at)",
    "CREATE INDEX mpesa_accounts_app ON mpesa_accounts (app_hash) WHERE app_hash IS NOT NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
