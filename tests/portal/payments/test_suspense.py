"""A person decides about money that fits nothing: whole, once, and on the record."""

import asyncio
from datetime import timedelta

import pytest

from portal import suspense
from portal.clock import Clock
from portal.db import DB
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.payments import Settled
from portal.suspense import Choice, Decision
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import Stall, actor, all_is_well, books, count, receipt

OPERATOR = actor(None, role=None, is_operator=True, user_id=99)
SHARES = {"own_clearing": 1000, "merchant_payable": -800, "commission": -200}


@pytest.fixture
async def own(db: str, vault: Vault, clock: Clock) -> Stall:
    """A merchant with its own paybill: money that fits nothing there is the merchant's to decide about."""
    return await Stall.opened(vault, clock, has_own_paybill=True)


async def _held(stall: Stall, cents: int = 1000, **changes: object) -> int:
    taken = await stall.hand("who knows", cents, **changes)
    assert taken.suspense_id is not None
    return taken.suspense_id


async def _decide(
    stall: Stall, suspense_id: int, decision: Decision, target_id: int | None = None, *, by: Actor | None = None,
    phone: str = "", note: str = "",
) -> Settled:  # fmt: skip
    choice = Choice(decision, target_id, phone, note)
    return await suspense.resolve_suspense(
        by or stall.owner, suspense_id, choice, vault=stall.vault, now=stall.clock.now()
    )


async def _row(suspense_id: int) -> tuple[object, ...]:
    row = await DB.row("SELECT status, resolution, resolved_by, note FROM suspense WHERE id = $1", suspense_id)
    assert row is not None
    return tuple(row)


async def test_it_pays_for_a_voucher(own: Stall) -> None:
    held, (voucher_id, _) = await _held(own), await own.voucher()
    assert await _decide(own, held, Decision.VOUCHER, voucher_id, note="she showed the SMS") == "sold"
    assert await DB.value("SELECT status FROM vouchers") == "paid"
    assert await books() == SHARES
    assert await _row(held) == ("resolved", "attached", f"user:{own.owner.user_id}", "she showed the SMS")
    said = await DB.row(
        "SELECT actor, data ->> 'note' AS note FROM events WHERE entity = 'suspense' AND name = 'resolve'"
    )
    assert said is not None
    assert tuple(said) == (f"user:{own.owner.user_id}", "she showed the SMS")
    await all_is_well()


async def test_it_pays_for_a_checkout_and_lets_its_device_in(own: Stall) -> None:
    held, attempt = await _held(own), await own.attempt()
    assert await _decide(own, held, Decision.CHECKOUT, attempt.checkout_id) == "sold"
    assert await count("access_grants") == 1
    assert await books() == SHARES
    await all_is_well()


async def test_too_little_of_it_is_kept_for_the_vouchers_reference(own: Stall) -> None:
    held, (voucher_id, reference) = await _held(own, 400), await own.voucher()
    assert await _decide(own, held, Decision.VOUCHER, voucher_id) == "underpaid"
    assert (await own.hand(reference, 600)).settled == "sold"
    await all_is_well()


async def test_a_person_may_take_a_fraction_for_what_it_is(own: Stall) -> None:
    held, (voucher_id, _) = await _held(own, 1040), await own.voucher()
    assert await _decide(own, held, Decision.VOUCHER, voucher_id) == "sold"
    assert (await books())["customer_credit"] == -40
    await all_is_well()


async def test_it_is_kept_for_a_customer(own: Stall) -> None:
    held = await _held(own)
    assert await _decide(own, held, Decision.CREDIT, phone="0712 345 678") == "credited"
    assert await books() == {"own_clearing": 1000, "customer_credit": -1000}
    assert await DB.value("SELECT holder FROM credits") == "phone:254712345678"
    await all_is_well()


async def test_the_merchant_keeps_it_and_pays_the_commission(own: Stall) -> None:
    assert await _decide(own, await _held(own), Decision.KEEP, note="an old debt") == "kept"
    assert await books() == SHARES
    await all_is_well()


async def test_it_goes_back_once(own: Stall) -> None:
    held = await _held(own)
    assert await _decide(own, held, Decision.REFUND) == "refunding"
    assert (await _row(held))[0] == "refunding"
    assert await books() == {"own_clearing": 1000, "refunds": -1000}
    with pytest.raises(Conflict):
        await _decide(own, held, Decision.REFUND)
    assert await count("refunds") == 1
    await all_is_well()


async def test_two_people_decide_once(own: Stall) -> None:
    held, (voucher_id, _) = await _held(own), await own.voucher()
    outcomes = await asyncio.gather(
        _decide(own, held, Decision.KEEP), _decide(own, held, Decision.VOUCHER, voucher_id), return_exceptions=True
    )
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
    assert await books() == SHARES
    await all_is_well()


async def test_a_repeat_of_the_message_after_the_decision_changes_nothing(own: Stall) -> None:
    code, (voucher_id, reference) = receipt(), await own.voucher()
    held = await _held(own, code=code)
    await _decide(own, held, Decision.KEEP)
    assert (await own.hand(reference, code=code)).settled == "known"
    attempt = await own.attempt()
    assert await own.stk(attempt, code) == "receipt_used"
    assert await DB.value("SELECT status FROM vouchers WHERE id = $1", voucher_id) == "unsold"
    assert await books() == SHARES
    await all_is_well()


@pytest.mark.parametrize("decision", [Decision.VOUCHER, Decision.CHECKOUT])
async def test_a_merchants_money_never_pays_for_anothers(own: Stall, decision: Decision) -> None:
    other = await Stall.opened(own.vault, own.clock, account_id=own.account_id)
    held = await _held(own)
    voucher_id, _ = await other.voucher()
    checkout_id = await factories.checkout(other.router, other.package_id)
    with pytest.raises(NotFound):
        await _decide(own, held, decision, voucher_id if decision is Decision.VOUCHER else checkout_id)
    assert (await _row(held))[0] == "open"
    await all_is_well()


async def test_a_voucher_that_has_ended_cannot_take_it(own: Stall) -> None:
    held, (voucher_id, _) = await _held(own), await own.voucher()
    await DB.fetch("UPDATE vouchers SET status = 'expired', ended_at = now(), ended_why = 'activation'")
    with pytest.raises(Invalid):
        await _decide(own, held, Decision.VOUCHER, voucher_id)
    assert (await _row(held))[0] == "open"
    assert await books() == {"own_clearing": 1000, "suspense": -1000}
    await all_is_well()


@pytest.mark.parametrize("role", [Role.CASHIER, Role.VIEWER])
async def test_cashiers_and_viewers_do_not_decide(own: Stall, role: Role) -> None:
    held = await _held(own)
    with pytest.raises(Forbidden):
        await _decide(own, held, Decision.KEEP, by=actor(own.merchant_id, role=role))


async def test_a_stranger_finds_nothing_to_decide(own: Stall) -> None:
    held = await _held(own)
    stranger = actor(await factories.merchant("Elsewhere"))
    for who in (stranger, OPERATOR):
        with pytest.raises(NotFound):
            await _decide(own, held, Decision.KEEP, by=who)
        assert await suspense.items(who) == []
    with pytest.raises(NotFound):
        await suspense.items(actor(None, role=None))


async def test_the_operator_decides_about_the_platforms_money(stall: Stall) -> None:
    """The shared paybill has no merchant: unknown money is the operator's to give."""
    held = await _held(stall)
    with pytest.raises(NotFound):
        await _decide(stall, held, Decision.KEEP)
    voucher_id, _ = await stall.voucher()
    assert await _decide(stall, held, Decision.VOUCHER, voucher_id, by=OPERATOR) == "sold"
    rows = await DB.fetch(
        "SELECT account, merchant_id, sum(amount_cents)::bigint FROM ledger_entries GROUP BY 1, 2 ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [
        ("commission", stall.merchant_id, -200),
        ("merchant_payable", stall.merchant_id, -800),
        ("mpesa_clearing", None, 1000),
        ("suspense", None, 0),
    ]


async def test_the_operator_gives_the_platforms_money_to_a_merchant(stall: Stall) -> None:
    held = await _held(stall)
    assert await _decide(stall, held, Decision.KEEP, stall.merchant_id, by=OPERATOR) == "kept"
    with pytest.raises(NotFound):
        await _decide(stall, await _held(stall), Decision.KEEP, 424242, by=OPERATOR)


async def test_the_list_tells_what_was_typed_and_masks_who_paid(own: Stall) -> None:
    first = await _held(own, phone="254712345678", payer_name="JANE")
    second = await _held(own, payer_hint="2547 ***** 126")
    hashed = await _held(own, payer_hint="b" * 64)
    found = await suspense.items(own.owner)
    assert [item.id for item in found] == [hashed, second, first]
    assert [item.payer for item in found] == ["", "2547 ***** 126", "0712 ••• 678"]
    assert (found[2].typed, found[2].payer_name, found[2].cents) == ("who knows", "JANE", 1000)
    await _decide(own, first, Decision.KEEP)
    assert len(await suspense.items(own.owner)) == 2
    assert len(await suspense.items(own.owner, with_resolved=True)) == 3
    assert [item.id for item in await suspense.items(own.owner, most=1)] == [hashed]
    assert [item.id for item in await suspense.items(own.owner, before=hashed)] == [second]


async def test_a_person_and_a_callback_at_once_give_the_money_once(own: Stall) -> None:
    for _ in range(5):
        code, attempt = receipt(), await own.attempt()
        own.clock.shift(timedelta(minutes=11))
        held = await _held(own, code=code)
        outcomes = await asyncio.gather(
            _decide(own, held, Decision.CHECKOUT, attempt.checkout_id), own.stk(attempt, code), return_exceptions=True
        )
        settled = sorted(type(out).__name__ if isinstance(out, Exception) else str(out) for out in outcomes)
        assert settled in (["Conflict", "sold"], ["known", "sold"])
    assert (await books())["own_clearing"] == 5000
    await all_is_well()
