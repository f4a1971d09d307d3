"""Looking after the house's own data: backups made, restored for trial, and what upkeep found."""

from piccolo.columns import JSONB, Boolean

from portal.db import DB
from portal.tables.base import Table, key, moment, number, text, word


class Backup(Table, tablename="backups", db=DB, help_text="a backup that was made whole; its file may be gone by now"):
    id = key()
    name = word(80, "the file's name", unique=True)
    made_at = moment("the moment it shows", null=False)
    ended_at = moment("when it stood under its name", null=False)
    size_bytes = number("of the file")
    rows_total = number("rows in all tables")
    sha256 = word(64, "of the file, hex")
    key_name = word(32, "which secret key it is encrypted by")
    removed_at = moment("when retention took the file away")


class BackupDrill(Table, tablename="backup_drills", db=DB, help_text="a backup restored for trial, and what was found"):
    id = key()
    name = word(80, "the backup's file")
    began_at = moment("when", null=False)
    ended_at = moment("when it was proved or given up", null=False)
    is_good = Boolean(help_text="whether everything was as it was when the backup was made")
    rows_total = number("rows restored")
    restore_ms = number("what restoring took, in milliseconds")
    problems = text("what was wrong, a line each; empty: nothing", null=False)


class MaintenanceReport(Table, tablename="maintenance_reports", db=DB, help_text="what upkeep found and did"):
    id = key()
    kind = word(8, "database, storage or logs: what was looked after", default="database")
    at = moment("when", null=False)
    is_good = Boolean(help_text="whether nothing needs a person")
    data = JSONB(
        default="{}", help_text="what was found and done: portal.upkeep_database.Report, and what stands in its place"
    )
