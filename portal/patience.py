"""Waiting for the database to come back: for the few writes whose content exists nowhere else, like M-Pesa's answers.

Not for anything a sweep finds again by itself."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

log = logging.getLogger(__name__)

T = TypeVar("T")

#: What says that the server is away or going, not that the statement was wrong. InternalClientError is what asyncpg says
#: when the connection dies between two messages of one statement.
LOST_DATABASE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_LOOK_AGAIN_S = 0.2


async def patiently(write: Callable[[], Awaitable[T]], *, within_s: float) -> T:
    """Do a write, again and again while the database is away; after `within_s` its last error is raised.

    The write must be repeatable: when the server dies during COMMIT nobody knows whether it stood."""
    ends = time.monotonic() + within_s
    while True:
        try:
            return await write()
        except LOST_DATABASE as lost:
            if time.monotonic() >= ends:
                raise
            log.warning("the database is away, waiting for it", extra={"error": repr(lost)})
            await asyncio.sleep(_LOOK_AGAIN_S)
