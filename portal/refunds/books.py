"""What a refund does to the ledger: the sale is taken back into `refunds` first, and `refunds` is emptied when the money has gone."""

from datetime import datetime

import msgspec
from asyncpg import Record

from portal import customer_credits, ledger, money
from portal.customer_credits import of_phone
from portal.db import Tx
from portal.errors import Conflict
from portal.ledger import Account, Entry, Kind
from portal.msgid import N_
from portal.payments import receipts
from portal.payments.refunds import name_of

PAID_OUT = N_("This money was paid out to you already. Refund it in cash, or wait for new sales.")
USED = N_("The customer has used this money already.")
NOTHING = N_("There is nothing to give back here.")
_SOLD = frozenset({Account.MERCHANT_PAYABLE, Account.COMMISSION})


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """What a payment's money became: the sale's entries, and what was kept for the customer. Cents are positive."""

    sold: dict[Account, int]
    kept: dict[int, int]
    #: What agents earned by it.
    earned: dict[int, int]

    @property
    def sold_cents(self) -> int:
        """What was sold for."""
        return sum(self.sold.values())

    @property
    def kept_cents(self) -> int:
        """What was paid too much, or for nothing."""
        return sum(self.kept.values())


async def pool_of(tx: Tx, payment_id: int) -> Pool:
    """What the payment's postings left on other accounts than clearing and cash."""
    rows = await tx.fetch(
        """SELECT e.account, e.credit_id, e.agent_id, -sum(e.amount_cents)::bigint AS cents
           FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id
           WHERE l.payment_id = $1 AND e.account NOT LIKE '%clearing' AND e.account <> 'cash'
           GROUP BY e.account, e.credit_id, e.agent_id HAVING sum(e.amount_cents) <> 0""",
        payment_id,
    )
    sold = {Account(row["account"]): row["cents"] for row in rows if Account(row["account"]) in _SOLD}
    kept = {row["credit_id"]: row["cents"] for row in rows if row["account"] == "customer_credit" and row["cents"] > 0}
    earned = {row["agent_id"]: -row["cents"] for row in rows if row["account"] == "agent_commission"}
    return Pool(sold=sold, kept=kept, earned=earned)


def whole(pool: Pool) -> list[Entry]:
    """Take back everything the payment became; an agent who sold it earns nothing by it, and owes that much more."""
    entries = [Entry(account, cents) for account, cents in pool.sold.items()] + kept(pool)
    for agent_id, cents in pool.earned.items():
        entries.append(Entry(Account.AGENT_COMMISSION, -cents, agent_id=agent_id))
        entries.append(Entry(Account.AGENTS, cents, agent_id=agent_id))
    return entries


def kept(pool: Pool) -> list[Entry]:
    """Take back what was kept for the customer."""
    return [Entry(Account.CUSTOMER_CREDIT, cents, credit_id) for credit_id, cents in pool.kept.items()]


def part(cents: int, basis_points: int) -> list[Entry]:
    """Take back a part of the price; our commission on it too."""
    fee, rest = money.split(cents, basis_points)
    return [Entry(Account.MERCHANT_PAYABLE, rest), Entry(Account.COMMISSION, fee)]


async def covered(tx: Tx, entries: list[Entry], *, merchant_id: int, is_ours: bool) -> None:
    """Conflict when the money is not there any more: used by the customer, or paid out to the merchant (`is_ours`: it would leave
    the platform's account). Locks what it looks at."""
    for entry in sorted((each for each in entries if each.credit_id), key=lambda each: each.credit_id or 0):
        await tx.execute("SELECT FROM credits WHERE id = $1 FOR UPDATE", entry.credit_id)
        there = await tx.value(
            "SELECT coalesce(-sum(amount_cents), 0)::bigint FROM ledger_entries WHERE credit_id = $1", entry.credit_id
        )
        if there < entry.cents:
            raise Conflict(USED)
    taken = sum(entry.cents for entry in entries if entry.account is Account.MERCHANT_PAYABLE)
    if is_ours and taken and await ledger.owed_now(tx, merchant_id) < taken:
        raise Conflict(PAID_OUT)


async def still_here(tx: Tx, merchant_id: int) -> None:
    """Conflict when what wallets hold lies in the shop's drawer: the platform's account must not pay it out instead."""
    if await ledger.owed_now(tx, merchant_id) < 0:
        raise Conflict(PAID_OUT)


async def take_out(tx: Tx, row: Record, entries: list[Entry], *, receipt: str, now: datetime) -> None:
    """Book the money as on its way back."""
    to = Entry(Account.REFUNDS, -row["amount_cents"])
    await ledger.book(
        tx, Kind.REFUND, [*entries, to], merchant_id=row["merchant_id"], payment_id=row["payment_id"],
        receipt=name_of(row, receipt), currency=row["currency"], now=now, note=row["why"][:120],
    )  # fmt: skip


async def posting_of(tx: Tx, row: Record) -> tuple[int, bool]:
    """The posting that took it out, and whether it took it straight from what came in (money that never bought anything)."""
    receipt = await tx.value("SELECT receipt FROM receipts WHERE id = $1", row["receipt_id"])
    found = await tx.row(
        """SELECT l.id, bool_or(e.amount_cents > 0 AND (e.account LIKE '%clearing' OR e.account = 'cash')) AS is_straight
           FROM ledger_postings l JOIN ledger_entries e ON e.posting_id = l.id
           WHERE l.kind = 'refund' AND l.receipt = $1 GROUP BY l.id""",
        name_of(row, receipt),
    )
    assert found is not None  # a refund that is not dropped was booked
    return found["id"], found["is_straight"]


async def close(tx: Tx, row: Record, to: Entry, *, now: datetime) -> None:
    """Book that the money has gone to `to`: out of an account of ours, out of the drawer, or to the customer's credit."""
    receipt = await tx.value("SELECT receipt FROM receipts WHERE id = $1", row["receipt_id"])
    source = Entry(Account.REFUNDS, row["amount_cents"], is_platform=row["merchant_id"] is None)
    await ledger.book(
        tx, Kind.REFUND_DONE, [source, to], merchant_id=row["merchant_id"], payment_id=row["payment_id"],
        receipt=name_of(row, receipt), currency=row["currency"], now=now, note=row["road"],
    )  # fmt: skip


async def from_account(tx: Tx, row: Record, transfer: Record) -> Entry:
    """The account it left: M-Pesa's, or one at the rail the money came by."""
    rail = await tx.value("SELECT rail FROM receipts WHERE id = $1", row["receipt_id"])
    account, _ = await receipts.clearing(tx, rail, transfer["account_id"], rail_account_id=transfer["rail_account_id"])
    return Entry(account, -row["amount_cents"], is_platform=row["merchant_id"] is None)


async def to_credit(tx: Tx, row: Record, *, now: datetime) -> Entry:
    """The customer's account, by the phone number of the refund."""
    credit = await customer_credits.opened(tx, row["merchant_id"], of_phone(row["phone"]), now=now)
    return Entry(Account.CUSTOMER_CREDIT, -row["amount_cents"], credit.id)


def from_drawer(row: Record) -> Entry:
    """Notes the shop gave back."""
    return Entry(Account.CASH, -row["amount_cents"])
