"""Subscribers' accounts out of their rows: locked, with the wallet's sum and the bills that still matter. Saving: `keeping`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from asyncpg import Record

from portal.db import Tx
from portal.merchants import COMMISSION_BP
from portal.subscribers.course import Account, Bill, Offer

#: Bills that ended earlier than this cannot be cut any more, whatever the zone.
_STILL_MATTERS = timedelta(days=3)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A subscriber's row, locked until the transaction ends, and its account to let things happen to."""

    row: Record
    account: Account

    @property
    def id(self) -> int:
        """The subscriber."""
        return self.row["id"]

    @property
    def commission_bp(self) -> int:
        """The merchant's commission now, in basis points."""
        own = self.row["commission_bp"]
        return COMMISSION_BP[self.row["merchant_kind"]] if own is None else own


_ROWS = """
SELECT s.*, m.timezone, m.currency, m.commission_bp, m.kind AS merchant_kind, m.name AS shop,
       p.name AS package_name, n.name AS next_name, n.price_cents AS next_price_cents
FROM subscribers s JOIN merchants m ON m.id = s.merchant_id JOIN packages p ON p.id = s.package_id
LEFT JOIN packages n ON n.id = s.next_package_id
WHERE s.id = ANY($1) ORDER BY s.id FOR UPDATE OF s"""
_WALLETS = """
SELECT c.id, (SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM ledger_entries e WHERE e.credit_id = c.id) AS cents
FROM credits c WHERE c.id = ANY($1)"""
_BILLS = """
SELECT id, subscriber_id, package_id, package_name, starts_on, ends_on, full_cents, amount_cents, returned_cents, commission_bp, status,
       due_at
FROM subscriber_bills WHERE subscriber_id = ANY($1) AND (status = 'due' OR (status = 'paid' AND ends_on > $2))
ORDER BY subscriber_id, starts_on, id"""


async def hold_all(tx: Tx, subscriber_ids: Sequence[int], *, now: datetime) -> list[Held]:
    """These subscribers' accounts, in order of id; ids that do not exist are passed over. Their rows stay locked, and their
    wallets, so that nobody else spends what is seen here."""
    rows = await tx.fetch(_ROWS, list(subscriber_ids))
    credit_ids = sorted(row["credit_id"] for row in rows)
    await tx.execute("SELECT FROM credits WHERE id = ANY($1) ORDER BY id FOR UPDATE", credit_ids)
    wallets = {row["id"]: row["cents"] for row in await tx.fetch(_WALLETS, credit_ids)}
    bills: dict[int, list[Bill]] = {row["id"]: [] for row in rows}
    for row in await tx.fetch(_BILLS, list(bills), (now - _STILL_MATTERS).date()):
        bills[row["subscriber_id"]].append(_bill(row))
    return [Held(row=row, account=account_of(row, wallets[row["credit_id"]], bills[row["id"]])) for row in rows]


async def hold_one(tx: Tx, subscriber_id: int, *, now: datetime) -> Held:
    """One of them. LookupError: there is none."""
    found = await hold_all(tx, [subscriber_id], now=now)
    if not found:
        raise LookupError(f"subscriber {subscriber_id} is gone")
    return found[0]


def account_of(row: Record, wallet_cents: int, bills: list[Bill]) -> Account:
    """The account a row and its bills make; the row with its merchant's zone and its packages' names, as read above."""
    changing = row["next_package_id"] is not None
    return Account(
        zone=ZoneInfo(row["timezone"]),
        status=row["status"],
        offer=Offer(id=row["package_id"], name=row["package_name"], price_cents=row["price_cents"]),
        next_offer=Offer(id=row["next_package_id"], name=row["next_name"], price_cents=row["next_price_cents"])
        if changing
        else None,
        billing_day=row["billing_day"],
        grace_days=row["grace_days"],
        paid_until_on=row["paid_until_on"],
        next_bill_on=row["next_bill_on"],
        wallet_cents=wallet_cents,
        is_held=row["is_held"],
        bills=bills,
    )


def _bill(row: Record) -> Bill:
    """What was given back of a bill before is no part of it any more."""
    return Bill(
        id=row["id"],
        offer=Offer(id=row["package_id"], name=row["package_name"], price_cents=row["full_cents"]),
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        full_cents=row["full_cents"],
        amount_cents=row["amount_cents"] - row["returned_cents"],
        due_at=row["due_at"],
        commission_bp=row["commission_bp"],
        status=row["status"],
        was=row["status"],
    )
