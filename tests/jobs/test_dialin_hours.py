"""What PPPoE customers used is in the sums by the hour, in the hours it was used in, however long their sessions last."""

from datetime import timedelta

import pytest

from portal.db import DB
from portal.reports import hours
from tests.jobs.dialing import serve_pppoe, subscriber
from tests.jobs.room import Room

MAC = "02:00:00:00:00:09"


@pytest.fixture(autouse=True)
async def online(room: Room) -> None:
    serve_pppoe(room)
    await subscriber(room)
    await room.sync()
    at = room.clock.now()  # the beginning of an hour of the merchant's
    room.shift(seconds=(at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1) - at).total_seconds())
    room.board.ppp.dial("amina", "p1", MAC)


async def look_each_quarter(room: Room, quarters: int, *, down: int) -> None:
    for _ in range(quarters):
        room.board.ppp.count_traffic("amina", 0, down)
        room.shift(minutes=15)
        await room.sync()


async def by_hour(room: Room) -> list[tuple[int, int, int]]:
    """(sessions, minutes, kilobytes down) of each hour, counted twice over."""
    await hours.count(room.merchant_id, now=room.clock.now())
    again = await hours.count(room.merchant_id, now=room.clock.now())
    assert again == 0, "counted as before"
    rows = await DB.fetch("SELECT sessions, uptime_s, bytes_down FROM usage_hours ORDER BY hour_at")
    return [(row["sessions"], round(row["uptime_s"] / 60), round(row["bytes_down"] / 1000)) for row in rows]


async def test_each_hour_has_what_was_used_in_it_and_the_session_counts_once(room: Room) -> None:
    for down in (100_000, 9_000_000, 0):
        await look_each_quarter(room, 4, down=down)
    found = [hour for hour in await by_hour(room) if hour[1]]
    assert [hour[0] for hour in found] == [1, 0, 0]
    assert [hour[1] for hour in found] == [60, 60, 60]
    assert [hour[2] for hour in found] == pytest.approx([400, 36_000, 0], rel=0.03, abs=300)
    total = await DB.value("SELECT sum(bytes_down) FROM usage_hours")
    assert total == await DB.value("SELECT bytes_down FROM dialins"), "nothing is lost between the hours"


async def test_what_was_used_while_the_router_was_not_reached_is_spread_over_that_time(room: Room) -> None:
    await look_each_quarter(room, 4, down=0)
    room.board.ppp.count_traffic("amina", 0, 4_000_000)
    room.shift(hours=4)
    await room.sync()
    found = await by_hour(room)
    assert [hour[2] for hour in found if hour[1]] == pytest.approx([0, 1000, 1000, 1000, 1000], abs=30)


async def test_a_new_session_is_another_and_one_that_is_over_uses_nothing(room: Room) -> None:
    await look_each_quarter(room, 4, down=1000)
    room.board.ppp.end(room.board.ppp.of("amina")[0], "reset")
    await room.sync()
    assert await DB.value("SELECT count(*) FROM dialin_spans WHERE ended_at IS NULL") == 0
    room.shift(minutes=30)
    room.board.ppp.dial("amina", "p1", MAC)
    await look_each_quarter(room, 2, down=1000)
    found = await by_hour(room)
    assert (sum(hour[0] for hour in found), sum(hour[1] for hour in found)) == (2, 90)
