"""Rules of alerts and seals, and the rare accounts by themselves, so that asking about them costs nothing."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T09:42:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of alerts and seals, indexes for the invariants"

STATEMENTS = [
    "ALTER TABLE alerts ADD CONSTRAINT alerts_check_1 CHECK (status IN ('open','closed'))",
    "ALTER TABLE alerts ADD CONSTRAINT alerts_check_2 CHECK ((status = 'closed') = (closed_at IS NOT NULL))",
    "CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE status = 'open'",
    "ALTER TABLE event_seals ADD CONSTRAINT event_seals_check_1 CHECK (last_id >= first_id - 1 AND seen_id >= last_id)",
    "CREATE UNIQUE INDEX event_seals_first ON event_seals (first_id, last_id)",
    "CREATE TRIGGER event_seals_fixed BEFORE UPDATE OR DELETE ON event_seals FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER event_seals_kept BEFORE TRUNCATE ON event_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    """CREATE INDEX ledger_entries_rare ON ledger_entries (account, merchant_id) INCLUDE (amount_cents)
       WHERE account IN ('suspense','refunds','payouts')""",
    "CREATE INDEX vouchers_in_use ON vouchers (id) WHERE status = 'in_use'",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
