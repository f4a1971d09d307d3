"""Taking an import back: what it made and nobody touched since is deleted, as if the file had never come. What was sold, used, given
to an agent or printed stays, and its row says so."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import IntegrityConstraintViolationError, Record

from portal.db import Tx
from portal.states import E, move
from portal.vault import Vault

CHUNK = 1000
_ACTOR = "job:imports"
#: Whatever happened to a voucher since leaves one of these.
_UNTOUCHED = """
SELECT v.id FROM vouchers v WHERE v.id = ANY($1) AND v.status IN ('unsold', 'paid') AND v.allotment_id IS NULL AND v.router_id IS NULL
AND NOT EXISTS (SELECT FROM payments p WHERE p.voucher_id = v.id)
AND NOT EXISTS (SELECT FROM checkouts c WHERE c.voucher_id = v.id)
AND NOT EXISTS (SELECT FROM access_grants g WHERE g.voucher_id = v.id)
AND NOT EXISTS (SELECT FROM events e WHERE e.entity = 'vouchers' AND e.entity_id = v.id AND e.name <> 'code_shown')
AND NOT EXISTS (SELECT FROM prints p WHERE p.batch_id = v.batch_id)
ORDER BY v.id FOR UPDATE OF v"""


async def undo_some(tx: Tx, row: Record, *, vault: Vault, now: datetime, most: int = CHUNK) -> bool:
    """The next rows of an import whose row is locked; False when that was all, and it is taken back."""
    del vault  # takes what `take_some` takes
    rows = await tx.fetch(
        """SELECT id, kind, made_id FROM import_rows WHERE import_id = $1 AND outcome = 'made'
           ORDER BY place DESC LIMIT $2""",
        row["id"],
        most,
    )
    if not rows:
        await _finish(tx, row, now=now)
        return False
    await _codes(tx, [each for each in rows if each["kind"] == "code"])
    # Packages come last: what was made of them must be gone before.
    if all(each["kind"] == "package" for each in rows):
        await _batches(tx, row)
        for each in rows:
            await _package(tx, each)
    return True


async def _codes(tx: Tx, rows: Sequence[Record]) -> None:
    if not rows:
        return
    free = {each["id"] for each in await tx.fetch(_UNTOUCHED, [row["made_id"] for row in rows])}
    ids = sorted(free)
    await tx.execute("DELETE FROM imported_codes WHERE voucher_id = ANY($1)", ids)
    await tx.execute(
        """WITH gone AS (DELETE FROM vouchers WHERE id = ANY($1) RETURNING batch_id),
                fewer AS (SELECT batch_id, count(*) AS n FROM gone GROUP BY batch_id)
           UPDATE batches b SET size = greatest(made - f.n, 1), made = made - f.n FROM fewer f WHERE b.id = f.batch_id""",
        ids,
    )
    await tx.execute(
        """UPDATE import_rows SET outcome = CASE WHEN made_id = ANY($2) THEN 'undone' ELSE 'kept' END WHERE id = ANY($1)""",
        [row["id"] for row in rows],
        ids,
    )


async def _batches(tx: Tx, of: Record) -> None:
    """Its batches that have nothing in them any more."""
    rows = await tx.fetch(
        "SELECT id FROM batches WHERE merchant_id = $2 AND form_key LIKE $1 AND made = 0",
        f"import:{of['id']}:%",
        of["merchant_id"],
    )
    for row in rows:
        await _delete(tx, "batches", row["id"])


async def _package(tx: Tx, row: Record) -> None:
    outcome = "undone" if await _delete(tx, "packages", row["made_id"]) else "kept"
    if outcome == "kept":  # something was sold of it: it is only no longer offered
        await tx.execute("UPDATE packages SET is_active = false WHERE id = $1", row["made_id"])
    await tx.execute("UPDATE import_rows SET outcome = $2 WHERE id = $1", row["id"], outcome)


async def _delete(tx: Tx, table: str, row_id: int) -> bool:
    """Delete a row unless something refers to it; the transaction goes on either way."""
    try:
        async with tx.connection.transaction():
            await tx.execute(f"DELETE FROM {table} WHERE id = $1", row_id)
    except IntegrityConstraintViolationError:
        return False
    return True


async def _finish(tx: Tx, of: Record, *, now: datetime) -> None:
    counts = await tx.fetch(
        """SELECT outcome, count(*) AS n FROM import_rows WHERE import_id = $1 AND outcome IN ('undone', 'kept')
           GROUP BY outcome""",
        of["id"],
    )
    data = {row["outcome"]: row["n"] for row in counts}
    await move(tx, "imports", of["id"], E.LEAVE, at=now, actor=_ACTOR, data=data, undone_at=now, next_try_at=None)
