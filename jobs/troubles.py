"""What went wrong in a run: whether trying again may help, and in which words it is kept."""

import asyncpg
import httpx

from portal.patience import LOST_DATABASE

#: Classes of PostgreSQL's error codes (its manual, appendix A) that say "not now" instead of "not so": connection, rolled back
#: for another's sake, resources, locks, the operator, the system around it.
_NOT_NOW = ("08", "40", "53", "55", "57", "58")
_MOST = 500


def is_temporary(error: BaseException) -> bool:
    """Whether the same run may succeed later. Errors of ours and of routers say so themselves; a mistake in the code is none."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_temporary(one) for one in error.exceptions)
    permanent: object = getattr(error, "permanent", None)
    if permanent is not None:
        return not permanent
    if isinstance(error, asyncpg.PostgresError):
        return str(getattr(error, "sqlstate", ""))[:2] in _NOT_NOW
    return isinstance(error, (*LOST_DATABASE, TimeoutError, httpx.TransportError))


def words(error: BaseException) -> str:
    """One line for the run's row. Only the first line of what was said: PostgreSQL's details quote values of rows."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}"[:_MOST] if said else type(error).__name__
