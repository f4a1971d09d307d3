"""Emptying tables between tests, past the triggers that guard the ledger and the history.

Rows are deleted, not truncated: a TRUNCATE takes all tables that refer to its own with it, writes a new file for each of them and
of their indexes, and makes every prepared statement be planned anew; 80 to 400 ms a test instead of 5."""

from collections.abc import Sequence

from portal import tables
from portal.db import DB

TABLES = (*(getattr(tables, name)._meta.tablename for name in tables.__all__), "pgqueuer")
_FILLED = " UNION ALL ".join(f"SELECT '{table}' AS name WHERE EXISTS (SELECT FROM {table})" for table in TABLES)
_COUNT_ANEW = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL AND sequencename = ANY($1)
"""
#: From so many rows on their space is worth freeing at once: every later look at the table would walk over it.
_MANY = 500


async def empty(*names: str) -> None:
    """Empty these tables and let their numbers begin anew. What refers to them stays: name it too. Needs a role that may switch
    triggers off for itself."""
    await _empty(names, anew=names)


async def empty_all() -> None:
    """Empty every table there is, and let all numbers begin anew."""
    await _empty([row["name"] for row in await DB.fetch(_FILLED)], anew=TABLES)


async def _empty(names: Sequence[str], *, anew: Sequence[str]) -> None:
    async with DB.opened.acquire() as connection:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            said = {name: await connection.execute(f"DELETE FROM {name}") for name in names}
            await connection.execute(_COUNT_ANEW, [f"{name}_id_seq" for name in anew])
        for name, tag in said.items():
            if int(tag.split()[1]) >= _MANY:
                await connection.execute(f"VACUUM {name}")
