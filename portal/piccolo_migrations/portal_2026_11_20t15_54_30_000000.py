"""Rules of agents: accounts of theirs in the ledger, their states, and the indexes by which stock and balances are found."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:54:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of agents"

STATEMENTS = [
    "ALTER TABLE ledger_postings DROP CONSTRAINT ledger_postings_check_1",
    """ALTER TABLE ledger_postings ADD CONSTRAINT ledger_postings_check_1 CHECK (kind IN
       ('sale','part_payment','suspense','extra_payment','resolution','credit_use','refund','refund_done','payout',
        'payout_done','sms','cash_up','reversal','wallet','bill','bill_return','agent_sale','agent_money'))""",
    "ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_check_1",
    """ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_check_1 CHECK (account IN
       ('mpesa_clearing','airtel_clearing','paystack_clearing','own_clearing','cash','merchant_payable','commission',
        'suspense','customer_credit','refunds','payouts','payout_fees','sms_cost','agents','agent_commission'))""",
    """ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_check_agent
       CHECK ((account IN ('agents','agent_commission')) = (agent_id IS NOT NULL))""",
    "CREATE INDEX ledger_entries_agent ON ledger_entries (agent_id, account, id) WHERE agent_id IS NOT NULL",
    """ALTER TABLE vouchers ADD CONSTRAINT vouchers_allotment
       FOREIGN KEY (allotment_id) REFERENCES agent_allotments (id) ON DELETE RESTRICT""",
    "CREATE INDEX vouchers_allotment ON vouchers (allotment_id, status) WHERE allotment_id IS NOT NULL",
    "CREATE INDEX payments_sold_by ON payments (merchant_id, sold_by, created_at) WHERE sold_by IS NOT NULL",
    "ALTER TABLE agents ADD CONSTRAINT agents_check_1 CHECK (status IN ('active','paused','closed'))",
    "ALTER TABLE agents ADD CONSTRAINT agents_check_2 CHECK (commission_bp BETWEEN 0 AND 10000)",
    "ALTER TABLE agents ADD CONSTRAINT agents_check_3 CHECK (credit_cents >= 0)",
    "CREATE UNIQUE INDEX agents_user ON agents (merchant_id, user_id) WHERE user_id IS NOT NULL AND status <> 'closed'",
    "ALTER TABLE agent_rates ADD CONSTRAINT agent_rates_check_1 CHECK (commission_bp BETWEEN 0 AND 10000)",
    """ALTER TABLE agent_allotments ADD CONSTRAINT agent_allotments_check_1
       CHECK (size > 0 AND price_cents >= 0 AND commission_bp BETWEEN 0 AND 10000)""",
    """ALTER TABLE agent_moneys ADD CONSTRAINT agent_moneys_check_1
       CHECK (how IN ('cash','mpesa','paybill','paid_out','correction') AND amount_cents <> 0)""",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
