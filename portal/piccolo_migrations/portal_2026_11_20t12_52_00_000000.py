"""Old rows of append-only logs may go: never a young one, and never one changed. The database itself keeps the shortest time."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from portal.db import DB

ID = "2026-11-20T12:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "shortest retention of append-only logs"

STATEMENTS = [
    """CREATE FUNCTION refuse_change_of_young() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' AND (to_jsonb(OLD) ->> TG_ARGV[0])::timestamptz < clock_timestamp() - TG_ARGV[1]::interval THEN
           RETURN OLD;
         END IF;
         RAISE EXCEPTION '% is append-only, and keeps its rows for % at least', TG_TABLE_NAME, TG_ARGV[1]
           USING ERRCODE = 'insufficient_privilege';
       END $$""",
    "DROP TRIGGER exchanges_fixed ON exchanges",
    """CREATE TRIGGER exchanges_fixed BEFORE UPDATE OR DELETE ON exchanges FOR EACH ROW
       EXECUTE FUNCTION refuse_change_of_young('asked_at', '90 days')""",
    "DROP TRIGGER events_fixed ON events",
    """CREATE TRIGGER events_fixed BEFORE UPDATE OR DELETE ON events FOR EACH ROW
       EXECUTE FUNCTION refuse_change_of_young('at', '180 days')""",
    "CREATE INDEX backups_made ON backups (made_at DESC)",
    "CREATE INDEX backup_drills_began ON backup_drills (began_at DESC)",
    "CREATE INDEX maintenance_reports_at ON maintenance_reports (at DESC)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="portal", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await DB.run_ddl(statement)

    manager.add_raw(run)
    return manager
