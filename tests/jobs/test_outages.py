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


async def nearly_over(room: Room) -> Guest:
    """A guest who has 20 seconds left when the router is heard of for the last time."""
    guest = await room.guest(duration_s=600)
    room.shift(seconds=580)
    assert await room.sync()
    return guest


async def run_out(room: Room) -> None:
    """Everybody whose time is over ends, whether the router hears of it or not."""
    while ids := await vouchers.due(now=room.clock.now()):
        await vouchers.expire(ids, now=room.clock.now(), actor="job:expire-vouchers")


async def test_who_runs_out_before_the_outage_is_known_gets_the_rest(room: Room) -> None:
    guest = await nearly_over(room)
    await lose(room)
    await run_out(room)
    assert await room.voucher(guest) == ("expired", "usage")
    room.shift(seconds=40)
    for _ in range(5):
        await job.credit(room.doors)
        assert await room.voucher(guest) == ("in_use", None)
        room.shift(seconds=60)
        await run_out(room)
    await find(room)
    await job.credit(room.doors)
    assert (await ends_at(guest) - room.clock.now()).total_seconds() == near(20)
    assert len(await given_back(guest)) == 1
    assert await room.sync()
    await room.log_in_again(guest)
    assert room.board.hotspot.session(guest.ip), "its user is on the router again"
    room.shift(seconds=30)
    await run_out(room)
    assert await room.sync()
    assert not room.board.hotspot.session(guest.ip)
    assert await room.voucher(guest) == ("expired", "usage")


async def test_who_ran_out_in_an_outage_nobody_looked_at_gets_the_rest_afterwards(room: Room) -> None:
    guest = await nearly_over(room)
    await lose(room)
    await run_out(room)
    room.shift(hours=3)
    await find(room)
    status = "SELECT status FROM access_grants WHERE voucher_id = $1"
    assert await DB.value(status, guest.voucher_id) == "gone"
    room.shift(minutes=7)
    for _ in range(3):
        await job.credit(room.doors)
    assert await room.voucher(guest) == ("in_use", None)
    assert (await ends_at(guest) - room.clock.now()).total_seconds() == near(20)
    assert await given_back(guest) == [near(20)]
    assert await DB.value(status, guest.voucher_id) == "wanted"
    assert await room.sync()
    assert await DB.value(status, guest.voucher_id) == "present"
    await room.log_in_again(guest)
    assert room.board.hotspot.session(guest.ip)


async def test_an_owner_who_is_asked_gives_the_rest_back_too(room: Room) -> None:
    await DB.fetch("UPDATE merchants SET outage_credit = 'ask'")
    guest = await nearly_over(room)
    await lose(room)
    room.shift(hours=1)
    await run_out(room)
    await find(room)
    await job.credit(room.doors)
    assert await room.voucher(guest) == ("expired", "usage")
    (outage,) = await outages.of_router(actor(room.merchant_id), room.router.id)
    room.shift(hours=20)
    assert await outages.foretell(outage.id, merchant_id=room.merchant_id) == (1, near(20))
    for _ in range(2):
        assert await outages.credit(actor(room.merchant_id), outage.id, now=room.clock.now()) == 1
    assert (await ends_at(guest) - room.clock.now()).total_seconds() == near(20)


async def test_who_ended_for_another_reason_or_before_stays_ended(room: Room) -> None:
    early, taken, spent = [await room.guest(duration_s=600) for _ in range(3)]
    await DB.fetch("UPDATE vouchers SET expires_at = $2 WHERE id = $1", early.voucher_id, room.clock.now())
    await run_out(room)
    room.shift(seconds=10)
    assert await room.sync()
    await lose(room)
    for guest, status, why in ((taken, "revoked", "revoked"), (spent, "expired", "data")):
        await DB.fetch(
            "UPDATE vouchers SET status = $2, ended_why = $3, ended_at = $4 WHERE id = $1",
            guest.voucher_id,
            status,
            why,
            room.clock.now(),
        )
    room.shift(minutes=30)
    await job.credit(room.doors)
    await find(room)
    await job.credit(room.doors)
    assert await room.voucher(early) == ("expired", "usage")
    assert await room.voucher(taken) == ("revoked", "revoked")
    assert await room.voucher(spent) == ("expired", "data")
    assert [await given_back(guest) for guest in (early, taken, spent)] == [[], [], []]


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
