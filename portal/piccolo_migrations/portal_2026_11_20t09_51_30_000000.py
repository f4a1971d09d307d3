"""Rules of comparisons and daily closes: what they may say, that a close is never edited, and indexes for their pages."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T09:51:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "rules of comparisons, daily closes and paces"

STATEMENTS = [
    "CREATE UNIQUE INDEX mpesa_paces_account ON mpesa_paces (account_id)",
    "ALTER TABLE mpesa_paces ADD CONSTRAINT mpesa_paces_check_1 CHECK (most_per_minute BETWEEN 1 AND 6000)",
    "ALTER TABLE mpesa_paces ADD CONSTRAINT mpesa_paces_check_2 CHECK (gap_ms > 0)",
    "ALTER TABLE comparisons ADD CONSTRAINT comparisons_check_1 CHECK (source IN ('pull','statement'))",
    """ALTER TABLE comparisons ADD CONSTRAINT comparisons_check_2
       CHECK (why IN ('nightly','demand','outage','restore','import'))""",
    """ALTER TABLE comparisons ADD CONSTRAINT comparisons_check_3
       CHECK (status IN ('running','ready','taking','done','failed','dropped'))""",
    # The same file twice is one comparison, unless the first try failed or was dropped.
    """CREATE UNIQUE INDEX comparisons_file ON comparisons (account_id, file_hash)
       WHERE source = 'statement' AND status NOT IN ('failed','dropped')""",
    "CREATE INDEX comparisons_listed ON comparisons (merchant_id, id DESC)",
    "CREATE INDEX comparisons_going ON comparisons (account_id) WHERE status IN ('running','taking')",
    "ALTER TABLE comparison_lines ADD CONSTRAINT comparison_lines_check_1 CHECK (kind IN ('in','out','fee','other'))",
    """ALTER TABLE comparison_lines ADD CONSTRAINT comparison_lines_check_2
       CHECK (verdict IN ('matched','differs','only_theirs','only_ours','not_done','other'))""",
    "CREATE INDEX comparison_lines_comparison ON comparison_lines (comparison_id, verdict, id)",
    "CREATE UNIQUE INDEX daily_closes_day ON daily_closes (account_id, coalesce(merchant_id, 0), day, revision)",
    "CREATE INDEX daily_closes_listed ON daily_closes (merchant_id, id DESC)",
    "ALTER TABLE daily_closes ADD CONSTRAINT daily_closes_check_1 CHECK (theirs IN ('statement','balance','pull','none'))",
    "ALTER TABLE daily_closes ADD CONSTRAINT daily_closes_check_2 CHECK (closing_cents = opening_cents + in_cents - out_cents)",
    "ALTER TABLE daily_closes ADD CONSTRAINT daily_closes_check_3 CHECK ((theirs = 'none') = (difference_cents IS NULL))",
    "CREATE TRIGGER daily_closes_fixed BEFORE UPDATE OR DELETE ON daily_closes FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER daily_closes_kept BEFORE TRUNCATE ON daily_closes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "CREATE INDEX receipts_account ON receipts (account_id, happened_at)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
