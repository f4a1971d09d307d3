"""Batches as their pages tell them: how far they are made, what became of them, which references were handed out. Codes never stand
here. Reads only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from portal import codes
from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.states import VoucherStatus

PAGE_SIZE = 30


class BatchLine(msgspec.Struct, frozen=True, kw_only=True):
    """One batch in the list, with how many of it are paid for."""

    id: int
    at: datetime
    package: str
    price_cents: int
    size: int
    paid: int
    note: str
    by: str


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """One voucher of a batch. `held_cents`: what came in for it so far, when it is not paid yet; `paid_by`: who may see decides."""

    id: int
    reference: str
    status: str
    paid_at: datetime | None
    held_cents: int
    receipt: str


class Paybill(msgspec.Struct, frozen=True, kw_only=True):
    """Where customers pay by hand. `is_till`: a till takes no account number, so references cannot be paid there."""

    number: str
    is_till: bool


_LIST = """
SELECT b.id, b.created_at AS at, b.size, b.note, coalesce(u.name, '') AS by, p.name AS package,
       coalesce(v.price_cents, p.price_cents) AS price_cents, coalesce(v.paid, 0) AS paid
FROM batches b JOIN packages p ON p.id = b.package_id LEFT JOIN users u ON u.id = b.created_by
LEFT JOIN LATERAL (SELECT min(price_cents) AS price_cents, count(*) FILTER (WHERE paid_at IS NOT NULL) AS paid
                   FROM vouchers WHERE batch_id = b.id) v ON true
WHERE b.merchant_id = $1 AND b.id < $2 AND (b.id = $4 OR ($4::bigint IS NULL AND b.kind = 'reference')) ORDER BY b.id DESC LIMIT $3"""


async def batches(actor: Actor, *, before: int | None = None, most: int = PAGE_SIZE) -> list[BatchLine]:
    """The merchant's batches to be paid by reference, newest first, from below the id `before` on."""
    rows = await DB.fetch(_LIST, actor.at_merchant(), before or 2**63 - 1, most, None)
    return [BatchLine(**dict(row)) for row in rows]


async def batch(actor: Actor, batch_id: int) -> BatchLine:
    """One batch; NotFound for another merchant's."""
    row = await DB.row(_LIST, actor.at_merchant(), 2**63 - 1, 1, batch_id)
    if row is None:
        raise NotFound
    return BatchLine(**dict(row))


class BatchPage(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as its own page shows it. `counts`: vouchers by status, each of them; `routers`: names of
    those its codes work at, none: all."""

    id: int
    at: datetime
    package: str
    price_cents: int
    kind: str
    size: int
    made: int
    prefix: str
    note: str
    by: str
    code_length: int | None
    routers: Sequence[str]
    counts: Mapping[str, int]
    done_at: datetime | None
    cancelled_at: datetime | None

    @property
    def left(self) -> int:
        """How many may still be sold."""
        return self.counts[VoucherStatus.UNSOLD]


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """One batch in the list of all, with how many of it are left to sell."""

    id: int
    at: datetime
    package: str
    kind: str
    size: int
    made: int
    left: int
    note: str
    by: str
    is_done: bool
    is_cancelled: bool


_STOCK = """
SELECT b.id, b.created_at AS at, coalesce(b.terms ->> 'name', p.name) AS package, b.kind, b.size, b.made, b.note,
       coalesce(u.name, '') AS by, b.done_at IS NOT NULL AS is_done, b.cancelled_at IS NOT NULL AS is_cancelled,
       (SELECT count(*) FROM vouchers v WHERE v.batch_id = b.id AND v.status = 'unsold') AS left
FROM batches b JOIN packages p ON p.id = b.package_id LEFT JOIN users u ON u.id = b.created_by
WHERE b.merchant_id = $1 AND b.id < $2 ORDER BY b.id DESC LIMIT $3"""
_PAGE = """
SELECT b.id, b.created_at AS at, coalesce(b.terms ->> 'name', p.name) AS package,
       coalesce(b.price_cents, p.price_cents) AS price_cents, b.kind, b.size, b.made, b.prefix, b.note, coalesce(u.name, '') AS by,
       b.code_length, b.done_at, b.cancelled_at,
       ARRAY(SELECT r.name FROM routers r WHERE r.id = ANY(b.router_ids) ORDER BY r.name) AS routers,
       (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM (
          SELECT status, count(*) AS n FROM vouchers WHERE batch_id = b.id GROUP BY status) counted)::text AS counts
FROM batches b JOIN packages p ON p.id = b.package_id LEFT JOIN users u ON u.id = b.created_by
WHERE b.merchant_id = $1 AND b.id = $2"""


async def stock(actor: Actor, *, before: int | None = None, most: int = 20) -> list[Stock]:
    """The merchant's batches, newest first, from below the id `before` on."""
    return [Stock(**dict(row)) for row in await DB.fetch(_STOCK, actor.at_merchant(), before or 2**63 - 1, most)]


async def page_of(actor: Actor, batch_id: int) -> BatchPage:
    """One batch; NotFound for another merchant's."""
    row = await DB.row(_PAGE, actor.at_merchant(), batch_id)
    if row is None:
        raise NotFound
    counted: dict[str, int] = msgspec.json.decode(row["counts"])
    counts: Any = {status.value: counted.get(status, 0) for status in VoucherStatus}
    return BatchPage(**dict(row) | {"counts": counts})


class CodeSafety(msgspec.Struct, frozen=True, kw_only=True):
    """How long new codes are to be, and among what: so many routers, and so many vouchers that work or may be sold."""

    length: int
    routers: int
    live: int


async def code_safety(actor: Actor, *, more: int) -> CodeSafety:
    """What the codes of so many new vouchers will be like."""
    row = await DB.row(
        """SELECT (SELECT count(*) FROM vouchers WHERE merchant_id = $1 AND status IN ('unsold', 'paid', 'in_use')) AS live,
                  (SELECT count(*) FROM routers WHERE merchant_id = $1) AS routers""",
        actor.at_merchant(),
    )
    assert row is not None  # a select without a table has one row
    length = codes.code_length(row["live"] + more, row["routers"])
    return CodeSafety(length=length, routers=row["routers"], live=row["live"])


async def handed_out(actor: Actor, batch_id: int, *, after: int = 0, most: int = 1000) -> list[Handed]:
    """Vouchers of a batch in the order they were made, those with ids above `after`; NotFound for another merchant's."""
    await batch(actor, batch_id)
    rows = await DB.fetch(
        """SELECT v.id, v.payment_reference AS reference, v.status, v.paid_at, coalesce(p.receipt, '') AS receipt,
                  coalesce((SELECT -sum(e.amount_cents) FROM credits c JOIN ledger_entries e ON e.credit_id = c.id
                            WHERE v.status = 'unsold' AND c.merchant_id = v.merchant_id
                            AND c.holder = 'ref:' || v.payment_reference), 0)::bigint AS held_cents
           FROM vouchers v
           LEFT JOIN LATERAL (SELECT receipt FROM payments WHERE voucher_id = v.id AND receipt IS NOT NULL ORDER BY id LIMIT 1) p ON true
           WHERE v.batch_id = $1 AND v.merchant_id = $2 AND v.id > $3 ORDER BY v.id LIMIT $4""",
        batch_id,
        actor.at_merchant(),
        after,
        most,
    )
    return [Handed(**dict(row)) for row in rows]


async def paybill(merchant_id: int) -> Paybill | None:
    """Where this merchant's customers pay by hand: its own shortcode or the platform's; None: M-Pesa is not set up."""
    row = await DB.row(
        """SELECT party_b, transaction_type FROM mpesa_accounts WHERE merchant_id = $1 OR merchant_id IS NULL
           ORDER BY merchant_id NULLS LAST, id DESC LIMIT 1""",
        merchant_id,
    )
    if row is None:
        return None
    return Paybill(number=row["party_b"], is_till=row["transaction_type"] == "CustomerBuyGoodsOnline")


async def routers_of(actor: Actor) -> list[tuple[int, str]]:
    """The merchant's routers codes may be made for: id and name."""
    rows = await DB.fetch(
        "SELECT id, name FROM routers WHERE merchant_id = $1 AND status <> 'removed' ORDER BY name, id",
        actor.at_merchant(),
    )
    return [(row["id"], row["name"]) for row in rows]


async def packages_of(actor: Actor) -> list[tuple[int, str]]:
    """The merchant's packages vouchers may be of, those no longer on sale last: id and name."""
    rows = await DB.fetch(
        "SELECT id, name FROM packages WHERE merchant_id = $1 ORDER BY is_active DESC, position, name, id LIMIT 200",
        actor.at_merchant(),
    )
    return [(row["id"], row["name"]) for row in rows]
