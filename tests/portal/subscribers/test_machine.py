"""Every (status, event) pair of subscribers and their bills, against the database that enforces it."""

from typing import Any

import pytest

from portal.db import DB, atomic
from portal.states import MACHINES, move
from portal.subscriber_machine import BillStatus, SubscriberStatus
from tests.portal.subscribers.village import Village

STATUSES = {"subscribers": SubscriberStatus, "subscriber_bills": BillStatus}


@pytest.mark.parametrize("table", list(STATUSES))
async def test_only_listed_moves_happen(village: Village, table: str) -> None:
    who = await village.moves_in()
    row_id = who if table == "subscribers" else await DB.value("SELECT id FROM subscriber_bills")
    for status in STATUSES[table]:
        for event in sorted({by for _, by in MACHINES[table]}):
            if table == "subscribers":
                await DB.fetch(
                    "UPDATE subscribers SET status = $1::text, closed_at = CASE WHEN $1::text = 'closed' THEN now() END WHERE id = $2",
                    status.value, row_id,
                )  # fmt: skip
            else:
                await DB.fetch(
                    "UPDATE subscriber_bills SET status = $1, paid_at = now() WHERE id = $2", status.value, row_id
                )
            expected = MACHINES[table].get((status, event))
            columns: dict[str, Any] = (
                {"closed_at": village.now if expected == "closed" else None} if table == "subscribers" else {}
            )
            async with atomic() as tx:
                assert await move(tx, table, row_id, event, at=village.now, **columns) is (expected is not None)
            assert await DB.value(f"SELECT status FROM {table} WHERE id = $1", row_id) == (expected or status)
    await DB.fetch("UPDATE subscribers SET status = 'grace', closed_at = NULL")


async def test_a_period_has_one_live_bill_and_a_bill_one_debit(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500)
    again = """INSERT INTO subscriber_bills (merchant_id, subscriber_id, package_id, package_name, starts_on, ends_on, full_cents,
                 amount_cents) SELECT merchant_id, subscriber_id, package_id, package_name, starts_on, ends_on, 1, 1
               FROM subscriber_bills"""
    with pytest.raises(Exception, match="subscriber_bills_period"):
        await DB.fetch(again)
    with pytest.raises(Exception, match="ledger_postings_bill_once"):
        await DB.fetch(
            """INSERT INTO ledger_postings (merchant_id, kind, bill_id)
               SELECT merchant_id, kind, bill_id FROM ledger_postings WHERE kind = 'bill'"""
        )
