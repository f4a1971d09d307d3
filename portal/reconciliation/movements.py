"""What moved on an M-Pesa account in a day: by our ledger, and by whatever of M-Pesa's we have. Reads only.

A movement has the receipt it is known by at M-Pesa, so that the two sides can be laid beside each other."""

from datetime import datetime

import msgspec

from portal.db import Tx


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One signed amount. `receipt` is "" where none is known (paid by a query's word). `kind`: in, out or fee."""

    receipt: str
    cents: int
    kind: str = "in"


class Theirs(msgspec.Struct, frozen=True, kw_only=True):
    """M-Pesa's side of a day. `source` none: not known. `has_outs`: what went out is told too (Pull tells only what came in)."""

    source: str = "none"
    movements: tuple[Movement, ...] = ()
    has_outs: bool = False
    opening_cents: int | None = None
    closing_cents: int | None = None


#: Money that went out is known by the transfer that sent it; a refund's posting is named after what is given back (and the round).
_OURS = """
WITH moved AS (
  SELECT e.amount_cents, e.merchant_id, l.created_at, coalesce(t.account_id, r.account_id, p.account_id) AS account_id,
         CASE WHEN e.amount_cents < 0 THEN coalesce(t.receipt_out, '') ELSE coalesce(l.receipt, p.receipt, '') END AS receipt
  FROM ledger_entries e JOIN ledger_postings l ON l.id = e.posting_id
  LEFT JOIN payments p ON p.id = l.payment_id
  LEFT JOIN receipts r ON r.rail = 'mpesa' AND r.receipt = l.receipt
  LEFT JOIN LATERAL (
    SELECT CASE WHEN l.kind = 'payout_done' THEN substr(l.receipt, length('payout:') + 1)::bigint END AS payout_id,
           CASE WHEN l.kind = 'refund_done' THEN (
             SELECT f.id FROM refunds f JOIN receipts b ON b.id = f.receipt_id
             WHERE b.rail = 'mpesa' AND b.receipt = split_part(l.receipt, '/', 1)) END AS refund_id) o ON e.amount_cents < 0
  LEFT JOIN LATERAL (
    SELECT t.receipt_out, t.account_id FROM transfers t
    WHERE t.status = 'done' AND (t.payout_id = o.payout_id OR t.refund_id = o.refund_id) ORDER BY t.id DESC LIMIT 1) t ON true
  WHERE e.account IN ('mpesa_clearing', 'own_clearing')
)
"""
_WHOSE = "account_id = $1 AND ($2::bigint IS NULL OR merchant_id = $2)"


async def total_before(tx: Tx, account_id: int, merchant_id: int | None, *, at: datetime) -> int:
    """What our ledger says was on the account: all of it, or one merchant's part, in cents."""
    return await tx.value(
        f"{_OURS} SELECT coalesce(sum(amount_cents), 0)::bigint FROM moved WHERE {_WHOSE} AND created_at < $3",
        account_id,
        merchant_id,
        at,
    )


async def ours(tx: Tx, account_id: int, merchant_id: int | None, *, since: datetime, until: datetime) -> list[Movement]:
    """What was booked on the account in a time, `until` left out."""
    rows = await tx.fetch(
        f"{_OURS} SELECT receipt, amount_cents FROM moved WHERE {_WHOSE} AND created_at >= $3 AND created_at < $4",
        account_id,
        merchant_id,
        since,
        until,
    )
    return [
        Movement(receipt=row["receipt"], cents=row["amount_cents"], kind="in" if row["amount_cents"] > 0 else "out")
        for row in rows
    ]


async def booked(tx: Tx, account_id: int, receipts: list[str]) -> set[str]:
    """Those of these receipts that are booked on the account, whenever that was."""
    rows = await tx.fetch(
        f"{_OURS} SELECT DISTINCT receipt FROM moved WHERE account_id = $1 AND receipt = ANY($2)", account_id, receipts
    )
    return {row["receipt"] for row in rows}


async def moved_outside(tx: Tx, receipts: list[str], *, since: datetime, until: datetime) -> set[str]:
    """Those of these receipts whose money, by M-Pesa's clock, moved before `since` or from `until` on."""
    rows = await tx.fetch(
        """SELECT receipt FROM receipts WHERE rail = 'mpesa' AND receipt = ANY($1) AND (happened_at < $2 OR happened_at >= $3)""",
        receipts,
        since,
        until,
    )
    return {row["receipt"] for row in rows}


async def parts(tx: Tx, account_id: int, *, since: datetime, until: datetime) -> list[int]:
    """The merchants for whom something moved on a platform's account."""
    rows = await tx.fetch(
        f"""{_OURS} SELECT DISTINCT merchant_id FROM moved WHERE account_id = $1 AND created_at >= $2 AND created_at < $3
            AND merchant_id IS NOT NULL ORDER BY merchant_id""",
        account_id,
        since,
        until,
    )
    return [row["merchant_id"] for row in rows]


async def theirs(tx: Tx, account_id: int, *, since: datetime, until: datetime) -> Theirs:
    """The best of M-Pesa's that there is: a statement, else Pull."""
    told = await _statement(tx, account_id, since=since, until=until)
    return told or await _pulled(tx, account_id, since=since, until=until)


async def _statement(tx: Tx, account_id: int, *, since: datetime, until: datetime) -> Theirs | None:
    """Of a statement that was exported after the day was over and has rows of it; the newest."""
    comparison_id = await tx.value(
        """SELECT c.id FROM comparisons c WHERE c.account_id = $1 AND c.source = 'statement'
           AND c.status IN ('ready', 'taking', 'done') AND c.created_at >= $3 AND c.since < $3 AND c.until >= $2
           ORDER BY c.id DESC LIMIT 1""",
        account_id,
        since,
        until,
    )
    if comparison_id is None:
        return None
    rows = await tx.fetch(
        """SELECT receipt, kind, amount_cents, balance_cents FROM comparison_lines
           WHERE comparison_id = $1 AND number > 0 AND verdict <> 'not_done' AND happened_at >= $2 AND happened_at < $3
           ORDER BY happened_at, CASE WHEN (SELECT since FROM comparisons WHERE id = $1) =
             (SELECT happened_at FROM comparison_lines WHERE comparison_id = $1 AND number > 0 ORDER BY number LIMIT 1)
             THEN number ELSE -number END""",
        comparison_id,
        since,
        until,
    )
    found = [_movement(row["receipt"], row["amount_cents"], row["kind"]) for row in rows]
    first, last = (rows[0], rows[-1]) if rows else (None, None)
    return Theirs(
        source="statement", movements=tuple(found), has_outs=True,
        opening_cents=first["balance_cents"] - first["amount_cents"] if first and first["balance_cents"] is not None else None,
        closing_cents=last["balance_cents"] if last else None,
    )  # fmt: skip


def _movement(receipt: str, cents: int, kind: str) -> Movement:
    return Movement(receipt=receipt, cents=cents, kind="fee" if kind == "fee" else "in" if cents > 0 else "out")


async def _pulled(tx: Tx, account_id: int, *, since: datetime, until: datetime) -> Theirs:
    """Of Pull, when one look reached over the whole day. What it listed is taken in, so our receipts say which those were."""
    is_covered = await tx.value(
        """SELECT EXISTS (SELECT FROM comparisons WHERE account_id = $1 AND source = 'pull' AND status = 'done'
                          AND since <= $2 AND until >= $3)""",
        account_id,
        since,
        until,
    )
    if not is_covered:
        return Theirs()
    rows = await tx.fetch(
        """SELECT receipt, amount_cents FROM receipts WHERE account_id = $1 AND rail = 'mpesa'
           AND happened_at >= $2 AND happened_at < $3 AND 'pull' = ANY(string_to_array(roads, ' '))
           UNION
           SELECT l.receipt, l.amount_cents FROM comparison_lines l JOIN comparisons c ON c.id = l.comparison_id
           WHERE c.account_id = $1 AND c.source = 'pull' AND l.taken = 'error' AND l.happened_at >= $2 AND l.happened_at < $3
           AND NOT EXISTS (SELECT FROM receipts r WHERE r.rail = 'mpesa' AND r.receipt = l.receipt)""",
        account_id,
        since,
        until,
    )
    return Theirs(source="pull", movements=tuple(_movement(row["receipt"], row["amount_cents"], "in") for row in rows))
