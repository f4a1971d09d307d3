"""Sales as the merchant sees them: a payment, what was bought, and how the customer is doing. Reads only.

How a sale comes about: checkouts and payments. Sums over sales: reports.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from asyncpg import Record

from portal.db import DB
from portal.identity import Actor
from portal.terms import decode_terms

PAGE_SIZE = 50
#: Until a paid device is due to be online, nobody needs to worry: the router is logging it in.
_CONNECTING_FOR = timedelta(seconds=30)


class SaleState(StrEnum):
    """How a sale stands, from the tap on Pay to the end of the time bought."""

    SENDING = "sending"
    WAITING = "waiting"
    NO_ANSWER = "no_answer"
    CANCELLED = "cancelled"
    NO_MONEY = "no_money"
    WRONG_PIN = "wrong_pin"
    NOT_REACHED = "not_reached"
    FAILED = "failed"
    MISMATCH = "mismatch"
    EXTRA = "extra"
    WALLET = "wallet"  # a subscriber's money; nothing is handed over for it
    SOLD = "sold"  # by reference or over the counter: no device is waiting
    CONNECTING = "connecting"
    NOT_ONLINE = "not_online"
    ROUTER_OFFLINE = "router_offline"
    CONNECTED = "connected"
    AWAY = "away"
    OVER = "over"
    REVOKED = "revoked"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


#: Daraja's final results (Daraja documentation, "M-Pesa Express result codes").
_FAILURES = {
    "1": SaleState.NO_MONEY,
    "1019": SaleState.NOT_REACHED,
    "1032": SaleState.CANCELLED,
    "1037": SaleState.NOT_REACHED,
    "2001": SaleState.WRONG_PIN,
}


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of sales. `cents` is what came in, or what was asked for while nothing has. `package` of a subscriber's
    payment is the subscriber's name."""

    id: int
    at: datetime
    phone: str
    package: str
    cents: int
    currency: str
    method: str
    receipt: str | None
    reference: str
    router: str
    state: SaleState


class Group(StrEnum):
    """Sales that belong together in a list."""

    PAID = "paid"
    WAITING = "waiting"
    FAILED = "failed"
    HELD = "held"  # money came in, and nothing was delivered for it
    REFUNDS = "refunds"


_STATUSES = {
    Group.PAID: ["paid"],
    Group.WAITING: ["created", "submitting", "pending", "unknown"],
    Group.FAILED: ["failed"],
    Group.HELD: ["created", "submitting", "pending", "unknown", "failed"],
    Group.REFUNDS: ["refund_pending", "refunded"],
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which sales are listed; what is None does not matter. `since` inclusive, `until` exclusive; `ids` names them one by one."""

    group: Group | None = None
    method: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: Sequence[int] | None = None


EVERYTHING = Wanted()


class SalesPage(msgspec.Struct, frozen=True, kw_only=True):
    """Sales, newest first; `older` is where the next page begins, None on the last one."""

    sales: list[Sale]
    older: int | None


_LATEST = """
SELECT p.id, p.created_at, p.phone, p.method, p.status, p.amount_cents, p.received_cents, p.currency, p.receipt,
       p.result_code, p.paid_at, p.account_reference,
       coalesce(c.terms, v.terms) AS terms, b.name AS subscriber, c.id AS checkout_id, r.name AS router, r.status AS router_status,
       v.status AS voucher_status, g.id AS grant_id, g.logged_in_at, s.is_open,
       l.is_sale IS NOT NULL AS is_sale
FROM payments p
LEFT JOIN checkouts c ON c.id = p.checkout_id
LEFT JOIN routers r ON r.id = c.router_id
LEFT JOIN subscribers b ON b.id = p.subscriber_id
LEFT JOIN vouchers v ON v.id = coalesce(p.voucher_id, c.voucher_id)
LEFT JOIN LATERAL (SELECT id, logged_in_at FROM access_grants g
                   WHERE g.voucher_id = v.id AND (c.router_id IS NULL OR g.router_id = c.router_id)
                   ORDER BY logged_in_at DESC NULLS LAST, id DESC LIMIT 1) g ON true
LEFT JOIN LATERAL (SELECT true AS is_open FROM hotspot_sessions s
                   WHERE s.grant_id = g.id AND s.ended_at IS NULL LIMIT 1) s ON true
-- LIMIT keeps it a look for each line: as a condition it is read from all postings there are, of everybody.
LEFT JOIN LATERAL (SELECT true AS is_sale FROM ledger_postings l WHERE l.payment_id = p.id AND l.kind = 'sale' LIMIT 1) l ON true
WHERE p.merchant_id = $1 AND p.id < $2 AND ($4::text[] IS NULL OR p.status = ANY($4)) AND ($5::text IS NULL OR p.method = $5)
AND ($6::timestamptz IS NULL OR p.created_at >= $6) AND ($7::timestamptz IS NULL OR p.created_at < $7)
AND ($8::bigint[] IS NULL OR p.id = ANY($8)) AND (NOT $9::bool OR p.received_cents IS NOT NULL)
ORDER BY p.id DESC LIMIT $3"""
_NEWEST = 2**63 - 1


async def latest(
    actor: Actor, *, now: datetime, most: int = PAGE_SIZE, before: int | None = None, wanted: Wanted = EVERYTHING
) -> SalesPage:
    """The merchant's newest sales, from below the id `before` on when given."""
    rows = await DB.fetch(
        _LATEST, actor.at_merchant(), before or _NEWEST, most + 1, _STATUSES[wanted.group] if wanted.group else None,
        wanted.method, wanted.since, wanted.until, None if wanted.ids is None else list(wanted.ids),
        wanted.group is Group.HELD,
    )  # fmt: skip
    sales = [_sale(row, now=now) for row in rows[:most]]
    return SalesPage(sales=sales, older=sales[-1].id if len(rows) > most else None)


def _sale(row: Record, *, now: datetime) -> Sale:
    received = row["received_cents"]
    return Sale(
        id=row["id"],
        at=row["created_at"],
        phone=row["phone"],
        package=decode_terms(row["terms"]).name if row["terms"] else row["subscriber"] or "",
        cents=row["amount_cents"] if received is None else received,
        currency=row["currency"],
        method=row["method"],
        receipt=row["receipt"],
        reference=row["account_reference"],
        router=row["router"] or "",
        state=_state(row, now=now),
    )


def _state(row: Record, *, now: datetime) -> SaleState:
    if row["status"] == "paid":
        return SaleState.WALLET if row["subscriber"] is not None else _state_when_paid(row, now=now)
    if row["received_cents"] is not None and row["received_cents"] != row["amount_cents"]:
        return SaleState.MISMATCH
    by_status = {
        "created": SaleState.SENDING,
        "submitting": SaleState.SENDING,
        "pending": SaleState.WAITING,
        "unknown": SaleState.NO_ANSWER,
        "refund_pending": SaleState.REFUNDING,
        "refunded": SaleState.REFUNDED,
    }
    return by_status.get(row["status"]) or _FAILURES.get(row["result_code"], SaleState.FAILED)


def _state_when_paid(row: Record, *, now: datetime) -> SaleState:
    if row["checkout_id"] is not None and not row["is_sale"]:
        return SaleState.EXTRA
    ended = {"expired": SaleState.OVER, "revoked": SaleState.REVOKED}
    if row["voucher_status"] in ended:
        return ended[row["voucher_status"]]
    if row["logged_in_at"] is not None:
        return SaleState.CONNECTED if row["is_open"] else SaleState.AWAY
    if row["checkout_id"] is None and row["grant_id"] is None:
        return SaleState.SOLD
    if row["router_status"] == "offline":
        return SaleState.ROUTER_OFFLINE
    return SaleState.CONNECTING if now - row["paid_at"] < _CONNECTING_FOR else SaleState.NOT_ONLINE
