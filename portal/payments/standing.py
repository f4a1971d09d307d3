"""How a payment reference stands, for anybody who types it. References are public: no code, no phone, no device is told."""

from datetime import datetime
from enum import StrEnum

import msgspec

from portal import limits, references
from portal.db import DB
from portal.errors import NotFound, TooMany
from portal.msgid import N_

TRIES = (30, 300)
TOO_MANY = N_("Too many references were looked up. Wait a few minutes and try again.")


class Stand(StrEnum):
    """What is known of a reference."""

    UNPAID = "unpaid"
    PART_PAID = "part_paid"
    PAID = "paid"
    OVER = "over"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A reference's price and what came in for it. Once paid, the code goes by SMS or over the counter, never by reference."""

    reference: str
    stand: Stand
    shop: str
    shortcode: str
    package: str
    price_cents: int
    received_cents: int
    currency: str

    @property
    def rest_cents(self) -> int:
        """What is still to be paid."""
        return max(0, self.price_cents - self.received_cents) if self.stand in (Stand.UNPAID, Stand.PART_PAID) else 0


_STANDING = """
SELECT v.status, v.expires_at, v.price_cents, v.terms ->> 'name' AS package, m.name AS shop, m.currency,
       coalesce((SELECT -sum(e.amount_cents) FROM credits c JOIN ledger_entries e ON e.credit_id = c.id
                 WHERE c.merchant_id = v.merchant_id AND c.holder = 'ref:' || v.payment_reference), 0)::bigint AS held,
       coalesce((SELECT a.party_b FROM mpesa_accounts a WHERE a.merchant_id = m.id OR a.merchant_id IS NULL
                 ORDER BY a.merchant_id NULLS LAST, a.id DESC LIMIT 1), '') AS shortcode
FROM vouchers v JOIN merchants m ON m.id = v.merchant_id WHERE v.payment_reference = $1"""


async def of_reference(typed: str, *, asked_from: str, now: datetime) -> Standing:
    """The standing of a voucher's reference as somebody typed it. NotFound: none, or more than one reading. TooMany.

    `asked_from` names who asks, for the limit: an address."""
    if not await limits.hit(f"reference:{asked_from}"[:120], limit=TRIES[0], window_s=TRIES[1], now=now):
        raise TooMany(TOO_MANY, retry_after=TRIES[1])
    read = references.readings(typed)
    row = await DB.row(_STANDING, read[0]) if len(read) == 1 else None
    if row is None:
        raise NotFound
    if row["status"] == "unsold" and (row["expires_at"] is None or row["expires_at"] > now):
        stand, received = (Stand.PART_PAID if row["held"] else Stand.UNPAID), row["held"]
    elif row["status"] in ("paid", "in_use"):
        stand, received = Stand.PAID, row["price_cents"]
    else:
        stand, received = Stand.OVER, 0
    return Standing(
        reference=read[0], stand=stand, shop=row["shop"], shortcode=row["shortcode"], package=row["package"],
        price_cents=row["price_cents"], received_cents=received, currency=row["currency"],
    )  # fmt: skip
