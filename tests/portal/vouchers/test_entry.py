"""Typing codes: printed cards are sold by their first use, prefixes may be typed or not, a batch works at its routers only."""

import asyncio
from datetime import timedelta

import pytest

from portal import batches, codes, voucher_entry, voucher_sales
from portal.codes import CodeError
from portal.db import DB
from portal.devices import DeviceHint, hint
from portal.errors import Conflict, Invalid
from portal.identity import Role
from portal.routers import RouterView
from portal.vouchers import Elsewhere
from tests import factories
from tests.portal.payments.stall import DEVICE, Stall, actor, books, count, receipt
from tests.portal.vouchers.shelf import made_of, open_code, vouchers_of


async def card(stall: Stall, **fields: str) -> tuple[int, str]:
    """A printed card: its voucher and its code."""
    voucher = (await vouchers_of(await made_of(stall, 1, kind="cash", **fields)))[0]
    return voucher, await open_code(stall, voucher)


async def typed(stall: Stall, code: str, *, at: RouterView | None = None, device: DeviceHint = DEVICE) -> str:
    return await voucher_entry.redeem(at or stall.router, code, device, vault=stall.vault, now=stall.clock.now())


async def test_a_printed_card_is_sold_by_its_first_use_and_only_then(stall: Stall) -> None:
    voucher, code = await card(stall)
    assert await books() == {}, "printed is not sold"
    token = await typed(stall, code)
    assert await DB.value("SELECT token FROM checkouts WHERE voucher_id = $1", voucher) == token
    assert await books() == {"cash": 1000, "merchant_payable": -800, "commission": -200}
    assert await DB.value("SELECT status FROM vouchers") == "paid"
    assert await count("access_grants", "status = 'wanted'") == 1
    assert await count("payments", "method = 'cash' AND status = 'paid' AND float_id IS NULL") == 1
    assert await count("messages") == 0
    await typed(stall, code, device=hint("02:11:22:33:44:66", "10.5.50.8"))
    assert await count("payments") == 1, "once"


async def test_a_card_sold_at_the_counter_is_not_sold_again_by_its_use(stall: Stall) -> None:
    voucher, code = await card(stall)
    await DB.fetch(
        "INSERT INTO floats (merchant_id, user_id, currency, float_cents, opened_at) VALUES ($1, $2, 'KES', 0, now())",
        stall.merchant_id,
        stall.owner.user_id,
    )
    await voucher_sales.sell_for_cash(stall.owner, voucher, form_key="a", vault=stall.vault, now=stall.clock.now())
    await typed(stall, code)
    assert await count("payments") == 1
    assert await count("payments", "float_id IS NOT NULL") == 1


async def test_two_phones_typing_one_card_at_once_buy_it_once(stall: Stall) -> None:
    _, code = await card(stall)
    devices = [hint(f"02:11:22:33:44:{n:02}", f"10.5.50.{n}") for n in range(10, 16)]
    tokens = await asyncio.gather(*(typed(stall, code, device=each) for each in devices))
    assert len(set(tokens)) == 1
    assert await count("payments") == 1
    assert (await books())["cash"] == 1000


async def test_a_card_whose_days_are_over_or_that_was_taken_back_buys_nothing(stall: Stall) -> None:
    await DB.fetch("UPDATE packages SET activation_days = 30")
    voucher, code = await card(stall)
    stall.clock.shift(timedelta(days=31))
    with pytest.raises(Invalid) as over:
        await typed(stall, code)
    other, second = await card(stall)
    batch = await DB.value("SELECT batch_id FROM vouchers WHERE id = $1", other)
    await batches.take_back(stall.owner, batch, all_live=False, why="stolen", now=stall.clock.now())
    with pytest.raises(Invalid) as back:
        await typed(stall, second)
    assert over.value.fields == back.value.fields == {"code": voucher_entry.WRONG_CODE}
    assert await books() == {}
    await DB.fetch(
        "UPDATE vouchers SET status = 'expired', ended_at = now(), ended_why = 'activation' WHERE id = $1", voucher
    )


async def test_a_voucher_to_be_paid_by_reference_opens_nothing_before(stall: Stall) -> None:
    voucher, reference = await stall.voucher()
    code = await open_code(stall, voucher)
    with pytest.raises(Invalid) as error:
        await typed(stall, code)
    assert error.value.fields == {"code": voucher_entry.WRONG_CODE}
    assert await count("payments") == 0
    await stall.hand(reference)
    assert await typed(stall, code)


async def test_a_card_may_also_be_paid_by_m_pesa_before_its_use(stall: Stall) -> None:
    voucher, code = await card(stall)
    reference = await DB.value("SELECT payment_reference FROM vouchers WHERE id = $1", voucher)
    await stall.hand(reference, 1000, receipt())
    await typed(stall, code)
    assert await count("payments") == 1
    assert "cash" not in await books()


async def test_a_card_works_at_its_batchs_routers_only(stall: Stall) -> None:
    here, there = stall.router, await factories.router(stall.vault, stall.merchant_id, name="Rooftop")
    made = await batches.make(
        stall.owner, stall.package_id, count=1, note_text="", vault=stall.vault, now=stall.clock.now(), kind="cash",
        router_ids=[there.id],
    )  # fmt: skip
    code = await open_code(stall, (await vouchers_of(made.id))[0])
    with pytest.raises(Invalid) as error:
        await typed(stall, code, at=here)
    assert error.value.fields == {"code": Elsewhere.default}
    assert await books() == {}, "nothing is sold where it does not work"
    assert await typed(stall, code, at=there)
    with pytest.raises(Invalid):
        await typed(stall, code, at=here)


async def test_a_card_typed_outside_of_its_hours_is_not_sold_by_that(stall: Stall) -> None:
    later = (
        stall.clock.now() + timedelta(hours=3 + 2)
    ).hour * 60  # two hours from now by Nairobi's clock, which is three ahead
    await DB.fetch("UPDATE packages SET use_from_min = $1, use_until_min = $2", later, (later + 60) % 1440)
    _, code = await card(stall)
    with pytest.raises(Invalid):
        await typed(stall, code)
    assert await books() == {}
    assert await DB.value("SELECT status FROM vouchers") == "unsold"


@pytest.mark.parametrize("shape", ["{p}-{c}", "{p}{c}", "{p} {c}", "{c}", "{low}", "{p}-{a}-{b}"])
async def test_a_prefix_may_be_typed_or_not(stall: Stall, shape: str) -> None:
    _, code = await card(stall, prefix="SOKO1")
    words = {"p": "SOKO1", "c": code, "low": f"soko1{code.lower()}", "a": code[:5], "b": code[5:]}
    assert await typed(stall, shape.format(**words))


async def test_a_prefix_misread_by_the_eye_is_understood(stall: Stall) -> None:
    _, code = await card(stall, prefix="SOKO1")
    assert await typed(stall, f"S0KOI-{code}")


async def test_another_merchants_prefix_and_code_open_nothing(stall: Stall) -> None:
    rival = await Stall.opened(stall.vault, stall.clock, account_id=stall.account_id)
    _, code = await card(rival, prefix="RIVAL")
    for text in (code, f"RIVAL-{code}"):
        with pytest.raises(Invalid):
            await typed(stall, text)
    assert await count("payments") == 0


def test_a_guess_with_a_prefix_is_one_guess() -> None:
    drawn = codes.voucher_codes(200)
    for code in drawn:
        assert codes.fold_prefixed(f"MK{code}", ["MK", "MKT", "K2"]) == code
        assert codes.fold_prefixed(code, ["MK", code[:2], code[:6]]) == code, "a code is no prefix and a code"
    with pytest.raises(CodeError):
        codes.fold_prefixed(f"AB{drawn[0]}", ["XY"])
    assert codes.fold_prefixed(drawn[0], []) == drawn[0]


def test_what_a_prefix_may_be() -> None:
    assert [codes.fold_prefix(text) for text in ("", " ", "mkt", " A1 ", "SOKO12")] == ["", "", "MKT", "A1", "SOKO12"]
    for text in ("A", "ABCDEFG", "A-B", "صوق", "A B", "🙂🙂"):
        with pytest.raises(CodeError):
            codes.fold_prefix(text)
    assert codes.print_code("K7QM2XWP4H", prefix="MKT") == "MKT-K7QM2-XWP4H"


async def test_who_may_see_a_printed_cards_code(stall: Stall) -> None:
    voucher, code = await card(stall)
    now = stall.clock.now()
    for role in (Role.OWNER, Role.MANAGER):
        who = actor(stall.merchant_id, role=role)
        assert await batches.reveal_code(who, voucher, vault=stall.vault, now=now) == code
    with pytest.raises(Conflict):
        await batches.reveal_code(actor(stall.merchant_id, role=Role.CASHIER), voucher, vault=stall.vault, now=now)
    assert await count("events", "name = 'code_shown'") == 2
