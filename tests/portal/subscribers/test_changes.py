"""What may change about a subscriber: router, PPPoE password, billing day; closing taken back, and the wallet's money given back."""

import pytest

from portal import ledger, refunds, searches
from portal.db import DB
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.identity import Role
from portal.ledger import Account
from portal.refunds import Rest
from portal.refunds.asking import OTHER_PHONE
from portal.subscribers import changing, deciding, dialins, looks, taking
from tests import factories
from tests.portal.payments.stall import actor
from tests.portal.subscribers.village import Village, access, bills, local, row, status, wallet


async def grants(subscriber_id: int) -> list[tuple[int, str]]:
    rows = await DB.fetch(
        """SELECT g.router_id, g.status FROM access_grants g JOIN subscribers s ON s.voucher_id = g.voucher_id
           WHERE s.id = $1 ORDER BY g.id""",
        subscriber_id,
    )
    return [tuple(each) for each in rows]


async def move(village: Village, who: int, router_id: int) -> None:
    await changing.change_router(village.owner, who, router_id, vault=village.vault, now=village.now)


async def test_a_hotspot_customer_moves_with_all_access(village: Village) -> None:
    other = await factories.router(village.vault, village.merchant_id, name="Branch", site="b" * 32)
    who = await village.moves_in()
    await village.pays(who, 1500)
    before = await row(who)
    await DB.fetch("DELETE FROM pgqueuer")
    await move(village, who, other.id)
    assert await grants(who) == [(village.router.id, "ending"), (other.id, "wanted")]
    after = await row(who)
    assert after["router_id"] == other.id
    assert after["access_until"] == before["access_until"]
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'reconcile-router'") == 2
    with pytest.raises(Conflict, match="already"):
        await move(village, who, other.id)
    await move(village, who, village.router.id)
    assert await grants(who) == [(village.router.id, "wanted"), (other.id, "ending")]


async def test_who_is_shut_out_moves_without_access_and_gets_it_there(village: Village) -> None:
    other = await factories.router(village.vault, village.merchant_id, name="Branch", site="b" * 32)
    who = await village.moves_in()
    await village.wait_until(local("2026-11-24", "00:01"))
    assert await status(who) == "suspended"
    await move(village, who, other.id)
    assert await grants(who) == [(village.router.id, "ending"), (other.id, "ending")]
    await village.pays(who, 2000)
    assert (await access(who))[0] == "in_use"
    assert await grants(who) == [(village.router.id, "ending"), (other.id, "wanted")]


async def test_a_pppoe_customer_moves_to_where_the_name_is_free_and_the_router_can_be_reached(village: Village) -> None:
    other = await factories.router(village.vault, village.merchant_id, name="Branch", site="b" * 32)
    pulls = await factories.router(village.vault, village.merchant_id, name="Far", site="c" * 32, way="pull")
    who = await village.moves_in(kind="pppoe", user_name="njeri")
    await village.moves_in(kind="pppoe", user_name="njeri", router=str(other.id), phone="")
    with pytest.raises(Invalid) as taken:
        await move(village, who, other.id)
    assert set(taken.value.fields) == {"router"}
    with pytest.raises(Conflict, match="asks us for its work"):
        await move(village, who, pulls.id)
    await changing.change_dialin(
        village.owner, who, user_name="njeri2", password="", vault=village.vault, now=village.now
    )
    await move(village, who, other.id)
    assert await dialins.on_router(village.router.id, vault=village.vault) == []
    names = [each.user_name for each in await dialins.on_router(other.id, vault=village.vault)]
    assert names == ["njeri2", "njeri"]
    rival = await Village.founded(village.vault, now=village.now)
    with pytest.raises(Invalid):
        await move(village, who, rival.router.id)
    with pytest.raises(NotFound):
        await move(rival, who, rival.router.id)


async def test_another_pppoe_password_is_told_once_and_goes_to_the_router(village: Village) -> None:
    who = await village.moves_in(kind="pppoe", user_name="njeri", password="abcdefgh12")
    await DB.fetch("DELETE FROM pgqueuer")
    fresh = await changing.change_dialin(
        village.owner, who, user_name="njeri", password="", vault=village.vault, now=village.now
    )
    [wish] = await dialins.on_router(village.router.id, vault=village.vault)
    assert wish.password == fresh != "abcdefgh12"
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'reconcile-router'") == 1
    event = await DB.row("SELECT name, data::text AS data FROM events WHERE name = 'dialin_changed'")
    assert event
    assert fresh not in event["data"]
    assert "njeri" not in event["data"], "a user name is a person's, as a number is"
    assert "nj•••" in event["data"]
    with pytest.raises(Invalid):
        await changing.change_dialin(
            village.owner, who, user_name="a b", password="x", vault=village.vault, now=village.now
        )


async def test_another_billing_day_costs_the_days_between(village: Village) -> None:
    who = await village.moves_in()  # 21 November; ten days until the first
    await village.pays(who, 500)
    told = await changing.prorate_day(village.owner, who, "15", now=village.now)
    # Of 500 for ten days one is used; from 22 November to 14 December are 23 of the 30 days from 15 to 15.
    assert (told.back_cents, told.new_cents, told.missing_cents) == (45_000, 115_000, 70_000)
    assert (await bills(who))[0][2:] == (50_000, "paid")  # it was only a look
    await changing.change_billing_day(village.owner, who, "15", now=village.now)
    assert [each[2:] for each in await bills(who)] == [(5_000, "paid"), (115_000, "due")]
    assert ((await row(who))["billing_day"], await status(who), await wallet(who)) == (15, "grace", 45_000)
    await village.pays(who, 700)
    await village.wait_until(local("2026-12-15", "00:06"))
    assert (await bills(who))[-1] == (local("2026-12-15").date(), local("2027-01-15").date(), 150_000, "due")
    with pytest.raises(Conflict):
        await changing.change_billing_day(village.owner, who, "15", now=village.now)
    with pytest.raises(Invalid):
        await changing.change_billing_day(village.owner, who, "32", now=village.now)


async def test_a_package_that_waits_goes_on_waiting_when_the_day_changes(village: Village) -> None:
    slow = await factories.package(village.merchant_id, name="Slow", price_cents=90_000, period="month")
    who = await village.moves_in()
    await village.pays(who, 3000)
    await deciding.change_package(village.owner, who, slow, at_once=False, now=village.now)
    await changing.change_billing_day(village.owner, who, "28", now=village.now)
    one = await row(who)
    assert (one["package_id"], one["next_package_id"], one["price_cents"]) == (village.package_id, slow, 150_000)


async def test_a_closed_one_comes_back_when_the_wallet_reaches_or_by_hand(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500)
    await deciding.close(village.owner, who, why="moved away", now=village.now)
    with pytest.raises(Conflict):
        await taking.take_cash(village.owner, who, "100", form_key="k" * 32, vault=village.vault, now=village.now)
    await changing.reopen(village.owner, who, now=village.now)
    # Nine of ten days came back, so the wallet buys them again from tomorrow on.
    assert (await status(who), await wallet(who), (await row(who))["closed_at"]) == ("active", 45_000, None)
    await village.wait_until(local("2026-11-22", "00:06"))
    assert (await status(who), await wallet(who)) == ("active", 0)
    await deciding.close(village.owner, who, why="moved away", now=village.now)
    await village.wait_until(local("2027-01-10"))
    await changing.reopen(village.owner, who, now=village.now)
    assert await status(who) == "suspended"
    await deciding.resume(village.owner, who, now=village.now)
    assert (await status(who), (await access(who))[0]) == ("grace", "in_use")
    with pytest.raises(Conflict, match="not closed"):
        await changing.reopen(village.owner, who, now=village.now)


async def test_a_name_given_to_somebody_else_does_not_come_back(village: Village) -> None:
    who = await village.moves_in(kind="pppoe", user_name="njeri")
    await deciding.close(village.owner, who, why="moved away", now=village.now)
    await village.moves_in(kind="pppoe", user_name="njeri", phone="")
    with pytest.raises(Conflict, match="user name"):
        await changing.reopen(village.owner, who, now=village.now)
    assert await status(who) == "closed"


async def test_a_wallets_rest_goes_back_once(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 900)  # 500 is billed
    await deciding.close(village.owner, who, why="moved away", now=village.now)
    rest = Rest(road="b2c", why="moved away")
    refund_id = await refunds.give_back(village.owner, who, rest, now=village.now)
    assert await wallet(who) == 0
    refund = await DB.row("SELECT amount_cents, status, scope, phone FROM refunds WHERE id = $1", refund_id)
    assert refund
    assert tuple(refund) == (85_000, "approved", "wallet", "254712345678")
    with pytest.raises(Conflict):
        await refunds.give_back(village.owner, who, rest, now=village.now)
    assert await DB.value("SELECT count(*) FROM transfers") == 1


async def test_above_the_limit_somebody_else_must_agree_also_when_it_came_in_parts(village: Village) -> None:
    who = await village.moves_in()
    for _ in range(3):
        await village.pays(who, 900)
    manager = await factories.user("mary@example.com", village.merchant_id)
    asks = actor(village.merchant_id, role=Role.MANAGER, user_id=manager)
    with pytest.raises(Forbidden):
        await refunds.give_back(
            actor(village.merchant_id, role=Role.VIEWER, user_id=manager), who, Rest(road="cash", why="moved away"),
            now=village.now,
        )  # fmt: skip
    with pytest.raises(Invalid) as foreign:
        await refunds.give_back(asks, who, Rest(road="b2c", why="moved", phone="0799999999"), now=village.now)
    assert foreign.value.fields == {"refund_phone": OTHER_PHONE}
    refund_id = await refunds.give_back(asks, who, Rest(road="cash", why="moved away"), now=village.now)
    assert await DB.value("SELECT (amount_cents, status)::text FROM refunds") == "(220000,wanted)"
    with pytest.raises(Forbidden):
        await refunds.approve(asks, refund_id, now=village.now)
    await refunds.approve(village.owner, refund_id, now=village.now)
    await refunds.given(village.owner, refund_id, note_text="to Mama Njeri", now=village.now)
    assert await ledger.balance(village.merchant_id, Account.CASH) == -220_000
    assert await ledger.balance(village.merchant_id, Account.REFUNDS) == 0


async def test_a_dropped_one_is_in_the_wallet_again(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 2900)
    refund_id = await refunds.give_back(village.owner, who, Rest(road="cash", why="by mistake"), now=village.now)
    await refunds.drop(village.owner, refund_id, now=village.now)
    assert await wallet(who) == 240_000
    assert await refunds.give_back(village.owner, who, Rest(road="cash", why="moved away"), now=village.now)


async def test_our_account_does_not_pay_out_notes_that_lie_in_the_shops_drawer(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 510)
    await taking.take_cash(village.owner, who, "3000", form_key="k" * 32, vault=village.vault, now=village.now)
    assert await wallet(who) == 301_000
    with pytest.raises(Conflict, match="cash"):
        await refunds.give_back(village.owner, who, Rest(road="b2c", why="moved away"), now=village.now)
    assert await wallet(who) == 301_000


async def test_the_box_of_sales_finds_an_account_number_as_people_type_it(village: Village) -> None:
    who = await village.moves_in()
    await village.pays(who, 500)
    one = await looks.one(village.owner, who, now=village.now)
    number = one.line.account_number
    for typed in (number, f" {number[:4].lower()} {number[4:].lower()}"):
        hits = await searches.find(village.owner, typed, vault=village.vault)
        assert [each[0] for each in hits.subscribers] == [who]
        assert len(hits.payment_ids) == 1
    rival = await Village.founded(village.vault, now=village.now)
    assert (await searches.find(rival.owner, number, vault=village.vault)).is_nothing
