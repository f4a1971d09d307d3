"""Rules of money on its way out: one live request per refund and per payout, amounts M-Pesa can move, states and look-ups."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T09:37:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of refunds, payouts and transfers"

STATEMENTS = [
    "ALTER TABLE merchants ADD CONSTRAINT merchants_refund_limit CHECK (refund_limit_cents >= 0)",
    "ALTER TABLE refunds DROP CONSTRAINT refunds_check_1",
    """ALTER TABLE refunds ADD CONSTRAINT refunds_check_1
       CHECK (status IN ('wanted','approved','sending','unknown','done','failed','dropped'))""",
    "ALTER TABLE refunds ADD CONSTRAINT refunds_check_4 CHECK (scope IN ('whole','part','extra'))",
    "ALTER TABLE refunds ADD CONSTRAINT refunds_check_5 CHECK (road IN ('','reversal','b2c','credit','cash'))",
    # What was sent before there was an approval stays as it is.
    """ALTER TABLE refunds ADD CONSTRAINT refunds_check_6
       CHECK (status IN ('wanted','dropped') OR approved_at IS NOT NULL) NOT VALID""",
    "DROP INDEX refunds_wanted",
    "CREATE INDEX refunds_open ON refunds (id) WHERE status IN ('wanted','approved','sending','unknown','failed')",
    "ALTER TABLE transfers ADD CONSTRAINT transfers_check_1 CHECK (kind IN ('b2c','reversal'))",
    """ALTER TABLE transfers ADD CONSTRAINT transfers_check_2
       CHECK (status IN ('created','submitting','sent','unknown','done','failed'))""",
    "ALTER TABLE transfers ADD CONSTRAINT transfers_check_3 CHECK (amount_cents > 0 AND amount_cents % 100 = 0)",
    "ALTER TABLE transfers ADD CONSTRAINT transfers_check_4 CHECK ((refund_id IS NULL) <> (payout_id IS NULL))",
    """ALTER TABLE transfers ADD CONSTRAINT transfers_check_5
       CHECK ((kind = 'b2c') = (phone <> '') AND (kind = 'reversal') = (receipt <> ''))""",
    "ALTER TABLE transfers ADD CONSTRAINT transfers_check_6 CHECK ((status IN ('done','failed')) = (ended_at IS NOT NULL))",
    # Never twice: while one request may have moved the money, or has, there is no other.
    "CREATE UNIQUE INDEX transfers_refund ON transfers (refund_id) WHERE status <> 'failed'",
    "CREATE UNIQUE INDEX transfers_payout ON transfers (payout_id) WHERE status <> 'failed'",
    "CREATE UNIQUE INDEX transfers_receipt ON transfers (receipt) WHERE kind = 'reversal' AND status <> 'failed'",
    "CREATE INDEX transfers_due ON transfers (next_try_at) WHERE status NOT IN ('done','failed')",
    "CREATE INDEX transfers_merchant ON transfers (merchant_id, id DESC)",
    "CREATE UNIQUE INDEX payout_plans_merchant ON payout_plans (merchant_id)",
    "ALTER TABLE payout_plans ADD CONSTRAINT payout_plans_check_1 CHECK (schedule IN ('off','daily','weekly','threshold'))",
    "ALTER TABLE payout_plans ADD CONSTRAINT payout_plans_check_2 CHECK (weekday BETWEEN 1 AND 7)",
    """ALTER TABLE payout_plans ADD CONSTRAINT payout_plans_check_3
       CHECK (threshold_cents >= 0 AND minimum_cents >= 1000 AND fee_cents >= 0)""",
    "CREATE UNIQUE INDEX payout_numbers_live ON payout_numbers (merchant_id) WHERE ended_at IS NULL",
    "ALTER TABLE payouts ADD CONSTRAINT payouts_check_1 CHECK (status IN ('wanted','sending','unknown','done','failed','dropped'))",
    "ALTER TABLE payouts ADD CONSTRAINT payouts_check_2 CHECK (amount_cents BETWEEN 1000 AND 25000000 AND fee_cents >= 0)",
    "ALTER TABLE payouts ADD CONSTRAINT payouts_check_3 CHECK ((status = 'done') = (done_at IS NOT NULL))",
    "CREATE INDEX payouts_merchant ON payouts (merchant_id, id DESC)",
    "CREATE INDEX payouts_open ON payouts (id) WHERE status IN ('wanted','sending','unknown')",
    "ALTER TABLE ledger_postings DROP CONSTRAINT ledger_postings_check_1",
    """ALTER TABLE ledger_postings ADD CONSTRAINT ledger_postings_check_1 CHECK (kind IN
       ('sale','part_payment','suspense','extra_payment','resolution','credit_use','refund','refund_done','payout',
        'payout_done','sms','cash_up','reversal'))""",
    "ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_check_1",
    """ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_check_1 CHECK (account IN
       ('mpesa_clearing','airtel_clearing','paystack_clearing','own_clearing','cash','merchant_payable','commission',
        'suspense','customer_credit','refunds','payouts','payout_fees','sms_cost'))""",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
