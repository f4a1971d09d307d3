"""Migrating apart: the database gets its shape, once, and the process that asked does not carry the migrator."""

import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from portal.db import DB
from portal.migrations import migrate_apart


@pytest.fixture
async def bare_database(pool: str) -> AsyncIterator[str]:
    """A database without any table, on the server of this run; the engine points at it meanwhile."""
    admin = await asyncpg.connect(pool)
    await admin.execute("CREATE DATABASE bare_for_migrations")
    DB.configure(pool.replace("/vocha?", "/bare_for_migrations?", 1))
    try:
        yield str(DB.config["dsn"])
    finally:
        DB.configure(pool)
        await admin.execute("DROP DATABASE bare_for_migrations WITH (FORCE)")
        await admin.close()


async def test_a_bare_database_is_migrated_once_by_a_process_of_its_own(bare_database: str) -> None:
    before = {name for name in sys.modules if name.startswith("piccolo.apps.migrations.commands")}
    assert await migrate_apart()
    assert {name for name in sys.modules if name.startswith("piccolo.apps.migrations.commands")} == before
    assert not await migrate_apart()
    connection = await asyncpg.connect(bare_database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM merchants") == 0
        assert await connection.fetchval("SELECT to_regclass('pgqueuer')") is not None
        comment = "SELECT col_description('vouchers'::regclass, 9)"
        assert await connection.fetchval(comment), "every column carries its meaning"
    finally:
        await connection.close()


async def test_what_goes_wrong_in_a_migration_is_told(bare_database: str) -> None:
    connection = await asyncpg.connect(bare_database)
    await connection.execute("CREATE TABLE vouchers (id text)")  # somebody else's table stands in the way
    await connection.close()
    with pytest.raises(RuntimeError, match="migration failed"):
        await migrate_apart()
