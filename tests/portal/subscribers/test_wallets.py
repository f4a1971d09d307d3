"""A wallet is spent from by one at a time: by bills, and by people who give its money back."""

import asyncio

from portal import ledger
from portal.db import DB, atomic
from portal.ledger import Account, Entry, Kind
from portal.subscribers import billing
from tests.portal.subscribers.village import Village, bills, local, row, wallet

SOMEBODY_WAITS = (
    """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""
)


async def test_a_bill_waits_for_who_is_taking_money_out_of_the_wallet(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 2_000)
    village.now = local("2026-12-01", "00:05")
    credit = (await row(who))["credit_id"]
    out = [Entry(Account.CUSTOMER_CREDIT, 100_000, credit), Entry(Account.CASH, -100_000)]
    async with atomic() as tx:
        await tx.execute("SELECT FROM credits WHERE id = $1 FOR UPDATE", credit)
        billed = asyncio.create_task(_bill(village))
        async with asyncio.timeout(10):
            while not billed.done() and not await DB.value(SOMEBODY_WAITS):  # noqa: ASYNC110  (the database tells nobody)
                await asyncio.sleep(0.01)
        await ledger.post(
            tx, Kind.CREDIT_USE, out, merchant_id=village.merchant_id, payment_id=None, receipt="out", currency="KES",
            now=village.now,
        )  # fmt: skip
    await billed
    assert await wallet(who) == 50_000
    assert [bill[3] for bill in await bills(who)] == ["paid", "due"]


async def _bill(village: Village) -> None:
    """In transactions of its own, not in that of the task that made this one."""
    DB.current_transaction.set(None)
    await billing.proceed_due(now=village.now, actor="test")
