"""One voucher as its page tells it: what it is, how far it is used, and everything that happened to it. Reads only; the code
is masked: whoever looks over a shoulder could use it."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from portal import codes
from portal.db import DB
from portal.errors import NotFound
from portal.identity import Actor
from portal.terms import Terms, decode_terms
from portal.vault import Vault, VaultError

log = logging.getLogger(__name__)

_SHOWN_LETTERS, _UNKNOWN = 2, 8


class VoucherPage(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher; `code` masked but for its end. `phone`: who paid, to be masked; "" when it was not sold by M-Pesa.

    `payment_id`: what paid for it; `subscriber_id`: whose it is, when a subscriber's; `is_card`: its code stands on paper."""

    id: int
    code: str
    reference: str
    status: str
    ended_why: str
    terms: Terms
    price_cents: int
    router_id: int | None
    router: str
    created_at: datetime
    paid_at: datetime | None
    started_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    used_uptime_s: int
    used_bytes: int
    given_back_s: int
    phone: str
    receipt: str
    payment_id: int | None
    subscriber_id: int | None
    batch_id: int | None
    batch_note: str
    is_card: bool
    works_at: Sequence[str]

    @property
    def is_live(self) -> bool:
        """Whether it may be used now."""
        return self.status in ("paid", "in_use")


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: to the voucher itself (`entity` vouchers) or to its access on a router (access_grants)."""

    entity: str
    name: str
    router: str
    data: Mapping[str, Any]
    by: str
    at: datetime


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """One time online. Bytes from the device's point of view; `ended_at` None: still there."""

    router: str
    mac: str
    started_at: datetime
    ended_at: datetime | None
    uptime_s: int
    bytes_up: int
    bytes_down: int


_VOUCHER = """SELECT v.*, coalesce(r.name, '') AS router, coalesce(p.phone, '') AS phone, coalesce(p.receipt, '') AS receipt,
       p.id AS payment_id, s.id AS subscriber_id, coalesce(b.note, '') AS batch_note, coalesce(b.prefix, '') AS prefix,
       coalesce(b.kind = 'cash', false) AS is_card,
       ARRAY(SELECT o.name FROM routers o WHERE o.id = ANY(b.router_ids) ORDER BY o.name) AS works_at,
       used.uptime_s, used.bytes,
       (SELECT coalesce(sum(seconds), 0)::bigint FROM outage_credits WHERE voucher_id = v.id) AS given_back_s
FROM vouchers v LEFT JOIN routers r ON r.id = v.router_id LEFT JOIN batches b ON b.id = v.batch_id
LEFT JOIN subscribers s ON s.voucher_id = v.id
LEFT JOIN LATERAL (
  SELECT p.id, p.phone, p.receipt FROM payments p
  WHERE (p.voucher_id = v.id OR p.checkout_id IN (SELECT c.id FROM checkouts c WHERE c.voucher_id = v.id))
  AND p.status IN ('paid', 'refund_pending', 'refunded') ORDER BY p.id LIMIT 1) p ON true
CROSS JOIN LATERAL (
  SELECT coalesce(sum(used_uptime_s), 0)::bigint AS uptime_s, coalesce(sum(used_bytes), 0)::bigint AS bytes
  FROM access_grants WHERE voucher_id = v.id) used
WHERE v.id = $1 AND v.merchant_id = $2"""


async def page_of(actor: Actor, voucher_id: int, *, vault: Vault) -> VoucherPage:
    """One voucher; NotFound for another merchant's."""
    row = await DB.row(_VOUCHER, voucher_id, actor.at_merchant())
    if row is None:
        raise NotFound
    return VoucherPage(
        id=row["id"], code=_masked(row, vault), reference=row["payment_reference"], status=row["status"],
        ended_why=row["ended_why"] or "", terms=decode_terms(row["terms"]), price_cents=row["price_cents"],
        router_id=row["router_id"], router=row["router"], created_at=row["created_at"], paid_at=row["paid_at"],
        started_at=row["started_at"], expires_at=row["expires_at"], ended_at=row["ended_at"],
        used_uptime_s=row["uptime_s"], used_bytes=row["bytes"], given_back_s=row["given_back_s"], phone=row["phone"],
        receipt=row["receipt"], payment_id=row["payment_id"], subscriber_id=row["subscriber_id"], batch_id=row["batch_id"],
        batch_note=row["batch_note"], is_card=row["is_card"], works_at=row["works_at"],
    )  # fmt: skip


def _masked(row: Record, vault: Vault) -> str:
    try:
        code = vault.open("vouchers", "code_sealed", row_id=row["id"], sealed=row["code_sealed"])
    except VaultError:  # the page has more to say than the code's last letters
        log.warning("a voucher's code cannot be read", extra={"voucher": row["id"]})
        return "•" * _UNKNOWN
    return codes.print_code("•" * (len(code) - _SHOWN_LETTERS) + code[-_SHOWN_LETTERS:], prefix=row["prefix"])


async def moves_of(actor: Actor, voucher_id: int, *, most: int = 100) -> list[Move]:
    """What happened to a voucher, its access and the batch it was made with, the newest first."""
    rows = await DB.fetch(
        """SELECT e.entity, e.name, coalesce(r.name, '') AS router, e.data, coalesce(u.name, '') AS by, e.at
           FROM (SELECT 'vouchers' AS entity, $1::bigint AS id
                 UNION ALL SELECT 'access_grants', id FROM access_grants WHERE voucher_id = $1 AND merchant_id = $2
                 UNION ALL SELECT 'batches', batch_id FROM vouchers WHERE id = $1 AND merchant_id = $2) o
           JOIN events e ON e.entity = o.entity AND e.entity_id = o.id AND (o.entity <> 'batches' OR e.name = 'made')
           LEFT JOIN access_grants g ON e.entity = 'access_grants' AND g.id = e.entity_id
           LEFT JOIN routers r ON r.id = g.router_id LEFT JOIN users u ON e.actor = 'user:' || u.id
           WHERE e.merchant_id = $2 ORDER BY e.id DESC LIMIT $3""",
        voucher_id,
        actor.at_merchant(),
        most,
    )
    return [Move(**dict(row) | {"data": msgspec.json.decode(row["data"])}) for row in rows]


async def stays_of(actor: Actor, voucher_id: int, *, most: int = 20) -> list[Stay]:
    """When it was online, the newest first."""
    rows = await DB.fetch(
        """SELECT r.name AS router, s.mac, s.started_at, s.ended_at, s.uptime_s, s.bytes_up, s.bytes_down
           FROM hotspot_sessions s JOIN access_grants g ON g.id = s.grant_id JOIN routers r ON r.id = s.router_id
           WHERE g.voucher_id = $1 AND s.merchant_id = $2 ORDER BY s.started_at DESC, s.id DESC LIMIT $3""",
        voucher_id,
        actor.at_merchant(),
        most,
    )
    return [Stay(**dict(row)) for row in rows]
