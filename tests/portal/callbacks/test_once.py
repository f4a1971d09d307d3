"""A message is handled once, however often it is found; and a success that waits for proof is not forgotten."""

from datetime import timedelta

import pytest

from portal import callbacks
from portal.callbacks import proof
from portal.db import DB
from portal.vault import RowId, Vault
from tests.portal.callbacks.conftest import FOREIGN, Counter, success


async def test_a_handled_message_is_left_alone(counter: Counter) -> None:
    payment = await counter.pending()
    await counter.post(f"/cb/{payment.token}", success())
    [found] = await callbacks.waiting(now=counter.clock.now())
    assert await callbacks.handle(found, vault=counter.vault, now=counter.clock.now()) == "sold"
    before = await DB.row("SELECT * FROM callbacks")
    assert await callbacks.handle(found, vault=counter.vault, now=counter.clock.now() + timedelta(hours=1)) is None
    assert await DB.row("SELECT * FROM callbacks") == before


async def test_a_forged_success_before_a_true_failure_is_still_asked_about(counter: Counter) -> None:
    """Case 26, where the failure is told before M-Pesa could be asked."""
    payment = await counter.pending()
    await counter.post(f"/cb/{payment.token}", success(), source=FOREIGN)
    await counter.handle_all()
    await counter.post(f"/cb/{payment.token}", success(code=1032))
    await counter.handle_all()
    assert await DB.value("SELECT status FROM payments") == "failed"
    assert await proof.ask_forgotten(now=counter.clock.now()) == 1
    await proof.asked(payment.id, now=counter.clock.now())
    await proof.answered(payment.id, "failed", now=counter.clock.now())
    assert await DB.value("SELECT verdict FROM callbacks WHERE source = $1", FOREIGN) == "denied"
    await DB.fetch("UPDATE payments SET next_query_at = NULL")
    assert await proof.ask_forgotten(now=counter.clock.now()) == 0, "it was answered"


class _Jammed(Vault):
    """Seals nothing: the last step of a sale breaks."""

    def seal(self, table: str, column: str, *, row_id: RowId, plaintext: str) -> bytes:
        raise RuntimeError("jammed")


async def test_what_breaks_in_the_middle_of_a_sale_leaves_nothing_and_is_handled_later(counter: Counter) -> None:
    payment = await counter.pending()
    await counter.post(f"/cb/{payment.token}", success())
    [found] = await callbacks.waiting(now=counter.clock.now())
    with pytest.raises(RuntimeError, match="jammed"):
        await callbacks.handle(found, vault=_Jammed([("test", bytes(32))]), now=counter.clock.now())
    assert await callbacks.waiting(now=counter.clock.now()) == [found]
    for table in ("receipts", "ledger_postings", "vouchers", "access_grants"):
        assert await DB.value(f"SELECT count(*) FROM {table}") == 0, table
    assert await callbacks.handle(found, vault=counter.vault, now=counter.clock.now()) == "sold"
