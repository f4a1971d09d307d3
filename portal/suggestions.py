"""Suggestions what suspended money may be for: near references, the payer's own open purchases, customers who name its M-Pesa code.
Hints for a person, who decides; nothing is given by them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal import payers, references
from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor

_LOOK_BACK = timedelta(hours=48)
_MOST = 5


class Why(StrEnum):
    """What speaks for it."""

    CLAIM = "claim"  # somebody named its M-Pesa code
    REFERENCE = "reference"  # what was typed is one slip away
    PAYER = "payer"  # the same phone tried to buy


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Something it may be for: a voucher's or checkout's id. `fits`: it costs exactly what came in."""

    kind: str
    target_id: int
    why: Why
    reference: str
    package: str
    price_cents: int
    at: datetime
    fits: bool


_CLAIMED = """
SELECT 'checkout' AS kind, c.id, c.terms ->> 'name' AS package, c.price_cents, c.created_at, '' AS reference
FROM claims l JOIN checkouts c ON c.id = l.checkout_id
WHERE l.receipt = $1 AND l.status = 'open' AND ($2::bigint IS NULL OR l.merchant_id = $2) AND c.voucher_id IS NULL
ORDER BY l.id LIMIT 5"""
_NEAR = """
SELECT 'voucher' AS kind, v.id, v.terms ->> 'name' AS package, v.price_cents, v.created_at, v.payment_reference AS reference
FROM vouchers v WHERE v.payment_reference = ANY($1) AND ($2::bigint IS NULL OR v.merchant_id = $2) AND v.status = 'unsold'
UNION ALL
SELECT 'checkout', c.id, c.terms ->> 'name', c.price_cents, c.created_at, p.account_reference
FROM payments p JOIN checkouts c ON c.id = p.checkout_id
WHERE p.account_reference = ANY($1) AND ($2::bigint IS NULL OR p.merchant_id = $2)
LIMIT 5"""
_TRIED = """
SELECT 'checkout' AS kind, c.id, c.terms ->> 'name' AS package, c.price_cents, c.created_at, c.phone,
       coalesce((SELECT p.account_reference FROM payments p WHERE p.checkout_id = c.id ORDER BY p.id DESC LIMIT 1), '') AS reference
FROM checkouts c WHERE c.merchant_id = $1 AND c.voucher_id IS NULL AND c.created_at BETWEEN $2 AND $3 AND c.phone <> ''
ORDER BY c.id DESC LIMIT 500"""


async def for_item(actor: Actor, suspense_id: int) -> list[Suggestion]:
    """The likeliest first, each thing once; NotFound for another merchant's money."""
    row = await DB.row(
        """SELECT s.merchant_id, s.amount_cents, s.created_at, r.receipt, r.typed, r.phone, r.payer_hint
           FROM suspense s JOIN receipts r ON r.id = s.receipt_id
           WHERE s.id = $1 AND s.merchant_id IS NOT DISTINCT FROM $2""",
        suspense_id,
        actor.merchant_id,
    )
    if row is None:
        raise NotFound
    whose = row["merchant_id"]
    meant = {*references.readings(row["typed"]), *references.near(row["typed"])}
    claimed = await DB.fetch(_CLAIMED, row["receipt"], whose)
    near = await DB.fetch(_NEAR, list(meant), whose) if meant else []
    tried = await _tried(row) if whose is not None else []
    found = [
        _suggestion(each, why, cents=row["amount_cents"])
        for why, rows in ((Why.CLAIM, claimed), (Why.REFERENCE, near), (Why.PAYER, tried))
        for each in rows
    ]
    once: dict[tuple[str, int], Suggestion] = {}
    for each in found:
        once.setdefault((each.kind, each.target_id), each)
    return sorted(once.values(), key=lambda each: not each.fits)[:_MOST]


async def _tried(row: Record) -> Sequence[Record]:
    around = (row["created_at"] - _LOOK_BACK, row["created_at"] + _LOOK_BACK)
    rows = await DB.fetch(_TRIED, row["merchant_id"], *around)
    return [each for each in rows if payers.agrees(each["phone"], row["phone"], row["payer_hint"])][:_MOST]


def _suggestion(row: Record, why: Why, *, cents: int) -> Suggestion:
    return Suggestion(
        kind=row["kind"], target_id=row["id"], why=why, reference=row["reference"], package=row["package"] or "",
        price_cents=row["price_cents"], at=row["created_at"], fits=row["price_cents"] == cents,
    )  # fmt: skip


async def by_reference(actor: Actor, typed: str) -> tuple[str, int] | None:
    """What a reference somebody typed names: ("voucher" or "checkout", its id). None: nothing, or more than one thing."""
    rows = await DB.fetch(
        """SELECT 'voucher' AS kind, id FROM vouchers WHERE payment_reference = ANY($1) AND ($2::bigint IS NULL OR merchant_id = $2)
           UNION
           SELECT CASE WHEN checkout_id IS NULL THEN 'voucher' ELSE 'checkout' END, coalesce(checkout_id, voucher_id)
           FROM payments WHERE account_reference = ANY($1) AND ($2::bigint IS NULL OR merchant_id = $2)
           AND coalesce(checkout_id, voucher_id) IS NOT NULL""",
        references.readings(typed),
        actor.merchant_id,
    )
    return (rows[0]["kind"], rows[0]["id"]) if len(rows) == 1 else None
