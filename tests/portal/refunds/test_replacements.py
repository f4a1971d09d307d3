"""A voucher instead of a refund: one or the other, never both, to the cent."""

import asyncio

import pytest

from portal import ledger, refunds, replacements
from portal.db import DB, atomic
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Role
from portal.refunds.asking import OTHER_PHONE
from portal.replacements import Choice, Given, Rest
from portal.vouchers import start
from tests import factories
from tests.portal.payments.stall import actor
from tests.portal.refunds.till import PAYER, Till, books, wish


async def package(till: Till, cents: int) -> int:
    return await factories.package(till.stall.merchant_id, name=f"for {cents}", price_cents=cents)


def choice(package_id: int, rest: Rest = Rest.CREDIT, **changes: str | bool) -> Choice:
    return Choice(**({"package_id": package_id, "rest": rest, "why": "no internet"} | changes))  # pyright: ignore[reportArgumentType]


async def give(till: Till, payment_id: int, wanted: Choice) -> Given:
    return await replacements.give(till.manager, payment_id, wanted, vault=till.stall.vault, now=till.clock.now())


async def kept(holder: str) -> int:
    return await DB.value(
        "SELECT coalesce(-sum(e.amount_cents), 0)::bigint FROM credits c JOIN ledger_entries e ON e.credit_id = c.id WHERE c.holder = $1",
        holder,
    )


async def status(table: str, row_id: int) -> str:
    return await DB.value(f"SELECT status FROM {table} WHERE id = $1", row_id)


async def test_another_voucher_of_the_same_price_costs_nobody_anything(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    before = await books()
    given = await give(till, attempt.payment_id, choice(till.stall.package_id))
    assert await till.voucher_of(attempt.payment_id) == "revoked"
    assert await status("payments", attempt.payment_id) == "refunded"
    assert await status("vouchers", given.voucher_id) == "paid"
    assert await status("refunds", given.refund_id) == "done"
    assert await books() == before
    assert till.out("reversal") == till.out("b2c") == []


async def test_what_is_over_stays_the_customers(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    await give(till, attempt.payment_id, choice(await package(till, 6000)))
    assert await kept(f"phone:{PAYER}") == 4000
    assert (await books())["mpesa_clearing"] == 10_000


async def test_only_the_owner_may_keep_what_is_over_for_another_number(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    wanted = choice(await package(till, 1000), phone="0711000222")
    with pytest.raises(Invalid) as said:
        await give(till, attempt.payment_id, wanted)
    assert said.value.fields == {"phone": OTHER_PHONE}
    assert await till.voucher_of(attempt.payment_id) == "paid"
    now = till.clock.now()
    await replacements.give(till.owner, attempt.payment_id, wanted, vault=till.stall.vault, now=now)
    assert await kept("phone:254711000222") == 9000


async def test_what_is_over_is_handed_out_in_cash(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    await give(till, attempt.payment_id, choice(await package(till, 6000), Rest.CASH))
    assert await kept(f"phone:{PAYER}") == 0
    assert (await books())["cash"] == -4000
    assert await ledger.owed(till.stall.merchant_id) == 6000 * 80 // 100 + 4000


@pytest.mark.parametrize("known", [True, False])
async def test_what_is_missing_is_taken_in_cash(till: Till, known: bool) -> None:
    attempt, _ = await till.sale(cents=10_000)
    if not known:
        await DB.fetch("UPDATE receipts SET phone = NULL")
        await DB.fetch("UPDATE payments SET phone = ''")
    dear = await package(till, 15_000)
    with pytest.raises(Invalid):
        await give(till, attempt.payment_id, choice(dear))
    given = await give(till, attempt.payment_id, choice(dear, Rest.CASH))
    assert await status("vouchers", given.voucher_id) == "paid"
    assert (await books())["cash"] == 5000
    assert await kept(f"phone:{PAYER}") == 0


async def test_a_refused_one_leaves_everything_as_it_was(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    before = await books()
    with pytest.raises(Invalid) as said:
        await give(till, attempt.payment_id, choice(await package(till, 15_000)))
    assert said.value.fields == {"rest": replacements.TAKE}
    assert await till.voucher_of(attempt.payment_id) == "paid"
    assert await books() == before
    assert await DB.value("SELECT count(*) FROM refunds") == 0


async def test_never_a_voucher_and_a_refund(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    await give(till, attempt.payment_id, choice(till.stall.package_id))
    with pytest.raises(Conflict):
        await refunds.request(till.owner, attempt.payment_id, wish(), now=till.clock.now())
    other, _ = await till.sale(cents=10_000)
    await refunds.request(till.owner, other.payment_id, wish(), now=till.clock.now())
    with pytest.raises(Conflict):
        await give(till, other.payment_id, choice(till.stall.package_id))


async def test_two_at_once_make_one_voucher(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    wanted = choice(till.stall.package_id)
    made = await asyncio.gather(*(give(till, attempt.payment_id, wanted) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in made if not isinstance(each, Conflict)] == [Given]
    assert await DB.value("SELECT count(*) FROM vouchers WHERE status = 'paid'") == 1


async def test_a_used_voucher_ends_only_when_that_is_wanted(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    voucher = await DB.value("SELECT voucher_id FROM payments WHERE id = $1", attempt.payment_id)
    async with atomic() as tx:
        await start(tx, voucher, at=till.clock.now(), actor="test")
    with pytest.raises(Conflict):
        await give(till, attempt.payment_id, choice(till.stall.package_id))
    given = await give(till, attempt.payment_id, choice(till.stall.package_id, ends_use=True))
    assert await status("vouchers", given.voucher_id) == "paid"


async def test_credit_that_was_spent_meanwhile_is_not_given_again(till: Till) -> None:
    """Paid too much, and the surplus was used since: it cannot come along a second time."""
    attempt, _ = await till.sale(cents=14_000)
    async with atomic() as tx:
        credit = await tx.value("SELECT id FROM credits WHERE holder = $1", f"phone:{PAYER}")
        entries = [
            ledger.Entry(ledger.Account.CUSTOMER_CREDIT, 4000, credit), ledger.Entry(ledger.Account.MERCHANT_PAYABLE, -4000),
        ]  # fmt: skip
        await ledger.book(
            tx, ledger.Kind.CREDIT_USE, entries, merchant_id=till.stall.merchant_id, payment_id=None, receipt="x",
            currency="KES", now=till.clock.now(),
        )  # fmt: skip
    with pytest.raises(Conflict):
        await give(till, attempt.payment_id, choice(till.stall.package_id))


async def test_cash_above_the_limit_wants_the_owners_password(till: Till) -> None:
    await DB.fetch("UPDATE merchants SET refund_limit_cents = 1000")
    attempt, _ = await till.sale(cents=10_000)
    cheap = await package(till, 6000)
    with pytest.raises(Invalid) as said:
        await give(till, attempt.payment_id, choice(cheap, Rest.CASH))
    assert said.value.fields == {"rest": replacements.TOO_MUCH}
    await give(till, attempt.payment_id, choice(cheap))


async def test_cashiers_do_not_and_strangers_find_nothing(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    wanted = choice(till.stall.package_id)
    for who, refusal in ((till.cashier, Forbidden), (actor(999, role=Role.OWNER), Invalid)):
        with pytest.raises(refusal):
            await replacements.give(who, attempt.payment_id, wanted, vault=till.stall.vault, now=till.clock.now())
    with pytest.raises(NotFound):
        await replacements.offer(actor(999, role=Role.OWNER), attempt.payment_id)
    with pytest.raises(Invalid) as said:
        await give(till, attempt.payment_id, choice(999_999))
    assert said.value.fields == {"package_id": replacements.PACKAGE}


async def test_a_voucher_bought_with_credit_can_be_replaced_again(till: Till) -> None:
    attempt, _ = await till.sale(cents=10_000)
    first = await give(till, attempt.payment_id, choice(till.stall.package_id))
    payment = await DB.value("SELECT id FROM payments WHERE voucher_id = $1 AND method = 'credit'", first.voucher_id)
    second = await give(till, payment, choice(await package(till, 2000)))
    assert await status("vouchers", first.voucher_id) == "revoked"
    assert await status("vouchers", second.voucher_id) == "paid"
    assert await kept(f"phone:{PAYER}") == 8000
