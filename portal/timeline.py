"""Timelines: everything that is known about one payment, or about money that is nobody's yet, in the order it happened.

Made of stored facts only (`portal.timeline_facts`). Messages as they came are for owners and managers."""

from datetime import datetime

import msgspec
from asyncpg import Record

from portal import payers, phones, timeline_facts
from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor, Role
from portal.timeline_facts import Fact, Money, Subject

__all__ = ["Fact", "PaymentPage", "Received", "of_payment", "of_suspense", "sees_all"]

_SEE_ALL = frozenset({Role.OWNER, Role.MANAGER})
#: Of facts of one moment, what caused the others comes first.
_ORDER = (
    "exchanges",
    "c2b_questions",
    "callbacks",
    "mpesa_enquiries",
    "claims",
    "receipts",
    "suspense",
    "payments",
    "vouchers",
)


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came in. `payer` is shown as far as the asker may see it; `typed` is the reference as the payer typed it."""

    receipt: str
    cents: int
    roads: list[str]
    typed: str
    payer: str
    payer_name: str
    at: datetime


class PaymentPage(msgspec.Struct, frozen=True, kw_only=True):
    """One payment as its page tells it. `phone` is shown as far as the asker may see it."""

    id: int
    at: datetime
    method: str
    cents: int
    received_cents: int | None
    currency: str
    phone: str
    reference: str
    package: str
    router: str
    voucher_id: int | None
    voucher_reference: str
    result_code: str
    result_text: str
    received: list[Received]
    facts: list[Fact]


def sees_all(actor: Actor) -> bool:
    """Whether somebody sees whole phone numbers and messages as they came."""
    return actor.role in _SEE_ALL or (actor.is_operator and actor.role is None)


_PAYMENT = """
SELECT p.*, coalesce(c.terms, v.terms) ->> 'name' AS package, coalesce(r.name, '') AS router,
       coalesce(v.payment_reference, '') AS voucher_reference, v.id AS its_voucher_id
FROM payments p LEFT JOIN checkouts c ON c.id = p.checkout_id LEFT JOIN routers r ON r.id = c.router_id
LEFT JOIN vouchers v ON v.id = coalesce(p.voucher_id, c.voucher_id)
WHERE p.id = $1 AND p.merchant_id = $2"""


async def of_payment(actor: Actor, payment_id: int) -> PaymentPage:
    """A payment and its timeline; NotFound for another merchant's."""
    row = await DB.row(_PAYMENT, payment_id, actor.at_merchant())
    if row is None:
        raise NotFound
    receipts = await DB.fetch("SELECT * FROM receipts WHERE payment_id = $1 ORDER BY id", payment_id)
    refunds = await DB.fetch("SELECT id FROM refunds WHERE payment_id = $1", payment_id)
    held = await DB.fetch("SELECT id FROM suspense WHERE receipt_id = ANY($1)", [receipt["id"] for receipt in receipts])
    subject = Subject(
        payment_ids=[payment_id],
        money=[_money(receipt) for receipt in receipts],
        voucher_ids=[row["its_voucher_id"]] if row["its_voucher_id"] else [],
        checkout_ids=[row["checkout_id"]] if row["checkout_id"] else [],
        suspense_ids=[each["id"] for each in held],
        refund_ids=[each["id"] for each in refunds],
        references=[row["account_reference"], row["voucher_reference"]],
    )
    began = Fact(at=row["created_at"], kind="payments", name="created", data={"method": row["method"]})
    return PaymentPage(
        id=row["id"], at=row["created_at"], method=row["method"], cents=row["amount_cents"],
        received_cents=row["received_cents"], currency=row["currency"], phone=_phone(actor, row["phone"]),
        reference=row["account_reference"], package=row["package"] or "", router=row["router"],
        voucher_id=row["its_voucher_id"], voucher_reference=row["voucher_reference"],
        result_code=row["result_code"] or "", result_text=row["result_text"] or "",
        received=[_received(actor, receipt) for receipt in receipts],
        facts=await _facts(actor, subject, began),
    )  # fmt: skip


async def of_suspense(actor: Actor, suspense_id: int) -> tuple[Received, list[Fact]]:
    """Money that waits, or waited, for a person, and its timeline. The operator, at no merchant, sees the platform's."""
    row = await DB.row(
        """SELECT r.*, s.created_at AS held_at FROM suspense s JOIN receipts r ON r.id = s.receipt_id
           WHERE s.id = $1 AND s.merchant_id IS NOT DISTINCT FROM $2""",
        suspense_id,
        actor.merchant_id,
    )
    if row is None or (actor.merchant_id is None and not actor.is_operator):
        raise NotFound
    refunds = await DB.fetch("SELECT id FROM refunds WHERE suspense_id = $1", suspense_id)
    payment_ids = [row["payment_id"]] if row["payment_id"] else []
    subject = Subject(
        payment_ids=payment_ids, money=[_money(row)], suspense_ids=[suspense_id],
        refund_ids=[each["id"] for each in refunds],
    )  # fmt: skip
    began = Fact(at=row["created_at"], kind="receipts", name="created", data={"typed": row["typed"]})
    return _received(actor, row), await _facts(actor, subject, began)


async def _facts(actor: Actor, subject: Subject, began: Fact) -> list[Fact]:
    found = [began]
    for ask in (
        timeline_facts.events, timeline_facts.requests, timeline_facts.heard, timeline_facts.questions,
        timeline_facts.asked_before, timeline_facts.postings, timeline_facts.told, timeline_facts.online,
    ):  # fmt: skip
        found += await ask(subject)
    if not sees_all(actor):
        found = [msgspec.structs.replace(fact, raw=None) for fact in found]
    return sorted(found, key=lambda fact: (fact.at, _rank(fact)))


def _rank(fact: Fact) -> int:
    if fact.name == "created":
        return -1
    return _ORDER.index(fact.kind) if fact.kind in _ORDER else len(_ORDER)


def _money(row: Record) -> Money:
    return Money(id=row["id"], receipt=row["receipt"], account_id=row["account_id"], first_heard_at=row["created_at"])


def _received(actor: Actor, row: Record) -> Received:
    payer = _phone(actor, row["phone"]) if row["phone"] else payers.shown(row["payer_hint"])
    return Received(
        receipt=row["receipt"], cents=row["amount_cents"], roads=row["roads"].split(), typed=row["typed"], payer=payer,
        payer_name=row["payer_name"] if sees_all(actor) else "", at=row["happened_at"] or row["created_at"],
    )  # fmt: skip


def _phone(actor: Actor, digits: str) -> str:
    """Whole for owners and managers, as people write it; masked for others."""
    if not digits:
        return ""
    return phones.written(digits) if sees_all(actor) else phones.mask(digits)
