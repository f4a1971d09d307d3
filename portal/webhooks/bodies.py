"""What a message says: `type`, `timestamp`, and `data` about the row the event happened to. Never a code, a key or a whole number.

Made at the first try and then kept: a message says the same however often it is sent. The row is told as it stands then; what the
event itself knows (status before and after, why) as it was."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.phones import is_stored_form, mask
from portal.webhooks.kinds import TEST

_VOUCHER = """SELECT v.id, v.payment_reference, v.terms ->> 'name' AS package, v.package_id, v.price_cents, m.currency, v.batch_id,
                     v.router_id, v.paid_at, v.started_at, v.expires_at, v.ended_at, v.ended_why
              FROM vouchers v JOIN merchants m ON m.id = v.merchant_id WHERE v.id = $1 AND v.merchant_id = $2"""
_FACTS: Mapping[str, str] = {
    "vouchers": _VOUCHER,
    "batches": """SELECT b.id AS batch_id, p.name AS package, b.package_id, b.size, b.note FROM batches b
                  JOIN packages p ON p.id = b.package_id WHERE b.id = $1 AND b.merchant_id = $2""",
    "payments": """SELECT p.id, p.method, p.amount_cents, p.received_cents, p.currency, p.phone, p.receipt, p.account_reference,
                          p.voucher_id, p.subscriber_id, p.created_at, p.paid_at
                   FROM payments p WHERE p.id = $1 AND p.merchant_id = $2""",
    "routers": "SELECT id, name, board, version, last_seen_at FROM routers WHERE id = $1 AND merchant_id = $2",
    "payouts": """SELECT id, amount_cents, fee_cents, currency, receipt FROM payouts WHERE id = $1 AND merchant_id = $2""",
    "subscribers": """SELECT id, name, account_number, kind, price_cents, paid_until_on, access_until FROM subscribers
                      WHERE id = $1 AND merchant_id = $2""",
    "subscriber_bills": """SELECT b.subscriber_id AS id, s.name, s.account_number, b.id AS bill_id, b.amount_cents, b.currency,
                                  b.starts_on, b.ends_on
                           FROM subscriber_bills b JOIN subscribers s ON s.id = b.subscriber_id
                           WHERE b.id = $1 AND b.merchant_id = $2""",
}  # fmt: skip
_EVENT = "SELECT entity, entity_id, was, became, data, at FROM events WHERE id = $1 AND merchant_id = $2"


async def body_of(message: Record) -> str | None:
    """The text of a message's body. None: there is nothing to tell, for another message tells it, or the event is gone."""
    merchant_id = message["merchant_id"]
    if message["kind"] == TEST:
        return _text(TEST, message["at"], {"text": "This is a test. It says nothing about any voucher."})
    event = await DB.row(_EVENT, message["event_id"], merchant_id)
    if event is None:
        return None
    if message["kind"] == "voucher.paid" and event["entity"] == "payments":
        facts = await _bought(event["entity_id"], merchant_id)
        moves = {"status": "paid"}
    else:
        facts = await _facts(event["entity"], event["entity_id"], merchant_id)
        moves = {"status": event["became"], "was": event["was"]} if event["became"] else {}
    return None if facts is None else _text(message["kind"], event["at"], facts | moves)


async def _facts(entity: str, row_id: int, merchant_id: int) -> dict[str, Any] | None:
    row = await DB.row(_FACTS[entity], row_id, merchant_id)
    return None if row is None else _public(row)


async def _bought(payment_id: int, merchant_id: int) -> dict[str, Any] | None:
    """The voucher a payment made. One that was there before it was paid for tells of its sale itself."""
    voucher_id = await DB.value(
        """SELECT p.voucher_id FROM payments p WHERE p.id = $1 AND p.merchant_id = $2 AND NOT EXISTS (
             SELECT FROM events e WHERE e.entity = 'vouchers' AND e.entity_id = p.voucher_id AND e.name IN ('sell', 'given_free'))""",
        payment_id,
        merchant_id,
    )
    return None if voucher_id is None else await _facts("vouchers", voucher_id, merchant_id)


def _public(row: Record) -> dict[str, Any]:
    facts = dict(row)
    if "phone" in facts:
        facts["phone"] = mask(facts["phone"]) if is_stored_form(facts["phone"]) else None
    return facts


def _text(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    return msgspec.json.encode({"type": kind, "timestamp": at, "data": data}).decode()
