"""Payouts as pages show them: what is owed, the list, one of them. Reads only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from portal import ledger, phones
from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor, Role
from portal.payouts import numbers, plans, rights
from portal.payouts.numbers import Number
from portal.payouts.plans import Plan

PAGE_SIZE = 50


class PayoutRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list; `phone` masked, "" while no number is chosen."""

    id: int
    at: datetime
    cents: int
    fee_cents: int
    currency: str
    status: str
    held_why: str
    phone: str
    receipt: str
    by: str


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed now and what is on its way, in cents; how and where it is paid out."""

    owed_cents: int
    on_its_way_cents: int
    number: Number | None
    plan: Plan
    is_owner: bool


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: to the payout, or to a request to M-Pesa (`entity` transfers)."""

    entity: str
    name: str
    became: str
    by: str
    data: Mapping[str, Any]
    at: datetime


class PayoutPage(msgspec.Struct, frozen=True, kw_only=True):
    """One payout; `last_error` a sentence of the catalogue."""

    row: PayoutRow
    last_error: str
    done_at: datetime | None
    steps: list[Step]


_ROW = """
SELECT p.id, p.created_at, p.amount_cents, p.fee_cents, p.currency, p.status, p.held_why, p.receipt, p.last_error, p.done_at,
       coalesce(n.phone, '') AS phone, coalesce(u.name, '') AS by
FROM payouts p LEFT JOIN payout_numbers n ON n.id = p.number_id LEFT JOIN users u ON 'user:' || u.id = p.wanted_by
WHERE p.merchant_id = $1"""
_STEPS = """
SELECT e.entity, e.name, e.became, e.data, e.at, coalesce(u.name, '') AS by FROM events e
LEFT JOIN users u ON 'user:' || u.id = e.actor
WHERE (e.entity = 'payouts' AND e.entity_id = $1)
   OR (e.entity = 'transfers' AND e.entity_id IN (SELECT id FROM transfers WHERE payout_id = $1))
ORDER BY e.id"""


async def overview(actor: Actor) -> Overview:
    """The merchant's money as it stands."""
    merchant_id = rights.reader(actor)
    return Overview(
        owed_cents=await ledger.owed(merchant_id),
        on_its_way_cents=-await ledger.balance(merchant_id, "payouts"),
        number=await numbers.number_of(merchant_id),
        plan=await plans.plan_of(merchant_id),
        is_owner=actor.role is Role.OWNER,
    )


async def latest(actor: Actor, *, before: int | None = None, most: int = PAGE_SIZE) -> list[PayoutRow]:
    """The merchant's payouts, the newest first."""
    rows = await DB.fetch(
        f"{_ROW} AND p.id < $2 ORDER BY p.id DESC LIMIT $3", rights.reader(actor), before or 2**63 - 1, most
    )
    return [_row(row) for row in rows]


async def page_of(actor: Actor, payout_id: int) -> PayoutPage:
    """One payout, or NotFound."""
    row = await DB.row(f"{_ROW} AND p.id = $2", actor.at_merchant(), payout_id)
    if row is None:
        raise NotFound
    rights.reader(actor)
    steps = await DB.fetch(_STEPS, payout_id)
    return PayoutPage(
        row=_row(row), last_error=row["last_error"] or "", done_at=row["done_at"], steps=[_step(each) for each in steps]
    )


def _row(row: Record) -> PayoutRow:
    return PayoutRow(
        id=row["id"], at=row["created_at"], cents=row["amount_cents"], fee_cents=row["fee_cents"],
        currency=row["currency"], status=row["status"], held_why=row["held_why"] or "", receipt=row["receipt"] or "",
        phone=phones.mask(row["phone"]) if row["phone"] else "", by=row["by"],
    )  # fmt: skip


def _step(row: Record) -> Step:
    data: Any = msgspec.json.decode(row["data"]) if isinstance(row["data"], str) else row["data"]
    return Step(
        entity=row["entity"], name=row["name"], became=row["became"] or "", by=row["by"], data=data or {}, at=row["at"]
    )
