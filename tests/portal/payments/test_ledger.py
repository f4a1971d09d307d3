"""The ledger keeps itself: the database refuses what does not balance, mixes, edits or empties it; mistakes are taken back."""

from collections.abc import Mapping

import asyncpg
import pytest

from portal import ledger
from portal.db import DB, atomic
from portal.ledger import Account, Entry, Kind
from tests import factories
from tests.portal.payments.stall import Stall, books, count, receipt

SALE = {"mpesa_clearing": 1000, "merchant_payable": -800, "commission": -200}


async def _post(stall: Stall, entries: Mapping[str, int], *, kind: str = "sale", payment_id: int | None = None) -> bool:
    async with atomic() as tx:
        return await ledger.post(
            tx, kind, entries, merchant_id=stall.merchant_id, payment_id=payment_id, receipt=None, currency="KES",
            now=stall.clock.now(),
        )  # fmt: skip


async def _sold(stall: Stall) -> int:
    await stall.stk(await stall.attempt(), receipt())
    return await DB.value("SELECT id FROM ledger_postings WHERE kind = 'sale'")


async def _raw(posting_id: int, merchant_id: int | None, *lines: tuple[int, str]) -> None:
    async with atomic() as tx:
        for cents, currency in lines:
            await tx.execute(
                """INSERT INTO ledger_entries (posting_id, merchant_id, account, amount_cents, currency)
                   VALUES ($1, $2, 'suspense', $3, $4)""",
                posting_id,
                merchant_id,
                cents,
                currency,
            )


async def test_an_unbalanced_posting_is_refused_by_the_code_and_by_the_database(stall: Stall) -> None:
    with pytest.raises(ValueError, match="balance"):
        await _post(stall, {"mpesa_clearing": 1000, "merchant_payable": -999})
    posting = await _sold(stall)
    with pytest.raises(asyncpg.CheckViolationError, match="balance"):
        await _raw(posting, stall.merchant_id, (5, "KES"))


async def test_currencies_are_not_mixed_in_a_posting(stall: Stall) -> None:
    posting = await _sold(stall)
    with pytest.raises(asyncpg.CheckViolationError, match="currenc"):
        await _raw(posting, stall.merchant_id, (5, "KES"), (-5, "TZS"))


async def test_a_posting_touches_no_other_merchant(stall: Stall) -> None:
    posting, other = await _sold(stall), await factories.merchant()
    with pytest.raises(asyncpg.CheckViolationError, match="another merchant"):
        await _raw(posting, other, (5, "KES"), (-5, "KES"))


async def test_a_posting_without_entries_is_refused(stall: Stall) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="no entries"):
        await DB.fetch("INSERT INTO ledger_postings (merchant_id, kind) VALUES ($1, 'payout')", stall.merchant_id)


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_postings", "events"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_nothing_written_is_edited_removed_or_emptied(stall: Stall, table: str, verb: str) -> None:
    await _sold(stall)
    before = await count(table)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await DB.fetch(verb.format(table))
    assert await count(table) == before


@pytest.mark.parametrize(("kind", "account"), [("gift", "suspense"), ("sale", "petty_cash"), ("sale", "")])
async def test_a_kind_or_account_nobody_knows_is_refused(stall: Stall, kind: str, account: str) -> None:
    with pytest.raises(ValueError, match="not a valid"):
        await _post(stall, {"mpesa_clearing": 5, account: -5}, kind=kind)


async def test_the_database_knows_the_same_accounts_and_kinds(stall: Stall) -> None:
    for table, names in (("ledger_entries", Account), ("ledger_postings", Kind)):
        rule = await DB.value(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", f"{table}_check_1"
        )
        assert set(rule.split("'")[1::2]) == {name.value for name in names}


async def test_customers_credit_names_the_customer(stall: Stall) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await _post(stall, {"mpesa_clearing": 5, "customer_credit": -5})


async def test_a_second_posting_of_a_payment_is_not_written(stall: Stall) -> None:
    payment_id = await factories.payment(stall.merchant_id)
    assert await _post(stall, SALE, kind="payout", payment_id=payment_id)
    assert not await _post(stall, SALE, kind="payout", payment_id=payment_id)
    async with atomic() as tx:
        with pytest.raises(RuntimeError, match="there already"):
            await ledger.book(
                tx, Kind.PAYOUT, [Entry(Account.CASH, 5), Entry(Account.SUSPENSE, -5)], merchant_id=stall.merchant_id,
                payment_id=payment_id, receipt=None, currency="KES", now=stall.clock.now(),
            )  # fmt: skip


async def test_a_posting_is_taken_back_exactly_and_once(stall: Stall) -> None:
    async def take_back() -> bool:
        async with atomic() as tx:
            return await ledger.reverse(tx, posting, why="denied", now=stall.clock.now())

    await _post(stall, {"mpesa_clearing": 333, "merchant_payable": -266, "commission": -67}, kind="payout")
    posting = await DB.value("SELECT max(id) FROM ledger_postings")
    assert await take_back()
    assert not await take_back()
    assert await books() == {}
    assert await count("ledger_postings", "kind = 'reversal'") == 1


async def test_what_is_owed_leaves_out_what_the_merchant_holds_itself(stall: Stall) -> None:
    await _post(stall, SALE, kind="payout")
    assert await ledger.owed(stall.merchant_id) == 800
    await _post(stall, {"cash": 1000, "merchant_payable": -800, "commission": -200}, kind="cash_up")
    assert await ledger.owed(stall.merchant_id) == 600
