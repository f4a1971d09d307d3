"""Everybody is off on time, by three layers; each is tried here with the others out of work.

We cut; the router's own limit-uptime cuts when we are away; every sync brings that limit up to date. And whatever date the
router believes in, all of them work.
"""

from datetime import UTC, datetime

import pytest

from jobs import routers
from jobs import vouchers as expiry
from portal.db import DB
from routeros.simulator.refusals import LoginRefused
from routeros.simulator.tables import Row
from tests.jobs.room import Guest, Room

HOUR = 3600
#: What the router takes for today: none (as it is), before its first contact with a time server, far ahead.
DATES = [None, datetime(1970, 1, 2, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)]

whatever_the_date = pytest.mark.parametrize("date", DATES, ids=["today", "1970", "2040"])


def believe(room: Room, date: datetime | None) -> None:
    if date is not None:
        room.board.wall.set(date)


def row_of(room: Room, name: str) -> Row | None:
    return next(iter(room.board.hotspot.users.named(name)), None)


def cookies(room: Room) -> set[str]:
    return {each.user for each in room.board.hotspot.cookies.cookies.values()}


async def name_of(guest: Guest) -> str:
    return await DB.value("SELECT user_name FROM access_grants WHERE voucher_id = $1", guest.voucher_id)


def pass_at_the_router(room: Room, seconds: float) -> None:
    """Time passes, and none of us does anything."""
    room.board.clock.advance(seconds)
    room.board.tick()


@whatever_the_date
async def test_we_cut_who_is_over_on_a_router_that_never_would(room: Room, date: datetime | None) -> None:
    believe(room, date)
    guest = await room.guest(duration_s=HOUR)
    name = await name_of(guest)
    row = row_of(room, name)
    assert row
    assert row.get("limit-uptime"), "the router has a limit of its own, which is taken away now"
    room.board.hotspot.users.change(row, {"limit-uptime": "0s"})
    await room.log_in_again(guest)
    room.shift(seconds=HOUR - 10)
    await expiry.expire_if_due(room.doors)
    await routers.reconcile(room.router.id, room.doors)
    assert room.board.hotspot.session(guest.ip), "not over yet"
    room.shift(seconds=20)
    assert room.board.hotspot.session(guest.ip), "the router does nothing by itself"
    assert name in cookies(room)
    await expiry.expire_if_due(room.doors)
    assert await routers.reconcile(room.router.id, room.doors) == 1
    assert not room.board.hotspot.session(guest.ip)
    assert row_of(room, name) is None
    assert name not in cookies(room)
    assert await room.voucher(guest) == ("expired", "usage")


@whatever_the_date
async def test_the_router_cuts_on_time_while_we_are_away(room: Room, date: datetime | None) -> None:
    believe(room, date)
    guest = await room.guest(duration_s=HOUR)
    await room.board.set_online(False)
    pass_at_the_router(room, HOUR - 30)
    assert room.board.hotspot.session(guest.ip)
    pass_at_the_router(room, 31)
    assert not room.board.hotspot.session(guest.ip)
    with pytest.raises(LoginRefused) as refused:
        await room.log_in_again(guest)
    assert refused.value.key == "uptime-limit"


@whatever_the_date
async def test_every_sync_brings_the_routers_limit_up_to_date(room: Room, date: datetime | None) -> None:
    """Who was away for two of four hours has used two by the router's count, and by ours all of them."""
    believe(room, date)
    guest = await room.guest(duration_s=4 * HOUR)
    room.shift(seconds=HOUR)
    room.board.hotspot.logout(guest.ip)
    room.shift(seconds=2 * HOUR)
    assert await room.sync()
    await room.board.set_online(False)
    await room.log_in_again(guest)
    pass_at_the_router(room, HOUR - 30)
    assert room.board.hotspot.session(guest.ip)
    pass_at_the_router(room, 40)
    assert not room.board.hotspot.session(guest.ip), "without the sync, two hours more"


@whatever_the_date
async def test_time_given_back_reaches_the_routers_limit_too(room: Room, date: datetime | None) -> None:
    """A session keeps the end it began with (whether an edit reaches it is not known); its device logs in for the rest."""
    believe(room, date)
    guest = await room.guest(duration_s=HOUR)
    await DB.fetch("UPDATE vouchers SET expires_at = expires_at + interval '10 minutes'")
    assert await room.sync()
    await room.board.set_online(False)
    pass_at_the_router(room, HOUR)
    await room.log_in_again(guest)
    pass_at_the_router(room, 570)
    assert room.board.hotspot.session(guest.ip)
    pass_at_the_router(room, 40)
    assert not room.board.hotspot.session(guest.ip)
