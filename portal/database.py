"""The database server behind the house: the one PORTAL_DATABASE_URL names, or our own, started, watched and stopped by us."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from portal.config import Settings
from portal.db import DB
from portal.embedded_postgres import EmbeddedPostgres
from portal.migrations import migrate_apart

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.25
#: An end that was asked for is over within three seconds; what is not written by then is in the log and is replayed.
_STOP_S = 1.5


@asynccontextmanager
async def opened(settings: Settings, *, pool_size: int = 10) -> AsyncGenerator[None]:
    """The pool, open on a migrated database. An embedded server that dies is started again while this is open."""
    if settings.database_url is not None:
        DB.configure(settings.database_url)
        async with _pool(pool_size):
            yield
        return
    # A folder of its own below ours: as root it is handed to another account, and our keys are not.
    server = EmbeddedPostgres(settings.data_dir / "postgres")
    await server.start_async()
    try:
        DB.configure(server.dsn)
        async with _pool(pool_size):
            watch = asyncio.create_task(_keep_alive(server))
            try:
                yield
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
    finally:
        await server.stop_async(timeout=_STOP_S)


@asynccontextmanager
async def _pool(size: int) -> AsyncGenerator[None]:
    await migrate_apart()
    await DB.open(min_size=2, max_size=size)
    try:
        yield
    finally:
        await _close_soon()


async def _close_soon() -> None:
    """Let queries under way finish for a second, then cut them off: an end must never hang."""
    pool = DB.pool
    try:
        async with asyncio.timeout(1):
            await DB.close()
    except TimeoutError:
        if pool is not None:
            pool.terminate()
        DB.pool = None


async def _keep_alive(server: EmbeddedPostgres) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        if not server.is_running:
            log.error("the embedded database died; starting it again")
            await server.start_async()
