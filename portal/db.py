"""The database: one engine, one kind of transaction, bulk copy. Nothing more.

Piccolo's own `transaction()` makes a nested block a no-op (an inner failure that is caught is still committed) and leaks its
connection when COMMIT raises; `atomic()` repairs both and refuses nesting: a verb opens exactly one, a step takes the `Tx`."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from asyncpg.pool import Pool
from piccolo.engine.postgres import PostgresEngine

from portal import meters

MIGRATION_LOCK = 0x766F636861  # any fixed number: two migrators at once wait for each other


class Connection(asyncpg.Connection):  # pyright: ignore[reportMissingTypeArgument]
    """asyncpg resets a session with four statements at each release. We keep no session state (only SET LOCAL), so none."""

    def get_reset_query(self) -> str:
        """Return no statements at all: halves the cost of a short query."""
        return ""


class TimedPool(Pool):  # pyright: ignore[reportMissingTypeArgument]
    """asyncpg's pool, and how long each connection was waited for: everybody gets theirs by way of this one method."""

    __slots__ = ()

    async def _acquire(self, timeout: Any) -> Any:  # noqa: ASYNC109 - asyncpg's own method, under its own name
        began = time.perf_counter()
        try:
            return await super()._acquire(timeout)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        finally:
            meters.add(meters.POOL_WAIT, time.perf_counter() - began)


class Tx:
    """An open transaction. Piccolo queries awaited inside use its connection too."""

    __slots__ = ("after_commit", "connection")

    def __init__(self, connection: Any) -> None:
        self.connection: Any = connection
        self.after_commit: list[Callable[[], None]] = []

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Run one statement and return its rows."""
        return await self.connection.fetch(sql, *args)

    async def row(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Run one statement and return its first row, or None."""
        return await self.connection.fetchrow(sql, *args)

    async def value(self, sql: str, *args: object) -> Any:
        """Run one statement and return the first column of its first row, or None."""
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> str:
        """Run one statement and return the server's tag, such as `UPDATE 1`."""
        return await self.connection.execute(sql, *args)


class Database(PostgresEngine):
    """Piccolo's engine with our pool. `configure()` names the server; `open()` starts the pool."""

    async def check_version(self) -> None:
        """Piccolo asks the server for its version when the module is imported; we are not connected then."""

    def configure(self, dsn: str) -> None:
        """Point at a server; takes effect for connections made afterwards."""
        self.config = {"dsn": dsn}

    async def connect(self) -> Any:
        """A connection of its own, outside the pool; the caller closes it."""
        return await asyncpg.connect(str(self.config["dsn"]))

    async def look(self, *, within_s: float = 1.0) -> None:
        """See whether the server answers, on a new connection, since old ones may be dead without knowing; raises what is wrong."""
        async with asyncio.timeout(within_s):
            connection = await self.connect()
            try:
                await connection.execute("SELECT 1")
            finally:
                connection.terminate()

    async def open(self, *, min_size: int = 1, max_size: int = 10) -> None:
        """Start the pool, if there is none. Statements run at most 30 s. Each connection is 6 to 10 MiB of the server's: those
        idle for 8 s close, and what was prepared a minute ago is prepared anew or forgotten."""
        if self.pool is not None:
            return
        self.pool = await TimedPool(
            str(self.config["dsn"]),
            connection_class=Connection,
            record_class=asyncpg.Record,
            min_size=min_size,
            max_size=max_size,
            max_queries=50_000,
            max_inactive_connection_lifetime=8,
            loop=None,
            max_cached_statement_lifetime=60,
            command_timeout=30,
        )

    async def close(self) -> None:
        """Close the pool; does nothing when none is open."""
        if self.pool is not None:
            await self.close_connection_pool()

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Run one statement outside any transaction of ours and return its rows."""
        return await self.opened.fetch(sql, *args)

    async def row(self, sql: str, *args: object) -> asyncpg.Record | None:
        """Run one statement outside any transaction of ours and return its first row, or None."""
        return await self.opened.fetchrow(sql, *args)

    async def value(self, sql: str, *args: object) -> Any:
        """Run one statement outside any transaction of ours and return one value, or None."""
        return await self.opened.fetchval(sql, *args)

    @property
    def opened(self) -> Any:
        """The open pool; RuntimeError when there is none."""
        if self.pool is None:
            raise RuntimeError("the database pool is not open")
        return self.pool


DB = Database(config={"dsn": "postgresql:///not-configured"})


@asynccontextmanager
async def atomic() -> AsyncGenerator[Tx]:
    """Open the one transaction of a verb. Commits at the end, rolls back on any exception; callbacks in `after_commit` run
    only after the commit stood. No network, no sleep, no gather or create_task inside. Nesting raises RuntimeError."""
    if DB.current_transaction.get() is not None:
        raise RuntimeError("atomic() inside atomic(): a step takes the Tx of its verb")
    async with DB.opened.acquire() as connection:
        tx = Tx(connection)
        token = DB.current_transaction.set(tx)  # pyright: ignore[reportArgumentType]
        try:
            async with connection.transaction():
                yield tx
        finally:
            DB.current_transaction.reset(token)
    for act in tx.after_commit:
        act()


async def copy_in(tx: Tx, table: str, columns: Sequence[str], records: Sequence[Sequence[object]]) -> None:
    """Insert many rows by COPY (eleven times Piccolo's insert). A unique violation fails the whole transaction."""
    await tx.connection.copy_records_to_table(table, records=records, columns=list(columns))


@asynccontextmanager
async def migration_lock() -> AsyncGenerator[None]:
    """Hold an advisory lock on a connection of its own while migrating: Piccolo's migrator takes none."""
    connection = await DB.connect()
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        yield
    finally:
        await connection.close()
