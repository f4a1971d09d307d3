"""What the worker does of an import: read it, take it over, take it back. Each step is small, in one transaction, and finds by the
rows themselves where the one before stopped: whoever holds the import's row does the next, and a worker that dies loses nothing."""

import asyncio
import logging
from datetime import datetime, timedelta

from asyncpg import Record

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, Tx, atomic, copy_in
from portal.errors import Invalid, PortalError
from portal.imports import letters, mikhmon, nuxbill, plain, shelf
from portal.imports.found import Found
from portal.imports.judging import Verdict, judge
from portal.imports.sending import SWEEP_AFTER, Source
from portal.imports.taking import take_some
from portal.imports.undoing import undo_some
from portal.msgid import N_
from portal.states import E, move
from portal.vault import Vault

log = logging.getLogger(__name__)

UNREADABLE = N_("This file could not be read. Export it again, and send it to us if that does not help.")
NOTHING = N_("There is nothing in this file that we know. Choose another origin, or export it again.")
GONE = N_("The file got lost before it was read. Send it again.")
_MOST_TRIES = 3
_STRAY_AFTER = timedelta(hours=1)
_COLUMNS = (
    "id", "import_id", "place", "line", "kind", "name", "package", "amount_cents", "verdict", "why", "is_weak", "is_running",
    "data_sealed",
)  # fmt: skip


async def due(*, now: datetime) -> list[int]:
    """Imports that wait for a step, or were left behind."""
    rows = await DB.fetch("SELECT id FROM imports WHERE next_try_at <= $1 ORDER BY next_try_at LIMIT 20", now)
    return [row["id"] for row in rows]


async def sweep_strays(*, settings: Settings, now: datetime) -> int:
    """Take away files nobody will read any more, an hour old and older; how many."""
    rows = await DB.fetch("SELECT id FROM imports WHERE status = 'waiting'")
    left = await asyncio.to_thread(
        shelf.strays, settings, [row["id"] for row in rows], before=(now - _STRAY_AFTER).timestamp()
    )
    for path in left:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return len(left)


async def step(import_id: int, *, settings: Settings, vault: Vault, clock: Clock) -> bool:
    """The next step of an import; True while there is more to do. False as well when somebody else is at it. Safe to repeat."""
    status = await DB.value("SELECT status FROM imports WHERE id = $1", import_id)
    if status == "waiting":
        await _read(import_id, settings=settings, vault=vault, now=clock.now())
        return False
    if status not in ("running", "undoing"):
        return False
    async with atomic() as tx:
        row = await tx.row("SELECT * FROM imports WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED", import_id)
        if row is None or row["status"] != status:
            return False
        now = clock.now()
        await tx.execute("UPDATE imports SET next_try_at = $2 WHERE id = $1", import_id, now + SWEEP_AFTER)
        take = take_some if status == "running" else undo_some
        return await take(tx, row, vault=vault, now=now)


async def _read(import_id: int, *, settings: Settings, vault: Vault, now: datetime) -> None:
    row = await DB.row(
        "UPDATE imports SET tries = tries + 1, next_try_at = $2 WHERE id = $1 AND status = 'waiting' RETURNING *",
        import_id, now + SWEEP_AFTER,
    )  # fmt: skip
    if row is None:
        return
    try:
        if row["tries"] > _MOST_TRIES:
            raise letters.refuse(UNREADABLE)
        raw = await asyncio.to_thread(shelf.fetch, settings, vault, import_id)
        if raw is None:
            raise letters.refuse(GONE)
        found = await asyncio.to_thread(parse, raw, row["source"])
        judged = await judge(row["merchant_id"], found, vault=vault, now=now)
    except PortalError as error:
        sentence = error.fields.get(letters.FIELD, error.message) if isinstance(error, Invalid) else error.message
        async with atomic() as tx:
            await move(tx, "imports", import_id, E.FAIL, at=now, actor="job:imports", error=sentence, next_try_at=None)
    else:
        await _keep(row, judged, vault=vault, now=now)
    await asyncio.to_thread(shelf.drop, settings, import_id)


def parse(raw: bytes, source: str) -> Found:
    """A file's rows by where it comes from; Invalid, in words. A dump sent as Mikhmon's, or the other way about, is read as what it is."""
    text = letters.text_of(raw, long_lines=source == Source.PHPNUXBILL)
    if nuxbill.is_ours(text) and source != Source.CSV:
        found = nuxbill.read(text)
    elif mikhmon.is_export(text) or mikhmon.is_csv(text):
        found = mikhmon.read(text)
    elif source == Source.CSV:
        found = plain.read(text)
    else:
        raise letters.refuse(NOTHING)
    if not len(found):
        raise letters.refuse(NOTHING)
    if len(found) > letters.MOST_ROWS:
        raise letters.refuse(letters.TOO_MANY)
    return found


async def _keep(row: Record, judged: list[Verdict], *, vault: Vault, now: datetime) -> None:
    async with atomic() as tx:
        if not await move(
            tx, "imports", row["id"], E.ACCEPT, at=now, actor="job:imports", checked_at=now, next_try_at=None
        ):
            return  # another worker has read it meanwhile
        await _copy(tx, row["id"], judged, vault=vault)


async def _copy(tx: Tx, import_id: int, judged: list[Verdict], *, vault: Vault) -> None:
    ids: list[int] = await tx.value(
        "SELECT array_agg(nextval('import_rows_id_seq')) FROM generate_series(1, $1::int)", len(judged)
    )
    pairs = list(zip(ids, (each.data for each in judged), strict=True))
    sealed = vault.seal_all("import_rows", "data_sealed", rows=pairs)
    records = [
        (
            row_id, import_id, place, each.line, each.kind.value, each.name[:60], each.package[:60], each.amount_cents,
            each.verdict, each.why.value if each.why else None, each.is_weak, each.is_running, data if each.data else None,
        )
        for place, (row_id, each, data) in enumerate(zip(ids, judged, sealed, strict=True))
    ]  # fmt: skip
    await copy_in(tx, "import_rows", _COLUMNS, records)
