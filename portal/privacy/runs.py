"""Making the copies that wait, and clearing away those whose week is over.

Level-based: a copy is a row, and whoever finds it due makes it. Tables are read page by page, so that a large shop needs no more
memory than a small one. Making one twice gives the same files, as they are by then."""

import asyncio
import logging
import zipfile
from datetime import datetime, timedelta

import asyncpg
from asyncpg import Record

from portal import codes, spreadsheets
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB, atomic
from portal.errors import PortalError
from portal.i18n import language
from portal.msgid import N_
from portal.privacy import shelf
from portal.privacy.contents import FILES, cells, columns_of
from portal.privacy.copies import KEPT
from portal.states import note
from portal.vault import Vault

log = logging.getLogger(__name__)

#: Whoever makes one says so this often at least, or another begins it anew.
LEASE = timedelta(seconds=120)
_MOST_TRIES = 3
_AGAIN_AFTER = timedelta(seconds=30)
_PAGE, _CODES_AT_ONCE = 1000, 200
README = N_(
    "This is everything Vocha keeps for %(shop)s, made on %(day)s.\n\n"
    "There is a file for each kind of thing. They are CSV: any spreadsheet opens them. The first line names the columns.\n"
    "Money is in cents: 5000 is 50 shillings. Moments are in universal time (UTC), three hours behind Nairobi.\n"
    "Passwords and keys are in none of the files. Codes of vouchers are only in voucher_codes.csv, if you asked for them.\n\n"
    "There are names and phone numbers of your customers in here. By the Data Protection Act you answer for whoever reads them: "
    "keep the files locked away, and delete them when you no longer need them.\n"
)
_CODES = """
SELECT v.id, v.status, v.code_sealed, coalesce(b.prefix, '') AS prefix FROM vouchers v LEFT JOIN batches b ON b.id = v.batch_id
WHERE v.merchant_id = $1 AND v.id > $2 AND (v.status IN ('paid', 'in_use') OR (v.status = 'unsold' AND b.kind = 'cash'))
ORDER BY v.id LIMIT $3"""


async def make(copy_id: int, *, settings: Settings, vault: Vault, clock: Clock) -> bool:
    """Make one, if it waits. False: somebody else does, it is done, or it went wrong, as its row says. Safe to repeat."""
    row = await _begin(copy_id, clock.now())
    if row is None:
        return False
    file = await asyncio.to_thread(shelf.Writing, settings, vault, copy_id)
    try:
        await _Making(row, file, vault, clock).fill()
        await asyncio.to_thread(file.finish)
    except (PortalError, TimeoutError, OSError, asyncpg.PostgresError) as error:
        log.warning("copy not made", extra={"copy": copy_id, "error": repr(error)})
        await _give_up(row, type(error).__name__, clock.now())
        return False
    finally:
        await asyncio.to_thread(file.drop)
    now = clock.now()
    async with atomic() as tx:
        is_ready = await tx.value(
            """UPDATE shop_copies SET ready_at = $2, size_bytes = $3, done = total, error = NULL, next_try_at = $4
               WHERE id = $1 AND ready_at IS NULL AND ended_at IS NULL RETURNING true""",
            copy_id, now, file.size, now + KEPT,
        )  # fmt: skip
        if is_ready:
            await note(tx, "shop_copies", copy_id, "made", merchant_id=row["merchant_id"], at=now)
    return bool(is_ready)


async def _begin(copy_id: int, now: datetime) -> Record | None:
    """Take it, or take it over from somebody who has gone silent; None: there is nothing to take."""
    return await DB.row(
        """UPDATE shop_copies SET tries = tries + 1, done = 0, next_try_at = $3 WHERE id = (
             SELECT id FROM shop_copies WHERE id = $1 AND ready_at IS NULL AND ended_at IS NULL AND (tries = 0 OR next_try_at <= $2)
             FOR UPDATE SKIP LOCKED) RETURNING *""",
        copy_id, now, now + LEASE,
    )  # fmt: skip


async def _give_up(row: Record, error: str, now: datetime) -> None:
    """Try again soon; after some tries, leave it."""
    is_over = row["tries"] >= _MOST_TRIES
    await DB.fetch(
        "UPDATE shop_copies SET error = $2, next_try_at = $3, ended_at = $4 WHERE id = $1 AND ready_at IS NULL",
        row["id"], error, None if is_over else now + _AGAIN_AFTER * row["tries"], now if is_over else None,
    )  # fmt: skip


class _Making:
    """One copy while it is made."""

    def __init__(self, row: Record, file: shelf.Writing, vault: Vault, clock: Clock) -> None:
        self._row, self._vault, self._clock = row, vault, clock
        # A stream that cannot be gone back in: what is written is sealed and on the disk.
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)  # pyright: ignore[reportCallIssue, reportArgumentType]
        self._merchant: int = row["merchant_id"]
        self._told = clock.now()

    async def fill(self) -> None:
        """Everything: what it is, then a file a table."""
        with self._zip:
            await self._readme()
            for number, table in enumerate(FILES):
                await self._tell(number)
                await self._table(table)
            if self._row["has_codes"]:
                await self._tell(len(FILES))
                await self._codes()

    async def _readme(self) -> None:
        shop = await DB.value("SELECT name FROM merchants WHERE id = $1", self._merchant)
        said = language(self._row["language"]).gettext(README)
        text = said % {"shop": shop, "day": f"{self._clock.now():%Y-%m-%d}"}
        await asyncio.to_thread(self._zip.writestr, "README.txt", text)

    async def _table(self, table: str) -> None:
        names = columns_of(table)
        chosen = ", ".join(f't."{name}"' for name in names)
        sql = f"SELECT {chosen} FROM {table} t WHERE ({FILES[table]}) AND t.id > $2 ORDER BY t.id LIMIT $3"
        with self._zip.open(f"{table}.csv", "w", force_zip64=True) as file:
            after, rows = 0, None
            await asyncio.to_thread(file.write, (spreadsheets.MARK + spreadsheets.row(names)).encode())
            while rows is None or len(rows) == _PAGE:
                rows = await DB.fetch(sql, self._merchant, after, _PAGE)
                text = spreadsheets.table([cells(row) for row in rows])
                await asyncio.to_thread(file.write, text.encode())
                after = rows[-1]["id"] if rows else after
                await self._sign_of_life()

    async def _codes(self) -> None:
        with self._zip.open("voucher_codes.csv", "w", force_zip64=True) as file:
            after, rows = 0, None
            file.write((spreadsheets.MARK + spreadsheets.row(["voucher_id", "status", "code"])).encode())
            while rows is None or len(rows) == _CODES_AT_ONCE:
                rows = await DB.fetch(_CODES, self._merchant, after, _CODES_AT_ONCE)
                text = await asyncio.to_thread(self._opened, rows)
                await asyncio.to_thread(file.write, text.encode())
                after = rows[-1]["id"] if rows else after
                await self._sign_of_life()

    def _opened(self, rows: list[Record]) -> str:
        return spreadsheets.table([(row["id"], row["status"], self._code(row)) for row in rows])

    def _code(self, row: Record) -> str:
        code = self._vault.open("vouchers", "code_sealed", row_id=row["id"], sealed=row["code_sealed"])
        return codes.print_code(code, prefix=row["prefix"])

    async def _tell(self, done: int) -> None:
        self._told = self._clock.now()
        sql = (
            "UPDATE shop_copies SET done = $2, next_try_at = $3 WHERE id = $1 AND ready_at IS NULL AND ended_at IS NULL"
        )
        await DB.fetch(sql, self._row["id"], done, self._told + LEASE)

    async def _sign_of_life(self) -> None:
        if self._clock.now() - self._told > LEASE / 4:
            self._told = self._clock.now()
            sql = "UPDATE shop_copies SET next_try_at = $2 WHERE id = $1 AND ready_at IS NULL AND ended_at IS NULL"
            await DB.fetch(sql, self._row["id"], self._told + LEASE)


async def due(*, now: datetime, limit: int = 20) -> list[int]:
    """Copies that wait for somebody, or were left behind."""
    rows = await DB.fetch(
        "SELECT id FROM shop_copies WHERE next_try_at <= $1 AND ready_at IS NULL ORDER BY next_try_at LIMIT $2",
        now,
        limit,
    )
    return [row["id"] for row in rows]


async def clear(*, settings: Settings, now: datetime) -> int:
    """Take away the files whose week is over; how many copies ended. The row first: a file without one is a stray, and goes too."""
    rows = await DB.fetch(
        """UPDATE shop_copies SET ended_at = $1, next_try_at = NULL WHERE next_try_at <= $1 AND ready_at IS NOT NULL
           AND ended_at IS NULL RETURNING id""",
        now,
    )
    await asyncio.to_thread(shelf.drop, settings, [row["id"] for row in rows])
    return len(rows)


async def sweep_strays(*, settings: Settings, now: datetime) -> int:
    """Take away files in the folder that no copy knows; how many there were."""
    rows = await DB.fetch("SELECT id FROM shop_copies WHERE ended_at IS NULL")
    before = (now - timedelta(days=1)).timestamp()
    found = await asyncio.to_thread(shelf.strays, settings, {row["id"] for row in rows}, before=before)
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
