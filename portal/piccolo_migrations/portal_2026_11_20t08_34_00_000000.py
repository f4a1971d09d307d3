"""Rules of money that came in: each receipt once, postings of one currency that nobody edits or empties, states and look-ups."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T08:34:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of receipts, suspense, credits, claims and messages"

RAILS = "('mpesa','airtel','paystack','cash','manual')"
CHECKS = [
    "ALTER TABLE merchants ADD CONSTRAINT merchants_second_receipt CHECK (second_receipt IN ('extend','credit','refund'))",
    "ALTER TABLE payments DROP CONSTRAINT payments_check_2",
    """ALTER TABLE payments ADD CONSTRAINT payments_check_2
       CHECK (method IN ('stk','c2b','cash','manual','airtel','paystack','credit'))""",
    "ALTER TABLE payments ADD CONSTRAINT payments_commission CHECK (commission_bp BETWEEN 0 AND 10000)",
    f"ALTER TABLE receipts ADD CONSTRAINT receipts_check_1 CHECK (rail IN {RAILS})",
    "ALTER TABLE receipts ADD CONSTRAINT receipts_check_2 CHECK (amount_cents > 0)",
    "ALTER TABLE receipts ADD CONSTRAINT receipts_check_3 CHECK (receipt <> '')",
    "ALTER TABLE suspense ADD CONSTRAINT suspense_check_1 CHECK (status IN ('open','resolved','refunding','refunded'))",
    "ALTER TABLE suspense ADD CONSTRAINT suspense_check_2 CHECK (resolution IN ('attached','credited','kept','refund'))",
    "ALTER TABLE suspense ADD CONSTRAINT suspense_check_3 CHECK ((status = 'open') = (resolved_at IS NULL))",
    "ALTER TABLE suspense ADD CONSTRAINT suspense_check_4 CHECK (amount_cents > 0)",
    """ALTER TABLE refunds ADD CONSTRAINT refunds_check_1
       CHECK (status IN ('wanted','sending','unknown','done','failed','dropped'))""",
    "ALTER TABLE refunds ADD CONSTRAINT refunds_check_2 CHECK (amount_cents > 0)",
    "ALTER TABLE refunds ADD CONSTRAINT refunds_check_3 CHECK ((status = 'done') = (done_at IS NOT NULL))",
    "ALTER TABLE claims ADD CONSTRAINT claims_check_1 CHECK (status IN ('open','linked','refused'))",
    "ALTER TABLE claims ADD CONSTRAINT claims_check_2 CHECK ((status = 'open') = (closed_at IS NULL))",
    "ALTER TABLE messages ADD CONSTRAINT messages_check_1 CHECK (status IN ('queued','sending','sent','failed','dropped'))",
    "ALTER TABLE ledger_postings DROP CONSTRAINT ledger_postings_check_1",
    """ALTER TABLE ledger_postings ADD CONSTRAINT ledger_postings_check_1 CHECK (kind IN
       ('sale','part_payment','suspense','extra_payment','resolution','credit_use','refund','refund_done','payout','sms',
        'cash_up','reversal'))""",
    "ALTER TABLE ledger_postings ADD CONSTRAINT ledger_postings_check_2 CHECK ((kind = 'reversal') = (reverses_id IS NOT NULL))",
    """ALTER TABLE ledger_postings ADD CONSTRAINT ledger_postings_reverses
       FOREIGN KEY (reverses_id) REFERENCES ledger_postings (id)""",
    "ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_check_1",
    """ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_check_1 CHECK (account IN
       ('mpesa_clearing','airtel_clearing','paystack_clearing','own_clearing','cash','merchant_payable','commission',
        'suspense','customer_credit','refunds','payouts','sms_cost'))""",
    # What was written before customers had accounts stays as it is.
    """ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_check_3
       CHECK ((account = 'customer_credit') = (credit_id IS NOT NULL)) NOT VALID""",
]
INDEXES = [
    "CREATE UNIQUE INDEX ledger_postings_reversed ON ledger_postings (reverses_id)",
    "DROP INDEX ledger_postings_once",
    """CREATE UNIQUE INDEX ledger_postings_once ON ledger_postings (payment_id, kind)
       WHERE receipt IS NULL AND reverses_id IS NULL""",
    "CREATE INDEX receipts_merchant ON receipts (merchant_id, id DESC)",
    "CREATE INDEX suspense_open ON suspense (merchant_id, id DESC) WHERE status = 'open'",
    "CREATE INDEX suspense_merchant ON suspense (merchant_id, id DESC)",
    "CREATE INDEX refunds_merchant ON refunds (merchant_id, id DESC)",
    "CREATE INDEX refunds_wanted ON refunds (id) WHERE status IN ('wanted','sending','unknown')",
    "CREATE INDEX claims_open ON claims (receipt) WHERE status = 'open'",
    "CREATE INDEX messages_due ON messages (next_try_at) WHERE status = 'queued'",
    "CREATE INDEX messages_merchant ON messages (merchant_id, id DESC)",
]
GUARDS = [
    """CREATE OR REPLACE FUNCTION posting_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE total bigint; currencies int; strangers int;
    BEGIN
      SELECT coalesce(sum(e.amount_cents), 0), count(DISTINCT e.currency),
             count(*) FILTER (WHERE e.merchant_id IS NOT NULL AND e.merchant_id IS DISTINCT FROM p.merchant_id)
      INTO total, currencies, strangers
      FROM ledger_entries e JOIN ledger_postings p ON p.id = e.posting_id WHERE e.posting_id = NEW.posting_id;
      IF total <> 0 THEN
        RAISE EXCEPTION 'ledger posting % does not balance: %', NEW.posting_id, total USING ERRCODE = 'check_violation';
      END IF;
      IF currencies <> 1 THEN
        RAISE EXCEPTION 'ledger posting % mixes currencies', NEW.posting_id USING ERRCODE = 'check_violation';
      END IF;
      IF strangers <> 0 THEN
        RAISE EXCEPTION 'ledger posting % touches another merchant', NEW.posting_id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$""",
    """CREATE FUNCTION posting_has_entries() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT FROM ledger_entries WHERE posting_id = NEW.id) THEN
        RAISE EXCEPTION 'ledger posting % has no entries', NEW.id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER ledger_postings_filled AFTER INSERT ON ledger_postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION posting_has_entries()""",
    *(
        f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        for table in ("ledger_entries", "ledger_postings", "events")
    ),
]
#: Receipts that were known before they had rows of their own.
BACKFILL = [
    """INSERT INTO receipts (merchant_id, account_id, receipt, amount_cents, currency, payment_id, roads, phone, created_at)
       SELECT merchant_id, account_id, receipt, coalesce(received_cents, amount_cents), currency, id, 'before',
              nullif(phone, ''), coalesce(paid_at, created_at)
       FROM payments WHERE receipt IS NOT NULL AND coalesce(received_cents, amount_cents) > 0 ON CONFLICT DO NOTHING""",
    """INSERT INTO receipts (merchant_id, account_id, receipt, amount_cents, currency, payment_id, roads, created_at)
       SELECT l.merchant_id, p.account_id, l.receipt, e.amount_cents, e.currency, l.payment_id, 'before', l.created_at
       FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id AND e.account = 'mpesa_clearing'
       LEFT JOIN payments p ON p.id = l.payment_id
       WHERE l.receipt IS NOT NULL AND e.amount_cents > 0 ON CONFLICT DO NOTHING""",
    """INSERT INTO suspense (merchant_id, receipt_id, amount_cents, currency, why, created_at)
       SELECT l.merchant_id, r.id, r.amount_cents, r.currency, 'wrong_amount', l.created_at
       FROM ledger_postings l JOIN receipts r ON r.receipt = l.receipt WHERE l.kind = 'suspense'""",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in CHECKS + INDEXES + GUARDS + BACKFILL:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
