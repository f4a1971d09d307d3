"""A cashier's drawer: what is sold into it, what is handed in, and who may do and see what."""

import asyncio

import pytest

from portal import codes, floats
from portal.clock import Clock
from portal.db import DB
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Actor, Role
from portal.payments.counter import Sold
from portal.vault import Vault
from tests import factories
from tests.portal.payments.stall import Stall, actor, all_is_well, books, count


@pytest.fixture
async def stall(db: str, vault: Vault, clock: Clock) -> Stall:
    return await Stall.opened(vault, clock)


async def _cashier(stall: Stall, email: str = "cashier@example.com", role: Role = Role.CASHIER) -> Actor:
    user = await factories.user(email, stall.merchant_id, role=role.value)
    return actor(stall.merchant_id, role=role, user_id=user)


async def _sell(stall: Stall, cashier: Actor, *, form_key: str = "") -> Sold:
    key = form_key or codes.hex_token(16)
    return await floats.sell(cashier, stall.package_id, form_key=key, vault=stall.vault, now=stall.clock.now())


async def test_a_form_posted_twice_is_one_sale(stall: Stall) -> None:
    cashier = await _cashier(stall)
    drawer = await floats.open_drawer(cashier, "0", now=stall.clock.now())
    at_once = await asyncio.gather(*(_sell(stall, cashier, form_key="one") for _ in range(4)))
    again = await _sell(stall, cashier, form_key="one")
    assert {(sold.payment_id, sold.voucher_id) for sold in [*at_once, again]} == {(again.payment_id, again.voucher_id)}
    assert (await count("vouchers"), await count("payments"), (await books())["cash"]) == (1, 1, 1000)
    await _sell(stall, cashier, form_key="two")
    closed = await floats.hand_in(cashier, drawer, "20", note_text="", now=stall.clock.now())
    assert (closed.sold_cents, closed.difference_cents) == (2000, 0)
    await all_is_well()


async def test_a_form_without_its_key_sells_nothing(stall: Stall) -> None:
    cashier = await _cashier(stall)
    await floats.open_drawer(cashier, "0", now=stall.clock.now())
    with pytest.raises(Conflict, match="too old"):
        await floats.sell(cashier, stall.package_id, form_key="", vault=stall.vault, now=stall.clock.now())
    assert await count("payments") == 0


async def test_a_drawer_that_is_counted_right_is_closed_without_a_difference(stall: Stall) -> None:
    cashier = await _cashier(stall)
    drawer = await floats.open_drawer(cashier, "500", now=stall.clock.now())
    for _ in range(3):
        await _sell(stall, cashier)
    closed = await floats.hand_in(cashier, drawer, "530", note_text="", now=stall.clock.now())
    assert (closed.sold_cents, closed.expected_cents, closed.difference_cents) == (3000, 53_000, 0)
    assert await books() == {"cash": 3000, "merchant_payable": -2400, "commission": -600}
    assert not closed.is_open
    await all_is_well()


async def test_missing_money_is_shown_and_wants_a_word(stall: Stall) -> None:
    cashier = await _cashier(stall)
    drawer = await floats.open_drawer(cashier, "100", now=stall.clock.now())
    await _sell(stall, cashier)
    with pytest.raises(Invalid) as wrong:
        await floats.hand_in(cashier, drawer, "105", note_text=" ", now=stall.clock.now())
    assert wrong.value.fields == {"note": floats.SAY_WHY}
    closed = await floats.hand_in(cashier, drawer, "105", note_text="wrong change", now=stall.clock.now())
    assert closed.difference_cents == -500
    data = await DB.value("SELECT data FROM events WHERE entity = 'floats' AND name = 'close'")
    assert '"difference_cents": -500' in data
    assert (await books())["cash"] == 1000, "the books know what was sold, not what is in the drawer"


async def test_nothing_is_sold_for_cash_without_an_open_drawer(stall: Stall) -> None:
    cashier = await _cashier(stall)
    with pytest.raises(Conflict):
        await _sell(stall, cashier)
    drawer = await floats.open_drawer(cashier, "0", now=stall.clock.now())
    await floats.hand_in(cashier, drawer, "0", note_text="", now=stall.clock.now())
    with pytest.raises(Conflict):
        await _sell(stall, cashier)
    assert await count("vouchers") == 0


async def test_one_cashier_has_one_drawer_at_a_time(stall: Stall) -> None:
    cashier = await _cashier(stall)
    opened = await asyncio.gather(
        *(floats.open_drawer(cashier, "10", now=stall.clock.now()) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(one, int) for one in opened) == 1
    assert sum(isinstance(one, Conflict) for one in opened) == 2


async def test_a_sale_and_the_handing_in_never_miss_each_other(stall: Stall) -> None:
    cashier = await _cashier(stall)
    drawer = await floats.open_drawer(cashier, "0", now=stall.clock.now())
    await asyncio.gather(
        _sell(stall, cashier),
        floats.hand_in(cashier, drawer, "10", note_text="at closing time", now=stall.clock.now()),
        return_exceptions=True,
    )
    row = await DB.row("SELECT status, sold_cents FROM floats WHERE id = $1", drawer)
    assert row is not None
    assert row["status"] == "closed"
    sold = await DB.value("SELECT coalesce(sum(amount_cents), 0)::bigint FROM payments WHERE float_id = $1", drawer)
    assert row["sold_cents"] == sold


async def test_a_drawer_is_handed_in_once(stall: Stall) -> None:
    cashier = await _cashier(stall)
    drawer = await floats.open_drawer(cashier, "10", now=stall.clock.now())
    await floats.hand_in(cashier, drawer, "10", note_text="", now=stall.clock.now())
    with pytest.raises(Conflict):
        await floats.hand_in(cashier, drawer, "10", note_text="", now=stall.clock.now())


async def test_who_may_do_and_see_what(stall: Stall) -> None:
    cashier, other = await _cashier(stall), await _cashier(stall, "other@example.com")
    manager = await _cashier(stall, "manager@example.com", Role.MANAGER)
    stranger = actor(await factories.merchant("Other"), user_id=cashier.user_id)
    viewer = actor(stall.merchant_id, role=Role.VIEWER)
    drawer = await floats.open_drawer(cashier, "10", now=stall.clock.now())
    assert await floats.latest(other) == []
    assert [one.id for one in await floats.latest(manager)] == [drawer]
    assert await floats.latest(stranger) == []
    with pytest.raises(NotFound):
        await floats.hand_in(stranger, drawer, "10", note_text="", now=stall.clock.now())
    with pytest.raises(Forbidden):
        await floats.hand_in(other, drawer, "10", note_text="", now=stall.clock.now())
    with pytest.raises(Forbidden):
        await floats.open_drawer(viewer, "10", now=stall.clock.now())
    with pytest.raises(NotFound):
        await floats.one(other, drawer)
    assert not (await floats.hand_in(manager, drawer, "10", note_text="", now=stall.clock.now())).is_open


@pytest.mark.parametrize("typed", ["", "a lot", "-5", "1e9", "0.001"])
async def test_what_is_no_amount_is_refused(stall: Stall, typed: str) -> None:
    with pytest.raises(Invalid):
        await floats.open_drawer(await _cashier(stall), typed, now=stall.clock.now())
