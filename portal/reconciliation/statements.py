"""Statements of the M-Pesa organisation portal: read, held against ours, shown; taken in only when a person says so."""

import asyncio
import hashlib
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec
from asyncpg import Record, UniqueViolationError

from portal import payments
from portal.db import DB, Tx, atomic
from portal.errors import Conflict, Invalid, NotFound
from portal.evidence import Inbound, Road
from portal.msgid import N_
from portal.reconciliation import lists, statement_files, statement_rows
from portal.reconciliation.lists import Row
from portal.states import E, move
from portal.vault import Vault

log = logging.getLogger(__name__)

CHUNK = 500
STRANDED_AFTER = timedelta(minutes=15)
_STRANDED = N_("Reading was interrupted. Send the file again.")
_TABLE = "comparisons"
_AGAIN = N_("This file was imported before. Open it in the list.")
_EMPTY = N_("There is no payment in this file. Choose a time in which money moved, and export it again.")
#: A file in which hardly anything makes sense is not a statement with slips, but something else.
_MOST_UNREADABLE = 0.5
_NONSENSE = N_("Most rows of this file make no sense (%(bad)s of %(all)s). Export it again and do not edit it.")


class Sums(msgspec.Struct, kw_only=True):
    """What a statement adds up to, counted while it is read."""

    rows: int = 0
    unreadable: int = 0
    matched: int = 0
    differing: int = 0
    only_theirs: int = 0
    only_ours: int = 0
    in_cents: int = 0
    out_cents: int = 0
    fees_cents: int = 0
    opening_cents: int | None = None
    closing_cents: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def add(self, row: Row) -> None:
        """Count one row that was carried out."""
        if row.kind == "fee":
            self.fees_cents -= row.amount_cents
        elif row.amount_cents > 0:
            self.in_cents += row.amount_cents
        else:
            self.out_cents -= row.amount_cents
        moved = row.happened_at
        assert moved is not None  # rows without a moment are unreadable
        if self.since is None or moved < self.since:
            self.since = moved
        if self.until is None or moved > self.until:
            self.until = moved


async def receive(path: Path, *, account_id: int, file_name: str, by: str, now: datetime) -> int:
    """Read a statement of an account and hold it against ours; the comparison's id, whose status says what may be done next.

    Nothing is taken in. Invalid, in words: not a statement, hostile, empty. Conflict: this very file is here already."""
    digest = await asyncio.to_thread(_digest, path)
    comparison_id = await _begin(account_id, file_name=file_name, digest=digest, by=by, now=now)
    try:
        sums = await _read(path, comparison_id)
        _must_be_a_statement(sums)
        await _balances(comparison_id, sums)
        await _ours(account_id, comparison_id, sums)
    except Exception as error:
        words = str(error) if isinstance(error, Invalid) else type(error).__name__
        async with atomic() as tx:
            await tx.execute("DELETE FROM comparison_lines WHERE comparison_id = $1", comparison_id)
            await move(tx, _TABLE, comparison_id, E.FAIL, at=now, actor=by, error=words[:500], ended_at=now)
        raise
    async with atomic() as tx:
        await move(tx, _TABLE, comparison_id, E.ANSWER, at=now, actor=by, **msgspec.structs.asdict(sums))
    return comparison_id


def _must_be_a_statement(sums: Sums) -> None:
    if sums.rows == 0:
        raise statement_files.refuse(_EMPTY)
    if sums.unreadable > _MOST_UNREADABLE * sums.rows:
        raise statement_files.refuse(_NONSENSE, bad=sums.unreadable, all=sums.rows)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _begin(account_id: int, *, file_name: str, digest: str, by: str, now: datetime) -> int:
    clean = "".join(char for char in file_name if char.isprintable())
    try:
        async with atomic() as tx:
            found = await tx.value(
                """INSERT INTO comparisons (merchant_id, account_id, source, why, asked_by, file_name, file_hash, created_at)
                   SELECT merchant_id, id, 'statement', 'import', $2, $3, $4, $5 FROM mpesa_accounts WHERE id = $1 RETURNING id""",
                account_id,
                by,
                clean[-120:],
                digest,
                now,
            )
    except UniqueViolationError as error:
        raise Conflict(_AGAIN) from error
    if found is None:
        raise NotFound
    return found


async def _read(path: Path, comparison_id: int) -> Sums:
    """Row by row, some hundred in memory at a time; kept in transactions of their own."""
    sums = Sums()
    found: Iterator[Row | None] = await asyncio.to_thread(
        lambda: statement_rows.read(statement_files.rows_of(path))  # opening a file takes its time
    )
    while chunk := await asyncio.to_thread(lambda: list(islice(found, CHUNK))):
        rows = [row for row in chunk if row is not None]
        sums.rows += len(chunk)
        sums.unreadable += len(chunk) - len(rows)
        held = await lists.hold(rows, road=Road.STATEMENT.value)
        for one in held:
            if one.verdict != "not_done":
                sums.add(one.row)
            sums.matched += one.verdict == "matched"
            sums.differing += one.verdict == "differs"
            sums.only_theirs += one.verdict == "only_theirs"
        async with atomic() as tx:
            await lists.keep(tx, comparison_id, held)
    return sums


async def _balances(comparison_id: int, sums: Sums) -> None:
    """The balance before the earliest row and after the latest. Rows of one second stand in the order of the file, which runs
    one way; the portal's runs from the newest to the oldest."""
    ends = await DB.row(
        """WITH told AS (SELECT number, happened_at, amount_cents, balance_cents FROM comparison_lines
                         WHERE comparison_id = $1 AND balance_cents IS NOT NULL AND verdict <> 'not_done'),
                way AS (SELECT coalesce((SELECT happened_at FROM told ORDER BY number LIMIT 1)
                                        > (SELECT happened_at FROM told ORDER BY number DESC LIMIT 1), false) AS is_back)
           SELECT (SELECT balance_cents - amount_cents FROM told, way
                   ORDER BY happened_at, CASE WHEN is_back THEN -number ELSE number END LIMIT 1) AS opening,
                  (SELECT balance_cents FROM told, way
                   ORDER BY happened_at DESC, CASE WHEN is_back THEN number ELSE -number END LIMIT 1) AS closing""",
        comparison_id,
    )
    if ends is not None:
        sums.opening_cents, sums.closing_cents = ends["opening"], ends["closing"]


async def _ours(account_id: int, comparison_id: int, sums: Sums) -> None:
    if sums.since is None or sums.until is None:
        return
    rows = await DB.fetch(
        "SELECT receipt FROM comparison_lines WHERE comparison_id = $1 AND verdict <> 'not_done'", comparison_id
    )
    listed = {row["receipt"] for row in rows}
    missing = await lists.only_ours(account_id, since=sums.since, until=sums.until, listed=listed)
    sums.only_ours = len(missing)
    async with atomic() as tx:
        await lists.keep(tx, comparison_id, missing)


async def find_stranded(*, now: datetime) -> int:
    """Statements whose reader died: failed, so that the file may be sent again."""
    rows = await DB.fetch(
        "SELECT id FROM comparisons WHERE source = 'statement' AND status = 'running' AND created_at < $1",
        now - STRANDED_AFTER,
    )
    async with atomic() as tx:
        for row in rows:
            await tx.execute("DELETE FROM comparison_lines WHERE comparison_id = $1", row["id"])
            await move(
                tx, _TABLE, row["id"], E.FAIL, at=now, actor="job:pull-transactions", error=str(_STRANDED), ended_at=now
            )
    return len(rows)


async def confirm(comparison_id: int, *, by: str, now: datetime) -> None:
    """A person says: take in what M-Pesa has and we have not. Conflict: somebody decided before."""
    async with atomic() as tx:
        if not await move(
            tx, _TABLE, comparison_id, E.APPROVE, at=now, actor=by, confirmed_by=by, confirmed_at=now
        ):  # fmt: skip
            raise Conflict


async def drop(comparison_id: int, *, by: str, now: datetime) -> None:
    """A person says: take nothing in. Conflict: somebody decided before."""
    async with atomic() as tx:
        if not await move(tx, _TABLE, comparison_id, E.DROP, at=now, actor=by, ended_at=now):
            raise Conflict


async def confirmed() -> list[int]:
    """Comparisons that were confirmed and are not taken in yet."""
    return [row["id"] for row in await DB.fetch("SELECT id FROM comparisons WHERE status = 'taking' ORDER BY id")]


async def take(comparison_id: int, *, vault: Vault, now: datetime) -> int:
    """Take the rest of a confirmed statement in, a row at a time; how many were. Repeatable: a row says what became of it."""
    taken = 0
    while True:
        rows = await DB.fetch(
            """SELECT l.*, c.account_id FROM comparison_lines l JOIN comparisons c ON c.id = l.comparison_id
               WHERE l.comparison_id = $1 AND c.status = 'taking' AND l.verdict = 'only_theirs' AND l.taken IS NULL
               ORDER BY l.id LIMIT 200""",
            comparison_id,
        )
        if not rows:
            break
        for row in rows:
            taken += await _take(row, vault=vault, now=now)
    async with atomic() as tx:
        count = await tx.value(
            """SELECT count(*) FROM comparison_lines WHERE comparison_id = $1 AND taken IS NOT NULL
               AND taken NOT IN ('known', 'error')""",
            comparison_id,
        )
        await move(tx, _TABLE, comparison_id, E.CLOSE, at=now, actor="job:pull-transactions", taken=count, ended_at=now)
    return taken


async def _take(row: Record, *, vault: Vault, now: datetime) -> bool:
    try:
        async with atomic() as tx:
            settled = await payments.take(tx, _inbound(row), vault=vault, now=now)
            await _say(tx, row["id"], settled.settled.value)
    except Exception:
        log.exception("row of a statement not taken in", extra={"line": row["id"]})
        async with atomic() as tx:
            await _say(tx, row["id"], "error")
        return False
    return True


async def _say(tx: Tx, line_id: int, said: str) -> None:
    await tx.execute("UPDATE comparison_lines SET taken = $2 WHERE id = $1", line_id, said)


def _inbound(row: Record) -> Inbound:
    return Inbound(
        road=Road.STATEMENT, receipt=row["receipt"], amount_cents=row["amount_cents"], is_trusted=True,
        account_id=row["account_id"], reference=row["reference"], phone=row["phone"], payer_hint=row["payer_hint"],
        payer_name=row["payer_name"], happened_at=row["happened_at"],
    )  # fmt: skip
