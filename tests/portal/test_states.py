"""Every (status, event) pair of every machine, against the database that enforces it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from portal.db import DB, atomic
from portal.states import (
    MACHINES,
    ClaimStatus,
    E,
    GrantStatus,
    MessageStatus,
    PaymentStatus,
    PayoutStatus,
    RefundStatus,
    RouterStatus,
    SuspenseStatus,
    TransferStatus,
    VoucherStatus,
    move,
)
from portal.vault import Vault
from tests import factories

STATUSES = {
    "vouchers": VoucherStatus,
    "payments": PaymentStatus,
    "access_grants": GrantStatus,
    "routers": RouterStatus,
    "suspense": SuspenseStatus,
    "refunds": RefundStatus,
    "transfers": TransferStatus,
    "payouts": PayoutStatus,
    "claims": ClaimStatus,
    "messages": MessageStatus,
}
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


async def _row(table: str, status: str, vault: Vault) -> int:
    merchant = await factories.merchant()
    router = await factories.router(vault, merchant)
    package = await factories.package(merchant)
    if table == "routers":
        await DB.fetch("UPDATE routers SET status = $1 WHERE id = $2", status, router.id)
        return router.id
    if table == "messages":
        return await factories.message(merchant, status=status)
    if table == "claims":
        return await factories.claim(await factories.checkout(router, package), status=status)
    if table == "payouts":
        return await factories.payout(merchant, status=status)
    if table == "transfers":
        account = await factories.mpesa_account(vault)
        return await factories.transfer(account, payout_id=await factories.payout(merchant), status=status)
    if table in ("suspense", "refunds"):
        make = factories.suspense if table == "suspense" else factories.refund
        return await make(await factories.receipt(merchant), status=status)
    voucher = await factories.voucher(vault, merchant, package, status=status if table == "vouchers" else "paid")
    if table == "vouchers":
        return voucher
    if table == "access_grants":
        return await factories.grant(vault, merchant, router.id, voucher, status=status)
    return await factories.payment(merchant, status=status)


def _columns(table: str, event: E) -> dict[str, Any]:
    columns: dict[tuple[str, E], dict[str, Any]] = {
        ("vouchers", E.EXPIRE): {"ended_at": NOW, "ended_why": "usage"},
        ("vouchers", E.REVOKE): {"ended_at": NOW, "ended_why": "revoked"},
        ("vouchers", E.START): {"started_at": NOW},
        ("vouchers", E.REVIVE): {"started_at": NOW, "ended_at": None, "ended_why": None},
        ("vouchers", E.REVIVE_UNUSED): {"ended_at": None, "ended_why": None},
        ("payments", E.PAY): {"paid_at": NOW},
        ("suspense", E.RESOLVE): {"resolved_at": NOW},
        ("suspense", E.REFUND): {"resolved_at": NOW},
        ("suspense", E.REOPEN): {"resolved_at": None},
        ("refunds", E.REFUND_DONE): {"done_at": NOW},
        ("refunds", E.APPROVE): {"approved_at": NOW},
        ("transfers", E.ARRIVE): {"ended_at": NOW},
        ("transfers", E.FAIL): {"ended_at": NOW},
        ("payouts", E.ARRIVE): {"done_at": NOW},
        ("messages", E.SUBMIT): {"lease_until": NOW},
        **{("messages", by): {"lease_until": None} for by in (E.ACCEPT, E.RETRY, E.LOSE, E.FAIL)},
        ("claims", E.LINK): {"closed_at": NOW},
        ("claims", E.REFUSE): {"closed_at": NOW},
    }
    return columns.get((table, event), {})


@pytest.mark.parametrize("table", list(STATUSES))
async def test_only_listed_moves_happen(db: str, vault: Vault, table: str) -> None:
    walked = 0
    for status in STATUSES[table]:
        for event in {by for _, by in MACHINES[table]}:
            row_id = await _row(table, status.value, vault)
            expected = MACHINES[table].get((status, event))
            async with atomic() as tx:
                moved = await move(tx, table, row_id, event, at=NOW, actor="test", **_columns(table, event))
            assert moved is (expected is not None), (status, event)
            assert await DB.value(f"SELECT status FROM {table} WHERE id = $1", row_id) == (expected or status)
            noted = await DB.fetch(
                "SELECT was, became, name, actor FROM events WHERE entity = $1 AND entity_id = $2", table, row_id
            )
            assert [tuple(row) for row in noted] == ([(status, expected, event.value, "test")] if expected else [])
            walked += 1
    assert walked == len(STATUSES[table]) * len({by for _, by in MACHINES[table]})


async def test_an_event_of_another_machine_is_refused(db: str, vault: Vault) -> None:
    row_id = await _row("vouchers", "paid", vault)
    async with atomic() as tx:
        with pytest.raises(ValueError, match="knows no event"):
            await move(tx, "vouchers", row_id, E.PAY, at=NOW)


async def test_of_two_movers_one_wins(db: str, vault: Vault) -> None:
    row_id = await _row("vouchers", "paid", vault)
    async with atomic() as tx:
        assert await move(tx, "vouchers", row_id, E.START, at=NOW, started_at=NOW)
    async with atomic() as tx:
        assert not await move(tx, "vouchers", row_id, E.START, at=NOW, started_at=NOW)


async def test_a_failed_payment_may_still_be_paid_but_a_paid_one_never_fails() -> None:
    payment = MACHINES["payments"]
    assert payment[PaymentStatus.FAILED, E.PAY] == PaymentStatus.PAID
    assert payment[PaymentStatus.UNKNOWN, E.PAY] == PaymentStatus.PAID
    assert (PaymentStatus.PAID, E.FAIL) not in payment
