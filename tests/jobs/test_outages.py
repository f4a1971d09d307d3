"""Time a router was away is given back: exactly, once, by the merchant's choice, and the router hears of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import outages as job
from portal import outages, vouchers
from portal.db import DB
from portal.errors import Forbidden, NotFound
from portal.identity import Actor, Role
from tests import factories
from tests.jobs.room import Guest, Room

START = datetime(2026, 3, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(days=-2), timedelta(days=2)).map(lambda by: START + by)


def actor(merchant_id: int, role: Role = Role.OWNER) -> Actor:
    return Actor(user_id=7, merchant_id=merchant_id, role=role, is_operator=False, name="Amina W.", email="a@x.test")


async def ends_at(guest: Guest) -> datetime:
    return await DB.value("SELECT expires_at FROM vouchers WHERE id = $1", guest.voucher_id)


async def given_back(guest: Guest) -> list[int]:
    rows = await DB.fetch(
        """SELECT (data ->> 'seconds')::int AS seconds FROM events
           WHERE entity = 'vouchers' AND entity_id = $1 AND name = 'time_given_back' ORDER BY id""",
        guest.voucher_id,
    )
    return [row["seconds"] for row in rows]


async def lose(room: Room) -> None:
    """The router stops answering, and we find out."""
    await room.board.set_online(False)
    room.shift(seconds=30)
    assert not await room.sync()
    assert await DB.value("SELECT status FROM routers") == "offline"


async def find(room: Room) -> None:
    """It is back, and we find out."""
    await room.board.set_online(True)
    assert await room.sync()


def near(seconds: float) -> object:
    return pytest.approx(seconds, abs=5)


async def test_running_vouchers_get_back_exactly_what_they_lost(room: Room) -> None:
    guest = await room.guest(duration_s=7200)
    assert await room.sync()
    before = await ends_at(guest)
    await lose(room)
    for _ in range(3):
        room.shift(minutes=10)
        await job.credit(room.doors)
    await find(room)
    await job.credit(room.doors)
    lost = (await ends_at(guest) - before).total_seconds()
    assert lost == near(1830)
    assert await given_back(guest) == [lost]
    (outage,) = await outages.of_router(actor(room.merchant_id), room.router.id)
    assert outage.ended_at
    assert (outage.ended_at - outage.began_at).total_seconds() == pytest.approx(lost, abs=1)
    assert outage.credited_vouchers == 1


async def test_looking_again_gives_nothing_twice(room: Room) -> None:
    guest = await room.guest()
    assert await room.sync()
    await lose(room)
    room.shift(minutes=10)
    await find(room)
    await job.credit(room.doors)
    once, told = await ends_at(guest), await given_back(guest)
    for _ in range(3):
        await job.credit(room.doors)
        await outages.give_back(1, now=room.clock.now(), by="user:7")
    assert await ends_at(guest) == once
    assert await given_back(guest) == told
    assert len(told) == 1


async def test_nobody_expires_while_the_router_is_away(room: Room) -> None:
    guest = await room.guest(duration_s=600)
    assert await room.sync()
    room.shift(seconds=400)
    assert await room.sync()
    await lose(room)
    for _ in range(30):
        room.shift(seconds=60)
        await vouchers.expire([guest.voucher_id], now=room.clock.now(), actor="job:expire-vouchers")
        await job.credit(room.doors)
    assert await room.voucher(guest) == ("in_use", None)
    await find(room)
    await job.credit(room.doors)
    left = (await ends_at(guest) - room.clock.now()).total_seconds()
    assert left == near(200), "what was left when the router was lost"


async def test_a_late_look_lets_nobody_expire(room: Room) -> None:
    guest = await room.guest(duration_s=600)
    room.shift(seconds=500)
    assert await room.sync()
    await lose(room)
    room.shift(seconds=60)
    await job.credit(room.doors)
    room.shift(seconds=140)
    await vouchers.expire([guest.voucher_id], now=room.clock.now(), actor="job:expire-vouchers")
    assert await room.voucher(guest) == ("in_use", None)


async def test_a_second_outage_is_measured_like_the_first(room: Room) -> None:
    guest = await room.guest()
    assert await room.sync()
    for _ in range(2):
        await lose(room)
        room.shift(minutes=5)
        await find(room)
        room.shift(minutes=1)
        await job.credit(room.doors)
        assert await room.sync()
    assert await given_back(guest) == [near(330), near(330)]


async def test_the_router_holds_the_new_end_after_the_next_pass(room: Room) -> None:
    guest = await room.guest(duration_s=3600)
    assert await room.sync()
    await lose(room)
    room.shift(minutes=20)
    await find(room)
    await job.credit(room.doors)
    assert await room.sync()
    session = room.board.hotspot.session(guest.ip)
    assert session
    assert session.user_row
    used = session.uptime(room.board.clock.now())
    (limit,) = [row.get("limit-uptime") for row in room.board.hotspot.users.rows.values() if row is session.user_row]
    assert limit.startswith("1h20m"), limit
    assert used == near(1230)


async def test_a_blip_is_no_outage(room: Room) -> None:
    guest = await room.guest()
    assert await room.sync()
    before = await ends_at(guest)
    await lose(room)
    room.shift(seconds=10)
    await find(room)
    await job.credit(room.doors)
    assert await ends_at(guest) == before
    assert await outages.of_router(actor(room.merchant_id), room.router.id) == []


async def test_a_voucher_bought_during_the_outage_gets_only_its_own_share(room: Room) -> None:
    guest = await room.guest()
    assert await room.sync()
    await lose(room)
    room.shift(minutes=30)
    began = room.clock.now() - timedelta(minutes=5)
    await DB.fetch("UPDATE vouchers SET started_at = $1", began)
    await find(room)
    await job.credit(room.doors)
    assert await given_back(guest) == [near(300)]


async def test_who_is_not_running_gets_nothing(room: Room) -> None:
    guest, waiting = await room.guest(), await room.guest()
    await DB.fetch(
        "UPDATE vouchers SET status = 'paid', started_at = NULL, expires_at = $2 WHERE id = $1",
        waiting.voucher_id,
        room.clock.now() + timedelta(days=7),
    )
    before = await ends_at(waiting)
    assert await room.sync()
    await lose(room)
    room.shift(minutes=30)
    await find(room)
    await job.credit(room.doors)
    assert len(await given_back(guest)) == 1
    assert await ends_at(waiting) == before, "its clock has not begun"


async def test_an_owner_who_wants_to_be_asked_gives_back_by_one_click(room: Room) -> None:
    await DB.fetch("UPDATE merchants SET outage_credit = 'ask'")
    guest = await room.guest()
    assert await room.sync()
    before = await ends_at(guest)
    await lose(room)
    room.shift(minutes=30)
    await job.credit(room.doors)
    await find(room)
    await job.credit(room.doors)
    assert await ends_at(guest) == before
    (outage,) = await outages.of_router(actor(room.merchant_id), room.router.id)
    with pytest.raises(Forbidden):
        await outages.credit(actor(room.merchant_id, Role.CASHIER), outage.id, now=room.clock.now())
    stranger = await factories.merchant("Somebody else")
    with pytest.raises(NotFound):
        await outages.credit(actor(stranger), outage.id, now=room.clock.now())
    assert await outages.of_router(actor(stranger), room.router.id) == []
    for _ in range(2):
        assert await outages.credit(actor(room.merchant_id), outage.id, now=room.clock.now()) == 1
    assert (await ends_at(guest) - before).total_seconds() == near(1830)
    assert len(await given_back(guest)) == 1


async def test_a_merchant_who_never_gives_back_gives_nothing(room: Room) -> None:
    await DB.fetch("UPDATE merchants SET outage_credit = 'never'")
    guest = await room.guest()
    assert await room.sync()
    before = await ends_at(guest)
    await lose(room)
    room.shift(minutes=30)
    await find(room)
    await job.credit(room.doors)
    assert await ends_at(guest) == before


async def test_an_outage_nobody_looked_at_while_it_lasted_is_measured_all_the_same(room: Room) -> None:
    guest = await room.guest()
    assert await room.sync()
    await lose(room)
    room.shift(hours=3)
    await find(room)
    room.shift(hours=2)
    await job.credit(room.doors)
    assert await given_back(guest) == [near(3 * 3600 + 30)]


async def test_a_clock_set_back_takes_nothing_away(room: Room) -> None:
    guest = await room.guest()
    assert await room.sync()
    before = await ends_at(guest)
    await lose(room)
    room.shift(minutes=10)
    await job.credit(room.doors)
    room.clock.shift(timedelta(hours=-1))
    await job.credit(room.doors)
    await DB.fetch("UPDATE routers SET next_try_at = NULL")
    await find(room)
    await job.credit(room.doors)
    assert await ends_at(guest) >= before


@given(moments, moments, moments, st.lists(moments, max_size=10))
def test_what_is_given_in_steps_is_what_was_lost(
    began: datetime, ended: datetime, started: datetime, looks: list[datetime]
) -> None:
    end = START
    given = 0
    for until in [*(look + outages.AHEAD for look in looks), ended]:
        lost = outages.lost_s(began, until, started_at=started)
        end += timedelta(seconds=lost - given)
        given = lost
    assert end - START == timedelta(seconds=outages.lost_s(began, ended, started_at=started))
    assert timedelta(0) <= end - START <= max(timedelta(0), ended - began)
