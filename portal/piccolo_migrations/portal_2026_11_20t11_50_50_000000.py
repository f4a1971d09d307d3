"""Rules of subscribers: statuses, one live bill per period and one debit per bill, and the few that are due found by their moment."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T11:50:50:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of subscribers and their bills"

STATEMENTS = [
    "ALTER TABLE packages ADD CONSTRAINT packages_period CHECK (period IN ('once','month'))",
    "ALTER TABLE subscribers ADD CONSTRAINT subscribers_check_1 CHECK (status IN ('active','grace','suspended','closed'))",
    "ALTER TABLE subscribers ADD CONSTRAINT subscribers_check_2 CHECK (kind IN ('hotspot','pppoe'))",
    "ALTER TABLE subscribers ADD CONSTRAINT subscribers_check_3 CHECK (billing_day BETWEEN 1 AND 31 AND grace_days BETWEEN 0 AND 27)",
    "ALTER TABLE subscribers ADD CONSTRAINT subscribers_check_4 CHECK (price_cents >= 0)",
    """ALTER TABLE subscribers ADD CONSTRAINT subscribers_check_5
       CHECK ((kind = 'pppoe') = (user_name <> '') AND (kind = 'pppoe') = (password_sealed IS NOT NULL))""",
    "ALTER TABLE subscribers ADD CONSTRAINT subscribers_check_6 CHECK ((status = 'closed') = (closed_at IS NOT NULL))",
    "CREATE INDEX subscribers_list ON subscribers (merchant_id, id DESC)",
    "CREATE INDEX subscribers_due ON subscribers (next_at) WHERE status IN ('active','grace')",
    "CREATE INDEX subscribers_remind ON subscribers (remind_at) WHERE status IN ('active','grace')",
    "CREATE INDEX subscribers_phone ON subscribers (merchant_id, phone)",
    "CREATE UNIQUE INDEX subscribers_dialin ON subscribers (router_id, user_name) WHERE user_name <> '' AND status <> 'closed'",
    "CREATE INDEX subscribers_router ON subscribers (router_id) WHERE kind = 'pppoe'",
    "CREATE UNIQUE INDEX subscribers_voucher ON subscribers (voucher_id) WHERE voucher_id IS NOT NULL",
    "ALTER TABLE subscriber_bills ADD CONSTRAINT subscriber_bills_check_1 CHECK (status IN ('due','paid','dropped'))",
    "ALTER TABLE subscriber_bills ADD CONSTRAINT subscriber_bills_check_2 CHECK (amount_cents >= 0 AND returned_cents >= 0)",
    "ALTER TABLE subscriber_bills ADD CONSTRAINT subscriber_bills_check_3 CHECK (starts_on <= ends_on)",
    "ALTER TABLE subscriber_bills ADD CONSTRAINT subscriber_bills_check_4 CHECK (status <> 'paid' OR paid_at IS NOT NULL)",
    "ALTER TABLE subscriber_bills ADD CONSTRAINT subscriber_bills_check_5 CHECK (commission_bp BETWEEN 0 AND 10000)",
    """CREATE UNIQUE INDEX subscriber_bills_period ON subscriber_bills (subscriber_id, starts_on)
       WHERE status <> 'dropped'""",
    "CREATE INDEX subscriber_bills_list ON subscriber_bills (subscriber_id, id DESC)",
    "CREATE UNIQUE INDEX subscriber_devices_live ON subscriber_devices (merchant_id, mac) WHERE removed_at IS NULL",
    "ALTER TABLE subscriber_reminders ADD CONSTRAINT subscriber_reminders_check_1 CHECK (stage IN ('before','due','after'))",
    "ALTER TABLE ledger_postings DROP CONSTRAINT ledger_postings_check_1",
    """ALTER TABLE ledger_postings ADD CONSTRAINT ledger_postings_check_1 CHECK (kind IN
       ('sale','part_payment','suspense','extra_payment','resolution','credit_use','refund','refund_done','payout',
        'payout_done','sms','cash_up','reversal','wallet','bill','bill_return'))""",
    """ALTER TABLE ledger_postings ADD CONSTRAINT ledger_postings_bill
       CHECK (kind NOT IN ('bill','bill_return') OR bill_id IS NOT NULL)""",
    "CREATE UNIQUE INDEX ledger_postings_bill_once ON ledger_postings (bill_id) WHERE kind = 'bill'",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
