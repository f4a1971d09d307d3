"""Bring a database to the shape this version needs: Piccolo's migrations, the queue's tables, comments on every column.

Safe to run twice and by two processes at once (an advisory lock). Never takes anything away. A database that already carries
this version's stamp costs one query."""

import asyncio
import contextlib
import hashlib
import io
import logging
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from portal import tables
from portal.db import DB, migration_lock

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "piccolo_migrations"


async def migrate() -> bool:
    """Apply what is missing; True when something was. Needs `DB.configure()` first; opens connections of its own."""
    stamp = _stamp()
    async with migration_lock():
        connection = await DB.connect()
        try:
            if await _stamp_in(connection) == stamp:
                return False
            await _run_piccolo()
            await _install_queue(connection)
            await _comment(connection, stamp)
        finally:
            await connection.close()
    log.info("database migrated")
    return True


async def migrate_apart() -> bool:
    """`migrate()` in a process of its own, when anything is missing: the migrator's 8 MiB then end with it, and a service that
    runs for months does not carry them. True when something was applied; RuntimeError with its words when it failed."""
    connection = await DB.connect()
    try:
        if await _stamp_in(connection) == _stamp():
            return False
    finally:
        await connection.close()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, cwd=Path(__file__).parents[1], stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    # By standard input: other accounts can read a process's arguments, and its environment lives on in its children.
    _, said = await process.communicate(str(DB.config["dsn"]).encode())
    if process.returncode:
        raise RuntimeError(f"migration failed:\n{said.decode(errors='replace')[-2000:]}")
    log.info("database migrated")
    return True


async def is_current() -> bool:
    """Whether the open database carries this version's stamp."""
    return await DB.value("SELECT obj_description(to_regclass('migration'))") == _stamp()


async def _run_piccolo() -> None:
    # The migrator brings the formatter it writes files with: 7 MiB that only a migrating process should hold.
    from piccolo.apps.migrations.commands.forwards import run_forwards  # noqa: PLC0415

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        done = await run_forwards(app_name="portal")
    if not done.success:
        raise RuntimeError(f"migration failed: {done.message}\n{said.getvalue()}")


async def _install_queue(connection: Any) -> None:
    queries = Queries(AsyncpgDriver(connection))
    if await connection.fetchval("SELECT to_regclass('pgqueuer')") is None:
        await queries.install()
    else:
        await queries.upgrade()


async def _comment(connection: Any, stamp: str) -> None:
    lines: list[str] = []
    for name in tables.__all__:
        meta = getattr(tables, name)._meta
        lines.append(f"COMMENT ON TABLE {meta.tablename} IS {_quoted(meta.help_text)}")
        lines += [
            f"COMMENT ON COLUMN {meta.tablename}.{column._meta.db_column_name} IS {_quoted(column._meta.help_text)}"
            for column in meta.columns
        ]
    lines.append(f"COMMENT ON TABLE migration IS {_quoted(stamp)}")
    await connection.execute(";\n".join(lines))


async def _stamp_in(connection: Any) -> str | None:
    return await connection.fetchval("SELECT obj_description(to_regclass('migration'))")


def _stamp() -> str:
    digest = hashlib.sha256(version("pgqueuer").encode())
    for file in sorted(FOLDER.glob("*.py")):
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    for name in tables.__all__:
        meta = getattr(tables, name)._meta
        digest.update(repr([meta.help_text, *(column._meta.help_text for column in meta.columns)]).encode())
    return f"vocha {digest.hexdigest()[:32]}"


def _quoted(text: str | None) -> str:
    return "'" + (text or "").replace("'", "''") + "'"


if __name__ == "__main__":
    DB.configure(sys.stdin.read())
    asyncio.run(migrate())
