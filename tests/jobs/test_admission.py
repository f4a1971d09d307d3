"""Devices that wait before one router are let in together; what is in one's way is in nobody else's."""

import logging

import pytest

from jobs import routers
from jobs.routers import ADMITTED_AT_ONCE
from portal.db import DB, atomic
from tests.jobs.room import Room

WAITING = ADMITTED_AT_ONCE + 5


async def statuses(room: Room) -> dict[str, int]:
    rows = await DB.fetch(
        "SELECT status, count(*) AS many FROM access_grants WHERE router_id = $1 GROUP BY 1", room.router.id
    )
    return {row["status"]: row["many"] for row in rows}


async def make_due(room: Room) -> None:
    async with atomic() as tx:
        await tx.execute("UPDATE access_grants SET next_try_at = $1 WHERE next_try_at IS NOT NULL", room.clock.now())


def flights(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Every flight to the router, as the link tells them."""
    return [each.getMessage() for each in caplog.records if each.name == "routeros.client.link"]


async def test_many_waiting_devices_share_flights(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    await room.guest()
    waiting = [await room.buyer() for _ in range(WAITING)]
    with caplog.at_level(logging.DEBUG, "routeros.client.link"):
        assert await routers.reconcile(room.router.id, room.doors) == WAITING
    assert all(room.board.hotspot.session(each.ip) for each in waiting)
    assert len(flights(caplog)) == 4, "users and logins, in two parts"
    assert await statuses(room) == {"present": WAITING + 1}


async def test_a_missing_profile_costs_two_flights_more(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    waiting = [await room.buyer() for _ in range(3)]
    with caplog.at_level(logging.DEBUG, "routeros.client.link"):
        assert await routers.reconcile(room.router.id, room.doors) == 3
    assert all(room.board.hotspot.session(each.ip) for each in waiting)
    assert len(flights(caplog)) == 4, "users, profile, users again, logins"


async def test_a_device_that_left_holds_up_nobody(room: Room) -> None:
    there, gone, also_there = [await room.buyer() for _ in range(3)]
    host = room.board.hotspot.host(gone.ip)
    assert host
    room.board.hotspot.host_table.remove(host)
    assert await routers.reconcile(room.router.id, room.doors) == 2
    assert room.board.hotspot.session(there.ip)
    assert room.board.hotspot.session(also_there.ip)
    row = await DB.row("SELECT * FROM access_grants WHERE voucher_id = $1", gone.voucher_id)
    assert row
    assert "unknown host" in row["last_error"]
    assert row["next_try_at"] > room.clock.now()
    assert await room.voucher(gone) == ("paid", None)
    assert await room.voucher(there) == ("in_use", None)


async def test_a_name_that_is_somebody_elses_is_refused_alone(room: Room) -> None:
    await room.guest()
    one, other = [await room.buyer() for _ in range(2)]
    name = await DB.value("SELECT user_name FROM access_grants WHERE voucher_id = $1", one.voucher_id)
    room.board.hotspot.users.add({"name": name, "password": "x", "comment": "mine"})
    assert await routers.reconcile(room.router.id, room.doors) == 1
    assert room.board.hotspot.session(other.ip)
    assert not room.board.hotspot.session(one.ip)
    assert [row.get("comment") for row in room.board.hotspot.users if row.get("name") == name] == ["mine"]


@pytest.mark.parametrize("commands", [1, 4, 6, 9, 13])
async def test_a_line_lost_midway_leaves_the_rest_for_the_next_visit(room: Room, commands: int) -> None:
    await room.guest()
    waiting = [await room.buyer() for _ in range(8)]
    await room.doors.routers.close()
    room.board.faults.drop_after_commands = commands
    await routers.reconcile(room.router.id, room.doors)
    room.board.faults.drop_after_commands = None
    await make_due(room)
    async with atomic() as tx:
        await tx.execute("UPDATE routers SET next_try_at = NULL")
    await routers.reconcile(room.router.id, room.doors)
    assert [
        row["last_error"] for row in await DB.fetch("SELECT last_error FROM access_grants WHERE last_error IS NOT NULL")
    ] == []
    assert all(room.board.hotspot.session(each.ip) for each in waiting)
    names = [row.get("name") for row in room.board.hotspot.users if row.get("name").startswith("vocha-")]
    assert len(names) == len(set(names)) == 9
    assert await statuses(room) == {"present": 9}
    assert await DB.value("SELECT count(*) FROM vouchers WHERE status = 'in_use'") == 9
