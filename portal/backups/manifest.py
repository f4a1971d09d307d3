"""What a backup must hold when it is restored: rows of every table, sums of the ledger, the shape's stamp. Taken in the very
snapshot that is dumped, and asked again of what was restored."""

from datetime import datetime
from typing import Any

import msgspec

FORMAT = 1
_TABLES = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY c.relname"""
_SUMS = """SELECT account || ' ' || currency AS name, sum(amount_cents)::bigint AS cents FROM ledger_entries
GROUP BY account, currency ORDER BY 1"""
#: A count of a large table may take minutes.
_LONGEST_S = 1800.0


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What a database holds. `tables`: rows by table; `ledger`: cents by account and currency; `stamp`: of its shape."""

    stamp: str
    tables: dict[str, int]
    ledger: dict[str, int]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self.tables.values())


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at the head of a backup. `server` and `program` are major versions of PostgreSQL."""

    format: int = FORMAT
    made_at: datetime
    server: int
    program: int
    holds: Holdings


async def holdings(connection: Any) -> Holdings:
    """Count a database. `connection` is asyncpg's; in a repeatable read transaction all counts are of one moment."""
    names = [row[0] for row in await connection.fetch(_TABLES)]
    counts = {name: await connection.fetchval(f'SELECT count(*) FROM "{name}"', timeout=_LONGEST_S) for name in names}
    sums = await connection.fetch(_SUMS, timeout=_LONGEST_S) if "ledger_entries" in counts else []
    return Holdings(
        stamp=await connection.fetchval("SELECT obj_description(to_regclass('migration'))") or "",
        tables=counts,
        ledger={row["name"]: row["cents"] for row in sums},
    )


def differences(wanted: Holdings, found: Holdings) -> list[str]:
    """A line for each thing that is not as it was."""
    lines = [
        f"{name}: {found.tables.get(name, 'no')} rows, {wanted.tables.get(name, 'no')} backed up"
        for name in sorted(wanted.tables.keys() | found.tables.keys())
        if wanted.tables.get(name) != found.tables.get(name)
    ]
    lines += [
        f"ledger, {name}: {found.ledger.get(name, 0)} cents, {wanted.ledger.get(name, 0)} backed up"
        for name in sorted(wanted.ledger.keys() | found.ledger.keys())
        if wanted.ledger.get(name, 0) != found.ledger.get(name, 0)
    ]
    if wanted.stamp != found.stamp:
        lines.append(f"the shape is {found.stamp or 'unknown'}, {wanted.stamp or 'unknown'} backed up")
    return lines
