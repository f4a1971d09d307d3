"""Whether a restored database is what was backed up, and works with this version: counts, sums, shape, invariants, keys.

Asked by a process of its own, since the house's engine stays with the house's database: `python -m portal.backups.proving` reads
a Question from its standard input (keys and addresses are no arguments, which everybody sees) and writes Findings."""

import asyncio
import sys
from typing import Any

import asyncpg
import msgspec

from portal import alerts, invariants
from portal.backups import programs
from portal.backups.manifest import Manifest, differences, holdings
from portal.db import DB
from portal.migrations import migrate
from portal.secret_keys import SecretKeys
from portal.vault import KeyMissing, Vault, VaultError

_SEALED = """SELECT c.table_name, c.column_name FROM information_schema.columns c
WHERE c.table_schema = 'public' AND c.column_name LIKE '%\\_sealed' AND c.data_type = 'bytea' ORDER BY 1, 2"""
#: The newest sealed value by each key there is: enough to know whether the key is here and right.
_SAMPLES = """SELECT DISTINCT ON (key) id, sealed, convert_from(key, 'UTF8') AS key FROM (
  SELECT id, {column} AS sealed, substring({column} FROM 3 FOR get_byte({column}, 1)) AS key FROM {table}
  WHERE length({column}) > 2) found ORDER BY key, id DESC"""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which database is to be proved against what."""

    dsn: str
    keys: list[tuple[str, str]]
    manifest: Manifest


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, a line each; and what was wrong when the backup was made already, and is no fault of it."""

    problems: list[str]
    known: list[str]


async def prove(dsn: str, keys: SecretKeys, manifest: Manifest) -> Findings:
    """Bring a restored database to this version's shape and ask everything of it."""
    question = Question(dsn=dsn, keys=[(name, key.hex()) for name, key in keys], manifest=manifest)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=pipe, stdout=pipe, stderr=pipe, limit=2**24
    )
    try:
        answer, said = await process.communicate(msgspec.json.encode(question))
    finally:
        await programs.end(process)
    if process.returncode:
        raise programs.failed("Looking at what was restored", said)
    return msgspec.json.decode(answer, type=Findings)


async def _find(question: Question) -> Findings:
    DB.configure(question.dsn)
    connection = await asyncpg.connect(question.dsn)
    try:
        problems = differences(question.manifest.holds, await holdings(connection))
        problems += await _keys_missing(connection, Vault([(name, bytes.fromhex(key)) for name, key in question.keys]))
    finally:
        await connection.close()
    if problems:
        return Findings(problems=problems, known=[])
    await migrate()
    await DB.open(min_size=1, max_size=2)
    try:
        await DB.opened.execute("ANALYZE", timeout=1800)
        was_open = {alert.subject for alert in await alerts.open_now(invariants.KIND)}
        breaches = await invariants.breaches(now=question.manifest.made_at)
    finally:
        await DB.close()
    lines = {breach.invariant: f"{breach.invariant}: {', '.join(breach.rows[:3])}" for breach in breaches}
    return Findings(
        problems=[line for name, line in lines.items() if name not in was_open],
        known=[line for name, line in lines.items() if name in was_open],
    )


async def _keys_missing(connection: Any, vault: Vault) -> list[str]:
    problems: set[str] = set()
    for table, column in await connection.fetch(_SEALED):
        for row in await connection.fetch(_SAMPLES.format(table=table, column=column)):
            try:
                vault.open(table, column, row_id=row["id"], sealed=row["sealed"])
            except KeyMissing:
                problems.add(f"the secret key “{row['key']}” is not in the list, and {table}.{column} is sealed by it")
            except VaultError:
                problems.add(f"{table}.{column} of row {row['id']} does not open with the secret key “{row['key']}”")
    return sorted(problems)


if __name__ == "__main__":
    found = asyncio.run(_find(msgspec.json.decode(sys.stdin.buffer.read(), type=Question)))
    sys.stdout.buffer.write(msgspec.json.encode(found))
