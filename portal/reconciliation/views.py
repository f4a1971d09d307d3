"""What pages and commands show of comparisons and closes. Every query starts from whose they are; a stranger's id is not there."""

from datetime import date, datetime
from typing import Any

import msgspec

from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.reconciliation.access import scope
from portal.reconciliation.causes import Cause


class ComparisonView(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison. Money in cents of KES; see the table for what the counts count."""

    id: int
    account_id: int
    shortcode: str
    source: str
    why: str
    status: str
    file_name: str
    since: datetime | None
    until: datetime | None
    rows: int
    matched: int
    differing: int
    only_theirs: int
    only_ours: int
    unreadable: int
    taken: int
    in_cents: int
    out_cents: int
    fees_cents: int
    opening_cents: int | None
    closing_cents: int | None
    error: str
    created_at: datetime
    ended_at: datetime | None

    @property
    def is_alike(self) -> bool:
        """Whether nothing is left that a person should look at."""
        return not (self.differing or self.only_ours or self.unreadable or (self.only_theirs and not self.taken))


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a comparison that is not simply alike."""

    id: int
    number: int
    receipt: str
    amount_cents: int
    ours_cents: int | None
    happened_at: datetime | None
    reference: str
    payer_name: str
    details: str
    verdict: str
    taken: str | None


class CloseView(msgspec.Struct, frozen=True, kw_only=True):
    """A day's close. Money in cents of `currency`; M-Pesa's side is None where it is not known."""

    id: int
    merchant_id: int | None
    account_id: int
    shortcode: str
    is_whole: bool
    day: date
    revision: int
    currency: str
    opening_cents: int
    in_cents: int
    out_cents: int
    closing_cents: int
    theirs: str
    their_opening_cents: int | None
    their_in_cents: int | None
    their_out_cents: int | None
    their_fees_cents: int | None
    their_closing_cents: int | None
    difference_cents: int | None
    causes: list[Cause]
    created_at: datetime

    @property
    def balances(self) -> bool | None:
        """Whether both sides say the same; None: M-Pesa's is not known."""
        return None if self.difference_cents is None else self.difference_cents == 0


_COMPARISON = """
SELECT c.id, c.account_id, a.shortcode, c.source, c.why, c.status, c.file_name, c.since, c.until, c.rows, c.matched, c.differing,
       c.only_theirs, c.only_ours, c.unreadable, c.taken, c.in_cents, c.out_cents, c.fees_cents, c.opening_cents,
       c.closing_cents, c.error, c.created_at, c.ended_at
FROM comparisons c JOIN mpesa_accounts a ON a.id = c.account_id WHERE c.merchant_id IS NOT DISTINCT FROM $1::bigint"""
_CLOSE = """
SELECT d.id, d.merchant_id, d.account_id, a.shortcode, d.merchant_id IS NOT DISTINCT FROM a.merchant_id AS is_whole, d.day,
       d.revision, d.currency, d.opening_cents, d.in_cents, d.out_cents, d.closing_cents, d.theirs, d.their_opening_cents,
       d.their_in_cents, d.their_out_cents, d.their_fees_cents, d.their_closing_cents, d.difference_cents, d.causes, d.created_at
FROM daily_closes d JOIN mpesa_accounts a ON a.id = d.account_id WHERE d.merchant_id IS NOT DISTINCT FROM $1::bigint"""


async def comparisons(actor: Actor, *, before: int | None = None, most: int = 20) -> list[ComparisonView]:
    """The newest comparisons of the actor's accounts, those below the id `before`."""
    rows = await DB.fetch(
        f"{_COMPARISON} AND ($2::bigint IS NULL OR c.id < $2) ORDER BY c.id DESC LIMIT $3", scope(actor), before, most
    )
    return [ComparisonView(**dict(row)) for row in rows]


async def comparison(actor: Actor, comparison_id: int) -> ComparisonView:
    """One of them; NotFound for a stranger's."""
    row = await DB.row(f"{_COMPARISON} AND c.id = $2", scope(actor), comparison_id)
    if row is None:
        raise NotFound
    return ComparisonView(**dict(row))


async def lines(comparison_id: int, *, after: int = 0, most: int = 100) -> list[LineView]:
    """What is not alike, or was taken in, in the order of the list; ids above `after`."""
    rows = await DB.fetch(
        """SELECT id, number, receipt, amount_cents, ours_cents, happened_at, reference, payer_name, details, verdict, taken
           FROM comparison_lines WHERE comparison_id = $1 AND id > $2 AND verdict NOT IN ('matched', 'other')
           ORDER BY id LIMIT $3""",
        comparison_id,
        after,
        most,
    )
    return [LineView(**dict(row)) for row in rows]


async def closes(actor: Actor, *, before: int | None = None, most: int = 31) -> list[CloseView]:
    """The newest closes of the actor, of each day the last revision; those below the id `before`."""
    rows = await DB.fetch(
        f"""{_CLOSE} AND ($2::bigint IS NULL OR d.id < $2) AND NOT EXISTS (
              SELECT FROM daily_closes n WHERE n.account_id = d.account_id AND n.day = d.day AND n.revision > d.revision
              AND n.merchant_id IS NOT DISTINCT FROM d.merchant_id) ORDER BY d.id DESC LIMIT $3""",
        scope(actor),
        before,
        most,
    )
    return [_close(dict(row)) for row in rows]


async def close(actor: Actor, close_id: int) -> CloseView:
    """One close; NotFound for a stranger's."""
    row = await DB.row(f"{_CLOSE} AND d.id = $2", scope(actor), close_id)
    if row is None:
        raise NotFound
    return _close(dict(row))


def _close(values: dict[str, Any]) -> CloseView:
    values["causes"] = msgspec.json.decode(values["causes"], type=list[Cause])
    return CloseView(**values)
