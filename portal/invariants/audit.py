"""I8: the history is as it was written. Every few minutes a range of events that no longer changes is sealed by a digest over its
rows and the seal before; who alters, removes or slips in an event afterwards breaks a seal. One chain, not one per merchant."""

from portal.db import DB, Tx, atomic

#: Events one seal covers at most: what a look computes stays small after a flood too.
MOST = 50_000
#: What is older may have been taken away by the cleaning of logs, whole ranges from the oldest on; the table itself refuses it before.
KEPT_DAYS = 180
#: Seals checked again by each look, the newest and as many taken by chance; a whole look checks all.
CHECKED = 2

_ROWS = """
SELECT count(*) AS size, encode(sha256(convert_to($3 || coalesce(string_agg(
  concat_ws('|', id, merchant_id, entity, entity_id, name, was, became, actor, data::text, extract(epoch FROM at)), E'\\n'
  ORDER BY id), ''), 'UTF8')), 'hex') AS digest
FROM events WHERE id BETWEEN $1 AND $2"""


async def seal() -> int:
    """Seal what was written before the last seal was made and is settled: no transaction that runs now began before it.
    Returns how many events were sealed; two processes at once make one seal."""
    async with atomic() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(hashtext('event_seals'))")
        last = await tx.row("SELECT * FROM event_seals ORDER BY id DESC LIMIT 1")
        seen = await tx.value("SELECT coalesce(max(id), 0) FROM events")
        if last is None and seen == 0:
            return 0
        if last is None:
            await _write(tx, first=1, last=0, seen=seen, before="")
            return 0
        if seen == last["last_id"] or await _is_unsettled(tx, last["created_at"]):
            return 0
        ends = min(last["seen_id"], last["last_id"] + MOST)
        return await _write(tx, first=last["last_id"] + 1, last=ends, seen=seen, before=last["digest"])


async def _write(tx: Tx, *, first: int, last: int, seen: int, before: str) -> int:
    found = await tx.row(_ROWS, first, last, before)
    assert found is not None
    await tx.execute(
        """INSERT INTO event_seals (first_id, last_id, seen_id, size, digest, created_at)
           VALUES ($1, $2, $3, $4, $5, clock_timestamp())""",
        first, last, seen, found["size"], found["digest"],
    )  # fmt: skip
    return found["size"]


async def _is_unsettled(tx: Tx, sealed_at: object) -> bool:
    return await tx.value(
        """SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
                          AND backend_type = 'client backend'
                          AND xact_start < $1)""",
        sealed_at,
    )


async def broken(*, whole: bool = False) -> list[str]:
    """Seals whose events are not what they were, or that do not follow the one before."""
    rows = await DB.fetch("SELECT * FROM event_seals ORDER BY id" if whole else _SOME)
    found: list[str] = []
    for row in rows:
        before = await DB.row(
            "SELECT last_id, digest FROM event_seals WHERE id < $1 ORDER BY id DESC LIMIT 1", row["id"]
        )
        digest, ended = (before["digest"], before["last_id"]) if before else ("", 0)
        now = await DB.row(_ROWS, row["first_id"], row["last_id"], digest)
        is_whole = now is not None and now["digest"] == row["digest"]
        if row["first_id"] != ended + 1 or not (is_whole or await _was_trimmed(row["id"])):
            found.append(f"seal {row['id']}: events {row['first_id']} to {row['last_id']}")
    return found


async def _was_trimmed(seal_id: int) -> bool:
    """Whether a seal is old, and nothing is left of its range nor of any before."""
    return await DB.value(
        f"""SELECT created_at < clock_timestamp() - interval '{KEPT_DAYS} days'
            AND NOT EXISTS (SELECT FROM events WHERE id <= last_id) FROM event_seals WHERE id = $1""",
        seal_id,
    )


_SOME = f"""
SELECT * FROM ((SELECT * FROM event_seals ORDER BY id DESC LIMIT {CHECKED})
  UNION (SELECT * FROM event_seals WHERE id >= (SELECT floor(random() * max(id)) FROM event_seals) ORDER BY id LIMIT {CHECKED})) checked
ORDER BY id"""
