"""A voucher out of an agent's hands is sold: what the agent owes for it, and what the agent earns. A step of the sale itself.

Sold for cash, the agent has the money: the cash of the sale becomes a debt, less the commission. Paid by M-Pesa, the merchant has
it, and owes the agent the commission."""

from datetime import datetime

from asyncpg import Record

from portal import ledger, money
from portal.db import Tx
from portal.ledger import Account, Entry, Kind


async def earned(
    tx: Tx, voucher: Record, *, payment_id: int, cash_cents: int, price_cents: int, currency: str, now: datetime
) -> None:
    """Book an agent's part of a sale, once per payment. `cash_cents`: what the agent took; 0: it was paid by other ways.
    RuntimeError: it is booked already."""
    given = await tx.row("SELECT agent_id, commission_bp FROM agent_allotments WHERE id = $1", voucher["allotment_id"])
    assert given is not None  # a foreign key says so
    agent_id, fee = given["agent_id"], money.commission(price_cents, given["commission_bp"])
    entries = [
        Entry(Account.CASH, -cash_cents),
        Entry(Account.AGENTS, cash_cents - fee, agent_id=agent_id),
        Entry(Account.AGENT_COMMISSION, fee, agent_id=agent_id),
    ]
    if any(entry.cents for entry in entries):
        await ledger.book(
            tx, Kind.AGENT_SALE, entries, merchant_id=voucher["merchant_id"], payment_id=payment_id, receipt=None,
            currency=currency, now=now,
        )  # fmt: skip
