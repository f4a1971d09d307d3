"""Receipts: money that came in, a row each. The unique key on it is what makes every road settle once; not what it is for."""

from datetime import datetime

import msgspec
from asyncpg import Record

from portal.db import Tx
from portal.ledger import CLEARING, Account, Entry

#: The rail of each road; every other road is M-Pesa's.
_RAILS = {"airtel": "airtel", "paystack": "paystack", "cash": "cash", "manual": "manual"}
#: M-Pesa moves whole shillings only: a fraction is a sign that the message is not what it seems.
_STEPS = {"mpesa": 100}


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """Money to be given to something. `receipt_id` and `receipt` None: paid by a query's word, its receipt comes later.

    `source` is where it stands in the ledger until then: on a clearing account, or in suspense."""

    road: str
    rail: str
    amount_cents: int
    currency: str
    receipt: str | None
    receipt_id: int | None
    account_id: int | None
    phone: str | None
    payer_hint: str
    source: Entry
    reason: str = ""
    is_decided: bool = False  # a person said what it is for

    @property
    def is_whole(self) -> bool:
        """Whether the rail can have moved this amount."""
        return self.is_decided or (self.amount_cents > 0 and self.amount_cents % _STEPS.get(self.rail, 1) == 0)


def rail_of(road: str) -> str:
    """Which rail a road's money moves on."""
    return _RAILS.get(road, "mpesa")


async def clearing(
    tx: Tx, rail: str, account_id: int | None, *, rail_account_id: int | None = None
) -> tuple[Account, int | None]:
    """Where this rail's money lands, and the merchant whose account that is (None: the platform's)."""
    owner = await tx.value("SELECT merchant_id FROM mpesa_accounts WHERE id = $1", account_id) if account_id else None
    if rail_account_id is not None:
        owner = await tx.value("SELECT merchant_id FROM rail_accounts WHERE id = $1", rail_account_id)
    return (CLEARING[rail] if owner is None else Account.OWN_CLEARING), owner


_SEE = """
INSERT INTO receipts AS r (merchant_id, account_id, rail, receipt, amount_cents, currency, payment_id, roads, typed, phone,
                           payer_hint, payer_name, happened_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (rail, receipt) DO UPDATE SET
  roads = CASE WHEN excluded.roads = ANY(string_to_array(r.roads, ' ')) THEN r.roads
               ELSE left(r.roads || ' ' || excluded.roads, 120) END,
  phone = coalesce(r.phone, excluded.phone),
  payer_hint = CASE WHEN r.payer_hint = '' THEN excluded.payer_hint ELSE r.payer_hint END,
  payer_name = CASE WHEN r.payer_name = '' THEN excluded.payer_name ELSE r.payer_name END,
  typed = CASE WHEN r.typed = '' THEN excluded.typed ELSE r.typed END
RETURNING r.*, (xmax = 0) AS is_new"""


async def see(
    tx: Tx, *, rail: str, receipt: str, amount_cents: int, currency: str, road: str, merchant_id: int | None,
    account_id: int | None, payment_id: int | None, now: datetime, typed: str = "", phone: str | None = None,
    payer_hint: str = "", payer_name: str = "", happened_at: datetime | None = None,
) -> Record:  # fmt: skip
    """The receipt's row, locked: made now (`is_new`), or the one of the road that was first, with what this one adds."""
    row = await tx.row(
        _SEE, merchant_id, account_id, rail, receipt, amount_cents, currency, payment_id, road, typed[:40], phone,
        payer_hint[:64], payer_name[:80], happened_at, now,
    )  # fmt: skip
    assert row is not None  # an upsert always returns its row
    return row


async def belongs(tx: Tx, receipt_id: int | None, payment_id: int, *, merchant_id: int) -> None:
    """The receipt's money is this payment's."""
    if receipt_id is not None:
        await tx.execute(
            "UPDATE receipts SET payment_id = $2, merchant_id = $3 WHERE id = $1", receipt_id, payment_id, merchant_id
        )


async def given(tx: Tx, receipt_id: int, *, merchant_id: int) -> None:
    """The receipt's money became this merchant's, for no payment in particular."""
    await tx.execute("UPDATE receipts SET merchant_id = $2 WHERE id = $1", receipt_id, merchant_id)
