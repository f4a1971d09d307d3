"""What Piccolo's classes cannot say: checks, partial and composite indexes, and the triggers that guard the ledger."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T06:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of the core tables"

CHECKS = {
    "merchants": ["kind IN ('homeowner','personal','isp','enterprise')", "commission_bp BETWEEN 0 AND 10000"],
    "users": ["email = lower(email)"],
    "memberships": ["role IN ('owner','manager','cashier','viewer')"],
    "routers": ["status IN ('new','online','late','offline','paused')", "api_port BETWEEN 1 AND 65535"],
    "packages": [
        "price_cents >= 0",
        "duration_s > 0",
        "uptime_s > 0",
        "data_bytes > 0",
        "rate_down_kbps > 0",
        "rate_up_kbps > 0",
        "devices BETWEEN 1 AND 100",
        "clock_from IN ('first_use','purchase')",
        "activation_days > 0",
        "purchase_days > 0",
    ],
    "batches": ["size > 0"],
    "vouchers": [
        "status IN ('unsold','paid','in_use','expired','revoked')",
        "price_cents >= 0",
        "ended_why IN ('activation','purchase','usage','uptime','data','router_sync','revoked')",
        "(status IN ('expired','revoked')) = (ended_at IS NOT NULL)",
        "status <> 'in_use' OR started_at IS NOT NULL",
    ],
    "checkouts": ["price_cents >= 0", "commission_bp BETWEEN 0 AND 10000"],
    "payments": [
        "status IN ('created','submitting','pending','paid','failed','unknown','refund_pending','refunded')",
        "method IN ('stk','c2b','cash','manual')",
        "amount_cents > 0",
        "received_cents >= 0",
        "status <> 'paid' OR paid_at IS NOT NULL",
    ],
    "callbacks": ["octet_length(body) <= 65536"],
    "ledger_postings": ["kind IN ('sale','suspense','extra_payment','refund','payout')"],
    "ledger_entries": [
        "account IN ('mpesa_clearing','cash','merchant_payable','commission','suspense','customer_credit','refunds','payouts')",
        "amount_cents <> 0",
    ],
    "access_grants": ["status IN ('wanted','present','ending','gone')"],
    "job_runs": ["status IN ('queued','running','done','failed')"],
}

INDEXES = [
    "CREATE UNIQUE INDEX vouchers_merchant_code ON vouchers (merchant_id, code_hash)",
    "CREATE INDEX vouchers_merchant_status ON vouchers (merchant_id, status, id DESC)",
    "CREATE INDEX vouchers_due ON vouchers (expires_at) WHERE status IN ('unsold','paid','in_use')",
    "CREATE INDEX routers_merchant ON routers (merchant_id, id)",
    "CREATE INDEX checkouts_merchant ON checkouts (merchant_id, id DESC)",
    "CREATE INDEX checkouts_device ON checkouts (router_id, mac, id DESC)",
    "CREATE INDEX payments_merchant ON payments (merchant_id, id DESC)",
    "CREATE INDEX payments_sold ON payments (merchant_id, paid_at) WHERE status = 'paid'",
    "CREATE INDEX payments_phone ON payments (phone, created_at DESC)",
    "CREATE INDEX payments_to_push ON payments (next_try_at) WHERE status = 'created'",
    "CREATE INDEX payments_to_query ON payments (next_query_at) WHERE status IN ('pending','unknown','failed')",
    "CREATE INDEX payments_in_flight ON payments (submitted_at) WHERE status = 'submitting'",
    "CREATE INDEX callbacks_merchant ON callbacks (merchant_id, id DESC)",
    "CREATE INDEX callbacks_waiting ON callbacks (next_try_at) WHERE handled_at IS NULL",
    "CREATE UNIQUE INDEX ledger_postings_once ON ledger_postings (payment_id, kind) WHERE receipt IS NULL",
    "CREATE UNIQUE INDEX ledger_postings_receipt ON ledger_postings (receipt, kind) WHERE receipt IS NOT NULL",
    "CREATE INDEX ledger_postings_merchant ON ledger_postings (merchant_id, id DESC)",
    "CREATE INDEX ledger_entries_account ON ledger_entries (merchant_id, account, id)",
    "CREATE INDEX access_grants_merchant ON access_grants (merchant_id, id DESC)",
    "CREATE INDEX access_grants_router ON access_grants (router_id, id) WHERE status <> 'gone'",
    "CREATE INDEX access_grants_due ON access_grants (next_try_at) WHERE status IN ('wanted','ending')",
    "CREATE INDEX hotspot_sessions_open ON hotspot_sessions (router_id) WHERE ended_at IS NULL",
    "CREATE INDEX hotspot_sessions_merchant ON hotspot_sessions (merchant_id, seen_at DESC)",
    "CREATE INDEX devices_merchant ON devices (merchant_id, last_seen_at DESC)",
    "CREATE INDEX events_merchant ON events (merchant_id, id DESC)",
    "CREATE INDEX events_entity ON events (entity, entity_id, id)",
    "CREATE INDEX job_runs_open ON job_runs (slot) WHERE status IN ('queued','running')",
    "CREATE INDEX user_sessions_end ON user_sessions (expires_at)",
]

GUARDS = [
    """CREATE FUNCTION posting_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE total bigint;
    BEGIN
      SELECT coalesce(sum(amount_cents), 0) INTO total FROM ledger_entries WHERE posting_id = NEW.posting_id;
      IF total <> 0 THEN
        RAISE EXCEPTION 'ledger posting % does not balance: %', NEW.posting_id, total USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION posting_balances()""",
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$""",
    "CREATE TRIGGER ledger_entries_fixed BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER ledger_postings_fixed BEFORE UPDATE OR DELETE ON ledger_postings FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER events_fixed BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change()",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for table, checks in CHECKS.items():
            for number, check in enumerate(checks, start=1):
                await DB.run_ddl(f"ALTER TABLE {table} ADD CONSTRAINT {table}_check_{number} CHECK ({check})")
        for statement in INDEXES + GUARDS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
