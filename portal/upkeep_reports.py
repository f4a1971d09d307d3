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
    """Of the data folder: names that went, and what nobody knows (the first hundred; `more`: how many beside)."""

    folder: str
    removed: list[str]
    unknown: list[StrangeFile]
    more: int = 0


class LogsReport(msgspec.Struct, frozen=True, kw_only=True):
    """Of the logs. `gone`: rows by table. `failed`: tables that could not be cleaned, and why. `is_whole`: false when the time
    allowed was over before all was done."""

    gone: dict[str, int]
    failed: dict[str, str]
    is_whole: bool
    seconds: float


class Kept(NamedTuple, Generic[R]):
    """A report, and when it was made."""

    at: datetime
    report: R


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
        "SELECT at, data FROM maintenance_reports WHERE kind = $1 ORDER BY at DESC, id DESC LIMIT 1", KINDS[kind]
    )
    return None if row is None else Kept(row["at"], msgspec.json.decode(row["data"], type=kind))
