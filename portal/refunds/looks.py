"""Refunds as pages show them: the list, and one with everything that happened to it. Reads only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from portal import phones
from portal.db import DB, atomic
from portal.errors import Forbidden, NotFound
from portal.identity import Actor
from portal.refunds import rights
from portal.refunds.rights import Asked, Say

PAGE_SIZE = 50


class RefundRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list. `receipt` is the money's that came in."""

    id: int
    at: datetime
    cents: int
    currency: str
    status: str
    scope: str
    road: str
    why: str
    receipt: str
    rail: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: to the refund, or to a request to M-Pesa (`entity` transfers)."""

    entity: str
    name: str
    became: str
    by: str
    data: Mapping[str, Any]
    at: datetime


class RefundPage(msgspec.Struct, frozen=True, kw_only=True):
    """One refund. `phone` masked; `last_error` a sentence of the catalogue; `is_own`: the actor asked for it.
    `may_say`: the rail does not tell what became of it, and the actor may look at its portal.
    `approval`: what the actor's approval needs; None: it takes somebody else, and `why_not` says whom."""

    row: RefundRow
    payment_id: int | None
    voucher_id: int | None
    phone: str
    note: str
    last_error: str
    receipt_back: str
    wanted_by: str
    approved_by: str
    done_at: datetime | None
    is_own: bool
    may_decide: bool
    may_give: bool
    may_say: bool
    approval: Say | None
    why_not: str
    steps: list[Step]


_ROW = "r.id, r.created_at, r.amount_cents, r.currency, r.status, r.scope, r.road, r.why, t.receipt, t.rail"
_LIST = f"""
SELECT {_ROW} FROM refunds r JOIN receipts t ON t.id = r.receipt_id
WHERE r.merchant_id IS NOT DISTINCT FROM $1 AND r.id < $2 AND (NOT $3 OR r.status NOT IN ('done', 'dropped'))
ORDER BY r.id DESC LIMIT $4"""
_ONE = f"""
SELECT {_ROW}, r.payment_id, coalesce(p.voucher_id, c.voucher_id) AS voucher_id, r.phone, r.note, r.last_error,
       r.receipt_back, r.wanted_by, r.approved_by, r.done_at, w.name AS wanter, a.name AS approver,
       b.id AS rail_account_id, b.merchant_id AS owner_id
FROM refunds r JOIN receipts t ON t.id = r.receipt_id
LEFT JOIN payments p ON p.id = r.payment_id LEFT JOIN checkouts c ON c.id = p.checkout_id
LEFT JOIN users w ON 'user:' || w.id = r.wanted_by LEFT JOIN users a ON 'user:' || a.id = r.approved_by
LEFT JOIN transfers x ON x.refund_id = r.id AND x.status = 'unknown' LEFT JOIN rail_accounts b ON b.id = x.rail_account_id
WHERE r.id = $1 AND r.merchant_id IS NOT DISTINCT FROM $2"""
_STEPS = """
SELECT e.entity, e.name, e.became, e.data, e.at, coalesce(u.name, '') AS by FROM events e
LEFT JOIN users u ON 'user:' || u.id = e.actor
WHERE (e.entity = 'refunds' AND e.entity_id = $1)
   OR (e.entity = 'transfers' AND e.entity_id IN (SELECT id FROM transfers WHERE refund_id = $1))
ORDER BY e.id"""


async def latest(
    actor: Actor, *, before: int | None = None, only_open: bool = False, most: int = PAGE_SIZE
) -> list[RefundRow]:
    """The merchant's refunds (the platform's, for an operator who looks at none), the newest first."""
    rows = await DB.fetch(_LIST, rights.whose(actor), before or 2**63 - 1, only_open, most)
    return [_row(row) for row in rows]


async def page_of(actor: Actor, refund_id: int) -> RefundPage:
    """One refund, or NotFound."""
    row = await DB.row(_ONE, refund_id, rights.whose(actor))
    if row is None:
        raise NotFound
    approval, why_not = await _approval(actor, row)
    return RefundPage(
        row=_row(row), payment_id=row["payment_id"], voucher_id=row["voucher_id"],
        phone=phones.mask(row["phone"]) if row["phone"] else "", note=row["note"], last_error=row["last_error"] or "",
        receipt_back=row["receipt_back"] or "", wanted_by=row["wanter"] or "", approved_by=row["approver"] or "",
        done_at=row["done_at"], is_own=row["wanted_by"] == f"user:{actor.user_id}",
        approval=approval, why_not=why_not, may_decide=rights.may_decide(actor), may_give=rights.may_ask(actor) or rights.may_decide(actor),
        may_say=_may_say(actor, row),
        steps=[_step(each) for each in await DB.fetch(_STEPS, refund_id)],
    )  # fmt: skip


def _may_say(actor: Actor, row: Record) -> bool:
    if row["status"] != "unknown" or row["rail_account_id"] is None:
        return False
    return actor.is_operator if row["owner_id"] is None else rights.may_decide(actor)


async def _approval(actor: Actor, row: Record) -> tuple[Say | None, str]:
    asked = Asked(merchant_id=actor.merchant_id, cents=row["amount_cents"], wanted_by=row["wanted_by"])
    async with atomic() as tx:
        try:
            return await rights.judge(tx, actor, asked), ""
        except Forbidden as error:
            return None, error.message


def _row(row: Record) -> RefundRow:
    return RefundRow(
        id=row["id"], at=row["created_at"], cents=row["amount_cents"], currency=row["currency"], status=row["status"],
        scope=row["scope"], road=row["road"], why=row["why"], receipt=row["receipt"],
        rail=row["rail"],
    )  # fmt: skip


def _step(row: Record) -> Step:
    data: Any = msgspec.json.decode(row["data"]) if isinstance(row["data"], str) else row["data"]
    return Step(
        entity=row["entity"], name=row["name"], became=row["became"] or "", by=row["by"], data=data or {}, at=row["at"]
    )
