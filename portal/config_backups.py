"""Settings of backups and of cleaning: where backups stand, how many are kept and where else they go; how long logs are kept."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from portal import config_values as values
from portal.backups.shelf import Retention
from portal.config_values import Reader
from portal.upkeep_tables import LOGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """`folder`: None is "backups" in the data folder. `copy_folder`: another disk each backup is copied to. `command`: run with
    the path of each as its last argument."""

    folder: Path | None = None
    copy_folder: Path | None = None
    command: str = field(default="", repr=False)
    retention: Retention = field(default_factory=Retention)
    #: Days by table, where they differ from what the table says itself.
    keep_days: Mapping[str, int] = field(default_factory=dict[str, int])


def read_backups(read: Reader) -> Backups:
    """PORTAL_BACKUP_DIR, PORTAL_BACKUP_COPY_DIR, PORTAL_BACKUP_COMMAND, PORTAL_BACKUP_KEEP; PORTAL_KEEP_DAYS."""
    return Backups(
        folder=read.optional("BACKUP_DIR", values.directory),
        copy_folder=read.optional("BACKUP_COPY_DIR", values.directory),
        command=read.optional("BACKUP_COMMAND", command) or "",
        retention=read.plain("BACKUP_KEEP", retention, default="7,5,12"),
        keep_days=read.optional("KEEP_DAYS", keep_days) or {},
    )


def command(text: str) -> str:
    """A command as a shell would take it apart; no shell runs it."""
    try:
        if shlex.split(text):
            return text
    except ValueError:
        pass
    raise ValueError("a command that is run with the backup's path behind it, like: rclone copyto remote:vocha")


def retention(text: str) -> Retention:
    """Days, weeks and months, like 7,5,12; at least one day."""
    wanted = "days,weeks,months of which the newest backup is kept, like 7,5,12; at least one day"
    try:
        days, weeks, months = (int(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError(wanted) from error
    if days < 1 or min(weeks, months) < 0 or max(days, weeks, months) > 10_000:
        raise ValueError(wanted)
    return Retention(days, weeks, months)


def keep_days(text: str) -> Mapping[str, int]:
    """`table=days` pairs, with commas between; only tables that are cleaned, and not fewer days than each must be kept."""
    found: dict[str, int] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        table, _, days = pair.partition("=")
        log = LOGS.get(table.strip())
        if log is None:
            raise ValueError(f"pairs like job_runs=30,events=3650, of these tables: {', '.join(LOGS)}")
        if not days.strip().isdecimal() or not log.least <= int(days) <= 36_500:
            raise ValueError(f"for {log.table} from {log.least} to 36500 days, like {log.table}={log.days}")
        found[log.table] = int(days)
    return found
