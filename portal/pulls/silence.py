"""Routers that ask us and have fallen silent: late after two questions that did not come, offline after four."""

from datetime import datetime, timedelta

from portal import outages
from portal.db import DB, atomic
from portal.states import E, move

ACTOR = "job:pull-silence"
#: A question may be this late without meaning anything: a run takes its time.
_SLACK = timedelta(seconds=5)
LATE_AFTER, OFFLINE_AFTER = 2, 4


def limits_for(interval_s: int) -> tuple[timedelta, timedelta]:
    """How long a router may be silent before it is late, and before it is offline."""
    interval = timedelta(seconds=interval_s)
    return interval * LATE_AFTER + _SLACK, interval * OFFLINE_AFTER + _SLACK


async def note_silent(*, now: datetime) -> int:
    """Move routers by how long they have not asked; returns how many moved. An outage begins at their last question."""
    rows = await DB.fetch(
        """SELECT id, status, last_seen_at, pull_interval_s FROM routers
           WHERE way = 'pull' AND status IN ('online', 'late') AND last_seen_at < $1::timestamptz - pull_interval_s * interval '1 second'
           ORDER BY id""",
        now,
    )
    moved = 0
    for row in rows:
        late, offline = limits_for(row["pull_interval_s"])
        silent = now - row["last_seen_at"]
        event = E.DROP if silent >= offline else E.MISS if silent >= late and row["status"] == "online" else None
        if event is None:
            continue
        async with atomic() as tx:
            # Between the look and the lock it may have asked.
            if (
                await tx.value("SELECT last_seen_at FROM routers WHERE id = $1 FOR UPDATE", row["id"])
                != row["last_seen_at"]
            ):
                continue
            since = {"offline_since": row["last_seen_at"]}
            data = {"silent_s": int(silent.total_seconds())}
            moved += await move(tx, "routers", row["id"], event, at=now, actor=ACTOR, data=data, **since)
            if event is E.DROP:
                await outages.began(tx, now=now, router_id=row["id"])
    return moved
