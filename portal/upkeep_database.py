"""The database's own upkeep: fresh statistics, an estimate of bloat, the worst indexes made anew, and how old the oldest
transaction number is. Takes no lock that keeps anybody from reading or writing; a report says what was found and done."""

import time
from datetime import datetime
from typing import Any

import msgspec

from portal import running, upkeep_reports
from portal.db import DB
from portal.upkeep_reports import DatabaseReport

#: An index is made anew when it is so many times as large as its entries need, and wastes at least so much.
BLOATED, WASTED_BYTES = 2.0, 8 * 2**20
#: PostgreSQL stops taking writes at about two thousand million (its manual, routine vacuuming); it vacuums by itself at 200 million.
OLD_XID = 500_000_000
#: Fewer dead rows are nobody's trouble.
MANY_DEAD = 100_000
_NAMED = 20

_TABLES = """SELECT s.relname AS name, pg_table_size(s.relid) AS bytes, s.n_live_tup AS live, s.n_dead_tup AS dead
FROM pg_stat_user_tables s WHERE s.schemaname = 'public' ORDER BY 2 DESC"""
#: An estimate from statistics alone, since pgstattuple asks for rights: entries times their average width, with what a b-tree adds
#: (8 bytes header and 4 bytes pointer per entry, 90 of 100 filled).
_INDEXES = """SELECT c.relname AS name, pg_relation_size(c.oid) AS bytes,
  (greatest(c.reltuples, 0) * (12 + coalesce((SELECT sum(coalesce(p.avg_width, 8)) FROM pg_attribute a
     LEFT JOIN pg_stats p ON p.schemaname = 'public' AND p.tablename = t.relname AND p.attname = a.attname
     WHERE a.attrelid = c.oid), 8)) / 0.9)::bigint + 16384 AS needs
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
WHERE n.nspname = 'public' AND m.amname = 'btree' ORDER BY pg_relation_size(c.oid) DESC"""


class IndexView(msgspec.Struct, frozen=True, kw_only=True):
    """An index: its size, and what its entries would need; bytes."""

    name: str
    bytes: int
    needs: int


async def maintain(
    *, now: datetime, budget_s: float, bloated: float = BLOATED, wasted: int = WASTED_BYTES
) -> DatabaseReport:
    """Do all of it, rebuilding for at most about `budget_s` seconds; the report is kept."""
    until = time.monotonic() + budget_s
    connection = (
        await DB.connect()
    )  # REINDEX CONCURRENTLY may be in no transaction, and take longer than the pool allows
    try:
        await connection.execute("ANALYZE")
        dropped = await _drop_invalid(connection)
        found = [
            IndexView(name=r["name"], bytes=r["bytes"], needs=r["needs"]) for r in await connection.fetch(_INDEXES)
        ]
        worth = [each for each in found if each.bytes > bloated * each.needs and each.bytes - each.needs >= wasted]
        rebuilt, left = await _rebuild(connection, worth, until=until)
        report = await _look(connection, rebuilt, left=left, invalid=dropped)
    finally:
        await connection.close()
    await upkeep_reports.keep(report, is_good=not report.problems, now=now)
    return report


async def _drop_invalid(connection: Any) -> list[str]:
    """Take away what a rebuild that was killed left beside the good index: PostgreSQL names it …_ccnew or …_ccold."""
    rows = await connection.fetch(
        """SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'public' AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'"""
    )
    for row in rows:
        await connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{row[0]}"')
    return [row[0] for row in rows]


async def _rebuild(
    connection: Any, worth: list[IndexView], *, until: float
) -> tuple[list[tuple[str, int, int]], list[str]]:
    rebuilt: list[tuple[str, int, int]] = []
    for number, each in enumerate(worth):
        if time.monotonic() >= until:
            return rebuilt, [later.name for later in worth[number:]]
        await connection.execute(f'REINDEX INDEX CONCURRENTLY "{each.name}"')
        after = await connection.fetchval("SELECT pg_relation_size(to_regclass($1))", f'"{each.name}"')
        rebuilt.append((each.name, each.bytes, after))
        running.tell(number + 1, total=len(worth), what="indexes")
    return rebuilt, []


async def _look(
    connection: Any, rebuilt: list[tuple[str, int, int]], *, left: list[str], invalid: list[str]
) -> DatabaseReport:
    tables = await connection.fetch(_TABLES)
    xid_age = await connection.fetchval("SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()")
    behind = [
        (row["name"], row["dead"], row["live"])
        for row in tables
        if row["dead"] > MANY_DEAD and row["dead"] > row["live"]
    ]
    problems = [f"{name}: {dead} dead rows beside {live}: autovacuum does not keep up" for name, dead, live in behind]
    if xid_age > OLD_XID:
        problems.append(
            f"the oldest transaction number is {xid_age} old: run VACUUM FREEZE, and look for forgotten transactions"
        )
    return DatabaseReport(
        database_bytes=await connection.fetchval("SELECT pg_database_size(current_database())"),
        xid_age=xid_age,
        dead_rows=sum(row["dead"] for row in tables),
        largest=[(row["name"], row["bytes"]) for row in tables[:_NAMED]],
        rebuilt=rebuilt,
        left=left,
        invalid=invalid,
        problems=problems,
        behind=behind,
        is_old=xid_age > OLD_XID,
    )
