"""From giving cards to settling: what an agent owes is what the ledger says, and nothing is lost on the way."""

import asyncio

import pytest

from portal import batches, ledger, refunds, voucher_sales
from portal.agents import accounts, counter, moneys, people, stock
from portal.agents.stock import OverLimit
from portal.db import DB
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Role
from portal.refunds import Road, Scope, Wish
from tests import factories
from tests.portal.agents.kiosk import Kiosk
from tests.portal.payments.stall import Stall, actor, books, count


async def brings(kiosk: Kiosk, amount: str, *, how: str = "cash", receipt: str = "", key: str | None = None) -> int:
    return await moneys.take(
        kiosk.stall.owner, kiosk.agent_id, how=how, amount=amount, receipt=receipt, note_text="", form_key=key,
        now=kiosk.stall.clock.now(),
    )  # fmt: skip


async def test_from_giving_cards_to_settling_nothing_is_lost(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    given = await kiosk.give(6)
    assert await books() == {}, "nothing is sold by being given"
    cards = await kiosk.cards(given)
    for n, card in enumerate(cards[:3]):
        await kiosk.use(card, f"02:11:22:33:44:7{n}")
    # Three cards of KES 10: the agent has 30, keeps 3, owes 27; the platform's 20 % is of the price.
    assert await books() == {"agents": 2700, "agent_commission": 300, "merchant_payable": -2400, "commission": -600}
    assert await ledger.owed(stall.merchant_id) == -600, "the merchant owes the platform its commission and no more"
    assert await stock.bring_back(stall.owner, kiosk.agent_id, given, count="1", now=stall.clock.now()) == 1
    assert await stock.lose(stall.owner, kiosk.agent_id, given, why="stolen bag", now=stall.clock.now()) == 2
    assert await kiosk.owes() == 2700, "nobody owes for cards that were lost"
    with pytest.raises(Invalid):
        await kiosk.use(cards[3])
    await brings(kiosk, "20")
    await brings(kiosk, "7", how="mpesa", receipt="SKL4H7T2QX")
    assert await books() == {
        "cash": 2000, "own_clearing": 700, "agent_commission": 300, "merchant_payable": -2400, "commission": -600,
    }  # fmt: skip
    shown = await accounts.agent(stall.owner, kiosk.agent_id)
    assert (shown.owes_cents, shown.cards, shown.sold, shown.earned_cents) == (0, 0, 3, 300)
    [held] = await accounts.held(stall.owner, kiosk.agent_id)
    assert (held.size, held.sold, held.left, held.gone, held.back) == (6, 3, 0, 2, 1)
    told = await accounts.statement(stall.owner, kiosk.agent_id, "", now=stall.clock.now())
    assert [line.how for line in told.lines] == ["agent_sale", "agent_sale", "agent_sale", "cash", "mpesa"]
    assert (told.opening_cents, told.closing_cents) == (0, 0)
    await people.close(stall.owner, kiosk.agent_id, now=stall.clock.now())


async def test_money_to_the_paybill_under_the_agents_number_is_the_agents(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    await kiosk.use((await kiosk.cards(await kiosk.give(2)))[0])
    number = (await accounts.agent(stall.owner, kiosk.agent_id)).account_number
    for _ in range(2):  # told twice, by M-Pesa and by its list
        await stall.hand(number.lower(), 50_00, "UKK41H7QZD")
    assert await kiosk.owes() == 900 - 5000
    assert (await books())["mpesa_clearing"] == 5000
    # The platform has 50 of the merchant's, and 2 commission on the card.
    assert await ledger.owed(stall.merchant_id) == 5000 - 200
    assert await count("agent_moneys") == 1
    assert await count("suspense") == 0


async def test_a_batch_that_is_revoked_leaves_no_debt(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall, terms="limit", limit="45")
    given = await kiosk.give(5)
    with pytest.raises(OverLimit):
        await kiosk.give(1)
    await kiosk.use((await kiosk.cards(given))[0])
    await batches.take_back(stall.owner, kiosk.batch_id, all_live=False, why="lost in the post", now=stall.clock.now())
    shown = await accounts.agent(stall.owner, kiosk.agent_id)
    assert (shown.owes_cents, shown.cards, shown.in_hand_cents, shown.free_cents) == (900, 0, 0, 3600)


async def test_who_pays_in_advance_gets_cards_for_what_was_brought(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall, terms="advance")
    with pytest.raises(OverLimit):
        await kiosk.give(1)
    await brings(kiosk, "18")
    given = await kiosk.give(2)
    with pytest.raises(OverLimit):
        await kiosk.give(1)
    assert await kiosk.owes() == -1800
    for n, card in enumerate(await kiosk.cards(given)):
        await kiosk.use(card, f"02:11:22:33:44:7{n}")
    assert await kiosk.owes() == 0
    with pytest.raises(Conflict, match="do not owe"):
        await moneys.hand_out(
            stall.owner, kiosk.agent_id, amount="1", note_text="", form_key=None, now=stall.clock.now()
        )


async def test_a_slip_paid_by_mpesa_earns_the_agent_a_commission(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    voucher, reference = await stall.voucher()
    batch = await DB.value("SELECT batch_id FROM vouchers WHERE id = $1", voucher)
    await stock.allot(
        stall.owner, kiosk.agent_id, batch=str(batch), count="1", first=reference, form_key=None, now=stall.clock.now()
    )
    assert (await accounts.agent(stall.owner, kiosk.agent_id)).in_hand_cents == 0, (
        "its price is no money of the agent's"
    )
    await stall.hand(reference)
    assert await kiosk.owes() == -100
    assert (await books())["mpesa_clearing"] == 1000
    await moneys.hand_out(stall.owner, kiosk.agent_id, amount="1", note_text="", form_key="p", now=stall.clock.now())
    assert await kiosk.owes() == 0


async def test_the_commission_is_the_one_of_the_day_cards_were_given(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    given = await kiosk.give(1)
    draft = people.Draft(name="Mary", commission="10", terms="open", rates={stall.package_id: "50"})
    await people.rewrite(stall.owner, kiosk.agent_id, draft, now=stall.clock.now())
    later = await kiosk.give(1)
    await kiosk.use((await kiosk.cards(given))[0])
    assert await kiosk.owes() == 900
    await kiosk.use((await kiosk.cards(later))[0], "02:11:22:33:44:99")
    assert await kiosk.owes() == 900 + 500


async def test_an_agents_card_is_not_sold_into_a_drawer(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    card = (await kiosk.cards(await kiosk.give(1)))[0]
    await DB.fetch(
        "INSERT INTO floats (merchant_id, user_id, currency, float_cents, opened_at) VALUES ($1, $2, 'KES', 0, now())",
        stall.merchant_id, stall.owner.user_id,
    )  # fmt: skip
    with pytest.raises(Conflict, match="agent"):
        await voucher_sales.sell_for_cash(stall.owner, card, form_key="a", vault=stall.vault, now=stall.clock.now())
    assert await books() == {}


async def test_a_form_sent_twice_gives_and_takes_once(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    assert await kiosk.give(3, key="g") == await kiosk.give(3, key="g")
    assert await count("vouchers", "allotment_id IS NOT NULL") == 3
    assert await brings(kiosk, "10", key="m") == await brings(kiosk, "10", key="m")
    assert await kiosk.owes() == -1000
    with pytest.raises(Invalid) as wrong:
        await kiosk.give(8)
    assert "count" in wrong.value.fields
    with pytest.raises(Conflict):
        await people.close(stall.owner, kiosk.agent_id, now=stall.clock.now())


async def test_one_mpesa_code_is_one_payment(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    await brings(kiosk, "10", how="mpesa", receipt="skl4h7t2qx")
    with pytest.raises(Invalid) as wrong:
        await brings(kiosk, "10", how="mpesa", receipt="SKL4H7T2QX")
    assert "receipt" in wrong.value.fields
    assert await kiosk.owes() == -1000


async def test_only_the_owner_sets_an_account_right(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    manager = actor(stall.merchant_id, role=Role.MANAGER, user_id=stall.owner.user_id)
    for who, refusal in ((manager, Forbidden), (actor(stall.merchant_id, role=Role.CASHIER), Forbidden)):
        with pytest.raises(refusal):
            await moneys.set_right(
                who, kiosk.agent_id, amount="5", owes_more=True, why="lost cards", form_key=None, now=stall.clock.now()
            )
    await moneys.set_right(
        stall.owner, kiosk.agent_id, amount="5", owes_more=True, why="lost cards", form_key=None, now=stall.clock.now()
    )
    assert await books() == {"agents": 500, "agent_commission": -500}


async def test_an_agent_who_signs_in_sells_the_own_stock_into_the_own_account(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    await kiosk.give(2)
    mary, now = await kiosk.signed_in(), stall.clock.now()
    first = await counter.sell(mary, stall.package_id, form_key="a", vault=stall.vault, now=now)
    assert first == await counter.sell(mary, stall.package_id, form_key="a", vault=stall.vault, now=now)
    assert [each.left for each in await counter.stock_of(mary)] == [1]
    assert await kiosk.owes() == 900
    await people.pause(stall.owner, kiosk.agent_id, now=now)
    with pytest.raises(Conflict, match="paused"):
        await counter.sell(mary, stall.package_id, form_key="b", vault=stall.vault, now=now)
    await people.resume(stall.owner, kiosk.agent_id, now=now)
    await counter.sell(mary, stall.package_id, form_key="c", vault=stall.vault, now=now)
    with pytest.raises(Conflict, match="no card"):
        await counter.sell(mary, stall.package_id, form_key="d", vault=stall.vault, now=now)
    for strangers in (kiosk.agent_id + 1,):
        with pytest.raises(Forbidden):
            await accounts.agent(mary, strangers)


async def test_a_sale_given_back_earns_the_agent_nothing_unless_it_stands_after_all(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    await kiosk.give(2)
    mary, now = await kiosk.signed_in(), stall.clock.now()
    sold = await counter.sell(mary, stall.package_id, form_key="a", vault=stall.vault, now=now)
    wish = Wish(scope=Scope.WHOLE, road=Road.CASH, why="no internet")
    cashier = actor(
        stall.merchant_id,
        role=Role.CASHIER,
        user_id=await factories.user("c@example.com", stall.merchant_id, role="cashier"),
    )
    refund = await refunds.request(cashier, sold.payment_id, wish, now=now)
    assert await kiosk.owes() == 1000, "the agent has all of the customer's money"
    assert (await accounts.agent(stall.owner, kiosk.agent_id)).earned_cents == 0
    await refunds.drop(stall.owner, refund, now=now)
    assert await kiosk.owes() == 900
    told = await accounts.statement(stall.owner, kiosk.agent_id, "", now=now)
    assert [(line.how, line.cents) for line in told.lines] == [("agent_sale", 900), ("refund", 100), ("reversal", -100)]


async def test_another_merchants_agent_is_not_there(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall)
    given = await kiosk.give(1)
    rival, now = (await Stall.opened(stall.vault, stall.clock, account_id=stall.account_id)).owner, stall.clock.now()
    for deed in (
        accounts.agent(rival, kiosk.agent_id),
        people.pause(rival, kiosk.agent_id, now=now),
        stock.bring_back(rival, kiosk.agent_id, given, count="1", now=now),
        stock.lose(rival, kiosk.agent_id, given, why="stolen", now=now),
        moneys.take(rival, kiosk.agent_id, how="cash", amount="5", receipt="", note_text="", form_key=None, now=now),
    ):
        with pytest.raises(NotFound):
            await deed
    mine = await people.make(rival, people.Draft(name="M", terms="open"), form_key=None, now=now)
    with pytest.raises(Invalid) as wrong:
        await stock.allot(rival, mine, batch=str(kiosk.batch_id), count="1", first="", form_key=None, now=now)
    assert "batch" in wrong.value.fields


async def test_a_sale_and_a_gift_of_the_same_cards_do_not_wait_for_each_other(stall: Stall) -> None:
    kiosk = await Kiosk.opened(stall, cards=1)
    card = await DB.value("SELECT id FROM vouchers WHERE batch_id = $1", kiosk.batch_id)
    holder = await DB.connect()
    try:
        async with holder.transaction():  # a sale holds the card
            await holder.execute("SELECT FROM vouchers WHERE id = $1 FOR UPDATE", card)
            giving = asyncio.create_task(kiosk.give(1))
            async with asyncio.timeout(5):
                while not await holder.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                # What names the agent or the batch in a row of its own goes on; a lock here would be a deadlock.
                await holder.execute("SELECT FROM agents WHERE id = $1 FOR KEY SHARE", kiosk.agent_id)
                await holder.execute("SELECT FROM batches WHERE id = $1 FOR KEY SHARE", kiosk.batch_id)
        assert await giving
    finally:
        await holder.close()
