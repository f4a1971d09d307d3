"""What may be deleted of append-only logs is looked at once per statement, not row by row: see docs/decisions/0010."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T15:17:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "deletion of old rows is guarded by the statement"

STATEMENTS = [
    """CREATE FUNCTION refuse_loss_of_young() RETURNS trigger LANGUAGE plpgsql AS $$
       DECLARE youngest timestamptz;
       BEGIN
         EXECUTE format('SELECT max(%I) FROM lost', TG_ARGV[0]) INTO youngest;
         IF youngest >= clock_timestamp() - TG_ARGV[1]::interval THEN
           RAISE EXCEPTION '% is append-only, and keeps its rows for % at least', TG_TABLE_NAME, TG_ARGV[1]
             USING ERRCODE = 'insufficient_privilege';
         END IF;
         RETURN NULL;
       END $$""",
    *(
        statement
        for table, moment, least in (("exchanges", "asked_at", "90 days"), ("events", "at", "180 days"))
        for statement in (
            f"DROP TRIGGER {table}_fixed ON {table}",
            f"CREATE TRIGGER {table}_same BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            f"""CREATE TRIGGER {table}_fixed AFTER DELETE ON {table} REFERENCING OLD TABLE AS lost FOR EACH STATEMENT
                EXECUTE FUNCTION refuse_loss_of_young('{moment}', '{least}')""",
        )
    ),
    "DROP FUNCTION refuse_change_of_young()",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
