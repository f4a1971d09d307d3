"""Imports as their pages show them: the list, one with its counts, and its rows page by page. Reads only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.imports.sending import manager

PAGE_SIZE = 50


class ImportLine(msgspec.Struct, frozen=True, kw_only=True):
    """One of the list."""

    id: int
    source: str
    file_name: str
    status: str
    by: str
    created_at: datetime
    made: int


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """One import. `plans`: rows by (kind, verdict); `outcomes`: by (kind, outcome); `why`: how many are skipped for what.

    `done` of `total`: how many rows of those to be made are."""

    id: int
    source: str
    file_name: str
    size_bytes: int
    status: str
    router: str
    weak_days: int
    counts_sales: bool
    error: str
    by: str
    created_at: datetime
    done_at: datetime | None
    undone_at: datetime | None
    plans: Mapping[tuple[str, str], int]
    outcomes: Mapping[tuple[str, str], int]
    why: Mapping[str, int]
    weak: int
    running: int
    past_cents: int
    done: int
    total: int

    @property
    def is_open(self) -> bool:
        """Whether the worker has something to do."""
        return self.status in ("waiting", "running", "undoing")


class RowLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a file. `place`: its turn, by which pages go on."""

    place: int
    line: int
    kind: str
    name: str
    package: str
    amount_cents: int | None
    verdict: str
    why: str | None
    is_weak: bool
    is_running: bool
    outcome: str | None


async def latest(actor: Actor, *, before: int | None = None, most: int = 20) -> list[ImportLine]:
    """The merchant's imports, the newest first."""
    rows = await DB.fetch(
        """SELECT i.id, i.source, i.file_name, i.status, coalesce(u.name, '') AS by, i.created_at,
                  (SELECT count(*) FROM import_rows r WHERE r.import_id = i.id AND r.outcome = 'made') AS made
           FROM imports i LEFT JOIN users u ON u.id = i.created_by
           WHERE i.merchant_id = $1 AND i.id < $2 ORDER BY i.id DESC LIMIT $3""",
        manager(actor), before or 2**63 - 1, most,
    )  # fmt: skip
    return [ImportLine(**dict(row)) for row in rows]


async def one(actor: Actor, import_id: int) -> ImportView:
    """One of them; NotFound for another merchant's."""
    row = await DB.row(
        """SELECT i.id, i.source, i.file_name, i.size_bytes, i.status, coalesce(r.name, '') AS router, i.weak_days, i.counts_sales,
                  coalesce(i.error, '') AS error, coalesce(u.name, '') AS by, i.created_at, i.done_at, i.undone_at
           FROM imports i LEFT JOIN users u ON u.id = i.created_by LEFT JOIN routers r ON r.id = i.router_id
           WHERE i.id = $1 AND i.merchant_id = $2""",
        import_id,
        actor.at_merchant(),
    )
    if row is None:
        raise NotFound
    manager(actor)
    counts = await DB.fetch(
        """SELECT kind, verdict, coalesce(outcome, '') AS outcome, coalesce(why, '') AS why, count(*) AS n,
                  count(*) FILTER (WHERE is_weak) AS weak, count(*) FILTER (WHERE is_running) AS running,
                  coalesce(sum(amount_cents) FILTER (WHERE kind = 'money'), 0)::bigint AS past
           FROM import_rows WHERE import_id = $1 GROUP BY 1, 2, 3, 4""",
        import_id,
    )
    plans: dict[tuple[str, str], int] = {}
    outcomes: dict[tuple[str, str], int] = {}
    why: dict[str, int] = {}
    for each in counts:
        _add(plans, (each["kind"], each["verdict"]), each["n"])
        if each["outcome"]:
            _add(outcomes, (each["kind"], each["outcome"]), each["n"])
        if each["why"]:
            _add(why, each["why"], each["n"])
    wanted = [each for each in counts if each["verdict"] in ("make", "join")]
    is_back = row["status"] in ("undoing", "undone")
    left = "made" if is_back else ""
    return ImportView(
        **dict(row), plans=plans, outcomes=outcomes, why=why, past_cents=sum(each["past"] for each in counts),
        weak=sum(each["weak"] for each in wanted), running=sum(each["running"] for each in wanted),
        total=sum(each["n"] for each in wanted if not is_back or each["outcome"] in ("made", "undone", "kept")),
        done=sum(
            each["n"] for each in wanted
            if each["outcome"] != left and (not is_back or each["outcome"] in ("undone", "kept"))
        ),
    )  # fmt: skip


def _add(counts: dict[Any, int], key: object, n: int) -> None:
    counts[key] = counts.get(key, 0) + n


async def rows_of(
    actor: Actor, import_id: int, *, only: str = "", after: int = -1, most: int = PAGE_SIZE
) -> list[RowLine]:
    """Its rows in the file's order, behind the place `after`; `only`: make, join, skip or tell. NotFound."""
    is_there = await DB.value(
        "SELECT EXISTS (SELECT FROM imports WHERE id = $1 AND merchant_id = $2)", import_id, manager(actor)
    )
    if not is_there:
        raise NotFound
    rows = await DB.fetch(
        """SELECT place, line, kind, name, package, amount_cents, verdict, why, is_weak, is_running, outcome FROM import_rows
           WHERE import_id = $1 AND place > $2 AND ($3 = '' OR verdict = $3 OR ($3 = 'skip' AND outcome IN ('skipped', 'kept')))
           ORDER BY place LIMIT $4""",
        import_id, after, only, most,
    )  # fmt: skip
    return [RowLine(**dict(row)) for row in rows]
