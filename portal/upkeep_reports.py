"""Reports of upkeep: what the database's, the data folder's and the logs' upkeep found and did, kept for the operator's page."""

from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

import msgspec

from portal.db import DB, atomic

R = TypeVar("R", bound=msgspec.Struct)


class DatabaseReport(msgspec.Struct, frozen=True, kw_only=True):
    """Of the database. `rebuilt`: index, bytes before and after. `left`: bloated indexes, for another time. `invalid`: indexes a
    killed rebuild left, now dropped. `behind`: tables whose dead rows nobody clears away, dead and live. `problems`: what needs a
    person, a sentence each, for the log."""

    database_bytes: int
    xid_age: int
    dead_rows: int
    largest: list[tuple[str, int]]
    rebuilt: list[tuple[str, int, int]]
    left: list[str]
    invalid: list[str]
    problems: list[str]
    behind: list[tuple[str, int, int]] = []
    is_old: bool = False


class StrangeFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder in the data folder that nobody knows."""

    name: str
    bytes: int
    changed_at: datetime
    is_folder: bool


class StorageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Of the data folder: names that went, what nobody knows (the first hundred; `more`: how many beside), room on its disk."""

    folder: str
    removed: list[str]
    unknown: list[StrangeFile]
    more: int = 0
    disk_bytes: int
    free_bytes: int

    @property
    def is_nearly_full(self) -> bool:
        """Whether less than a tenth of the disk is free."""
        return self.free_bytes * 10 < self.disk_bytes


class LogsReport(msgspec.Struct, frozen=True, kw_only=True):
    """Of the logs. `gone`: rows by table. `failed`: tables that could not be cleaned, and why. `is_whole`: false when the time
    allowed was over before all was done."""

    gone: dict[str, int]
    failed: dict[str, str]
    is_whole: bool
    seconds: float


class BackupView(msgspec.Struct, frozen=True, kw_only=True):
    """The newest backup, and the last drill; None: there was none yet. `problems`: of the drill, a line each; "" for none."""

    made_at: datetime | None
    size_bytes: int | None
    tried_at: datetime | None
    is_good: bool | None
    problems: str


class Kept(NamedTuple, Generic[R]):
    """A report, when it was made, and whether nothing needs a person."""

    at: datetime
    report: R
    is_good: bool


KINDS: dict[type[msgspec.Struct], str] = {DatabaseReport: "database", StorageReport: "storage", LogsReport: "logs"}


async def keep(report: msgspec.Struct, *, is_good: bool, now: datetime) -> None:
    """Keep a report. `is_good`: nothing needs a person."""
    async with atomic() as tx:
        await tx.execute(
            "INSERT INTO maintenance_reports (kind, at, is_good, data) VALUES ($1, $2, $3, $4::jsonb)",
            KINDS[type(report)], now, is_good, msgspec.json.encode(report).decode(),
        )  # fmt: skip


async def last(kind: type[R]) -> Kept[R] | None:
    """The newest report of a kind; None before the first."""
    row = await DB.row(
        "SELECT at, data, is_good FROM maintenance_reports WHERE kind = $1 ORDER BY at DESC, id DESC LIMIT 1",
        KINDS[kind],
    )
    return None if row is None else Kept(row["at"], msgspec.json.decode(row["data"], type=kind), row["is_good"])


async def backups() -> BackupView:
    """How backups stand."""
    row = await DB.row(
        """SELECT b.made_at, b.size_bytes, d.ended_at AS tried_at, d.is_good, coalesce(d.problems, '') AS problems
           FROM (SELECT 1) one
           LEFT JOIN (SELECT made_at, size_bytes FROM backups ORDER BY made_at DESC LIMIT 1) b ON true
           LEFT JOIN (SELECT ended_at, is_good, problems FROM backup_drills ORDER BY began_at DESC LIMIT 1) d ON true"""
    )
    return msgspec.convert(dict(row or {}), BackupView)
