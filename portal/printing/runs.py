"""Making the prints that wait, and clearing away those whose day is over.

Level-based: a print is a row, and whoever finds it due makes it. A worker that died is noticed by its row, which comes due again;
making one twice gives the same cards."""

import asyncio
import logging
from datetime import datetime, timedelta
from functools import partial

import msgspec
from asyncpg import Record

from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.errors import PortalError
from portal.printing import making, shelf
from portal.printing.cards import speaks
from portal.printing.cards_of import Wanted, cards, sheet_for
from portal.printing.prints import KEPT
from portal.states import E, move, move_all
from portal.vault import Vault

log = logging.getLogger(__name__)

#: Whoever makes one says so this often at least, or another begins it anew.
LEASE = timedelta(seconds=60)
_MOST_TRIES = 3
_AGAIN_AFTER = timedelta(seconds=20)
#: Processes that draw at the same time, of one process of ours.
_SLOTS = asyncio.Semaphore(1)


async def make(print_id: int, *, settings: Settings, vault: Vault, clock: Clock) -> bool:
    """Make one, if it waits. False: somebody else does, it is done, or it went wrong, as its row says. Safe to repeat."""
    async with _SLOTS:
        row = await _begin(print_id, clock.now())
        if row is None:
            return False
        try:
            size = await _draw(row, settings=settings, vault=vault, clock=clock)
        except (PortalError, TimeoutError, OSError) as error:
            log.warning("print not made", extra={"print": print_id, "error": repr(error.__cause__ or error)})
            await _give_up(row, f"{type(error).__name__}: {error}"[:200], clock.now())
            return False
    now = clock.now()
    async with atomic() as tx:
        return await move(
            tx, "prints", print_id, E.ARRIVE, at=now, ready_at=now, size_bytes=size, done=row["cards"], error=None,
            next_try_at=now + KEPT,
        )  # fmt: skip


async def _begin(print_id: int, now: datetime) -> Record | None:
    """Take it, or take it over from somebody who has gone silent; None: there is nothing to take."""
    async with atomic() as tx:
        row = await tx.row("SELECT * FROM prints WHERE id = $1 FOR UPDATE SKIP LOCKED", print_id)
        if row is None:
            return None
        if row["status"] == "making" and row["next_try_at"] <= now:
            await move(tx, "prints", print_id, E.RETRY, at=now)
        elif row["status"] != "queued":
            return None
        await move(tx, "prints", print_id, E.START, at=now, tries=row["tries"] + 1, done=0, next_try_at=now + LEASE)
        return row


async def _draw(row: Record, *, settings: Settings, vault: Vault, clock: Clock) -> int:
    """Draw and put away; how large it is, in bytes."""
    wanted = Wanted(
        merchant_id=row["merchant_id"], batch_id=row["batch_id"], voucher_ids=msgspec.json.decode(row["voucher_ids"])
    )
    language = speaks(row["language"])
    sheet = await sheet_for(wanted.merchant_id, row["layout"], language, settings=settings)
    these = cards(wanted, language, vault=vault, most=row["cards"])
    pdf = await making.draw(sheet, these, tell=partial(_tell, row["id"], clock))
    await asyncio.to_thread(shelf.keep, settings, vault, row["id"], pdf)
    return len(pdf)


async def _tell(print_id: int, clock: Clock, done: int) -> None:
    sql = "UPDATE prints SET done = least($2, cards), next_try_at = $3 WHERE id = $1 AND status = 'making'"
    await DB.fetch(sql, print_id, done, clock.now() + LEASE)


async def _give_up(row: Record, error: str, now: datetime) -> None:
    """Try again soon; after some tries, leave it as failed."""
    tries = row["tries"] + 1
    event, later = (E.FAIL, KEPT) if tries >= _MOST_TRIES else (E.RETRY, _AGAIN_AFTER * tries)
    async with atomic() as tx:
        await move(tx, "prints", row["id"], event, at=now, error=error, done=0, next_try_at=now + later)


async def due(*, now: datetime, limit: int = 20) -> list[int]:
    """Prints that wait for somebody, or were left behind."""
    rows = await DB.fetch(
        """SELECT id FROM prints WHERE next_try_at <= $1 AND status IN ('queued', 'making') ORDER BY next_try_at LIMIT $2""",
        now,
        limit,
    )
    return [row["id"] for row in rows]


async def clear(*, settings: Settings, now: datetime, limit: int = 500) -> int:
    """Take away the files whose day is over; how many prints ended. The row first: a file without one is a stray, and goes too."""
    async with atomic() as tx:
        rows = await tx.fetch(
            """SELECT id FROM prints WHERE next_try_at <= $1 AND status IN ('ready', 'failed')
               ORDER BY next_try_at LIMIT $2 FOR UPDATE SKIP LOCKED""",
            now,
            limit,
        )
        ids = [row["id"] for row in rows]
        gone = await move_all(tx, "prints", ids, E.EXPIRE, at=now, ended_at=now, next_try_at=None) if ids else []
    await asyncio.to_thread(shelf.drop, settings, gone)
    return len(gone)


async def sweep_strays(*, settings: Settings, now: datetime) -> int:
    """Take away files in the folder that no print knows; how many there were."""
    rows = await DB.fetch("SELECT id FROM prints WHERE status IN ('making', 'ready')")
    before = (now - timedelta(days=1)).timestamp()
    found = await asyncio.to_thread(shelf.strays, settings, {row["id"] for row in rows}, before=before)
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
