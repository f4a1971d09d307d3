"""Counters that make guessing and flooding harmless: one atomic upsert per try, shared by all processes.

Windows are fixed: the first try opens one, and the first try after its end opens the next. So nobody is locked out for
longer than one window, however often somebody else tries in their name.
"""

from datetime import datetime, timedelta

from portal import meters
from portal.db import DB, Tx

_HIT = """
INSERT INTO limits AS l (name, window_at, hits) VALUES ($1, $2, 1)
ON CONFLICT (name) DO UPDATE SET
  hits = CASE WHEN l.window_at <= $3 THEN 1 ELSE l.hits + 1 END,
  window_at = CASE WHEN l.window_at <= $3 THEN excluded.window_at ELSE l.window_at END
RETURNING hits"""


async def hit(name: str, *, limit: int, window_s: int, now: datetime) -> bool:
    """Count one try; True while the rule allows it, False once more than `limit` came within `window_s` seconds.

    `name` is the rule and what it counts, at most 120 characters. Runs outside of any open transaction, so that a try
    counts even when what it tried is rolled back.
    """
    hits = await DB.value(_HIT, name, now, now - timedelta(seconds=window_s))
    if hits > limit:
        meters.block(name)
        return False
    return True


async def take(tx: Tx, name: str, *, limit: int, window_s: int, now: datetime) -> bool:
    """Count within the caller's transaction: what is rolled back did not count. Others who take of the same wait until it ends."""
    hits = await tx.value(_HIT, name, now, now - timedelta(seconds=window_s))
    return hits <= limit


async def forget(name: str) -> None:
    """Start a counter anew: after the right password, the wrong ones before it no longer count."""
    await DB.value("DELETE FROM limits WHERE name = $1", name)


async def sweep(*, now: datetime, older_than_s: int = 86_400) -> int:
    """Delete counters whose window began longer ago than any rule looks back; returns how many."""
    rows = await DB.fetch("DELETE FROM limits WHERE window_at < $1 RETURNING id", now - timedelta(seconds=older_than_s))
    return len(rows)
