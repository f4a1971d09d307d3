"""Papers are numbered once and never edited, and there is one for each thing they are about."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T16:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "papers are fixed"

STATEMENTS = [
    "CREATE UNIQUE INDEX tax_settings_one ON tax_settings (coalesce(merchant_id, 0))",
    "ALTER TABLE tax_settings ADD CHECK (vat_bp BETWEEN 0 AND 3000)",
    "ALTER TABLE tax_settings ADD CHECK (receipt_prefix <> invoice_prefix AND receipt_prefix <> credit_prefix AND "
    "invoice_prefix <> credit_prefix)",
    *(
        f"ALTER TABLE {table} ADD CHECK (kind IN ('receipt','invoice','credit'))"
        for table in ("papers", "paper_counters")
    ),
    "ALTER TABLE papers ADD CHECK (num_nonnulls(payment_id, bill_id) = 1)",
    "ALTER TABLE papers ADD CHECK (serial >= 1 AND part >= 1)",
    "ALTER TABLE papers ADD CHECK ((kind = 'credit') = (of_id IS NOT NULL))",
    "CREATE UNIQUE INDEX papers_of_payment ON papers (payment_id, kind, part) WHERE payment_id IS NOT NULL",
    "CREATE UNIQUE INDEX papers_of_bill ON papers (bill_id, kind, part) WHERE bill_id IS NOT NULL",
    "CREATE UNIQUE INDEX papers_of_refund ON papers (refund_id) WHERE refund_id IS NOT NULL",
    "CREATE INDEX papers_of_merchant ON papers (merchant_id, id)",
    """CREATE FUNCTION refuse_other_paper() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF to_jsonb(NEW) - 'control_number' IS DISTINCT FROM to_jsonb(OLD) - 'control_number' THEN
           RAISE EXCEPTION 'a paper that was given is never edited' USING ERRCODE = 'insufficient_privilege';
         END IF;
         RETURN NEW;
       END $$""",
    "CREATE TRIGGER papers_same BEFORE UPDATE ON papers FOR EACH ROW EXECUTE FUNCTION refuse_other_paper()",
    "CREATE TRIGGER papers_kept BEFORE DELETE ON papers FOR EACH ROW EXECUTE FUNCTION refuse_change()",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
