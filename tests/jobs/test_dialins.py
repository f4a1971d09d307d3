"""PPPoE customers on their router by way of the jobs: in at once, off at once, gone when closed, their use counted."""

from datetime import datetime, timedelta

import msgspec
import pytest

from jobs import routers
from portal import dialins
from portal.access_grants import wake_router
from portal.db import DB, atomic
from portal.errors import Conflict
from portal.logs import clean
from portal.terms import Terms
from routeros.simulator.ppp.clients import PppoeClient
from routeros.simulator.ppp.sessions import DialRefused
from tests import factories
from tests.jobs.dialing import change, change_password, serve_pppoe, subscriber
from tests.jobs.room import Room

MAC = "02:00:00:00:00:09"


@pytest.fixture(autouse=True)
def server(room: Room) -> None:
    serve_pppoe(room)


async def _reconcile(room: Room) -> int:
    return await routers.reconcile(room.router.id, room.doors)


async def _row(subscriber_id: int) -> dict[str, object]:
    row = await DB.row("SELECT * FROM dialins WHERE subscriber_id = $1", subscriber_id)
    assert row
    return dict(row)


async def test_a_new_customer_can_dial_in_at_once_and_the_router_is_asked_only_when_something_changed(
    room: Room,
) -> None:
    someone = await subscriber(room)
    assert await _reconcile(room) == 2  # the profile and the secret
    assert room.board.ppp.dial("amina", "p1", MAC).address == "10.9.0.2"
    assert (await _row(someone))["carried_at"] is not None
    async with atomic() as tx:
        await wake_router(tx, room.router.id)
    before = room.board.meter.commands
    assert await _reconcile(room) == 0
    assert room.board.meter.commands == before


async def test_a_suspended_customer_is_cut_and_comes_back_when_resumed(room: Room) -> None:
    someone = await subscriber(room)
    await _reconcile(room)
    room.board.ppp.clients[MAC] = PppoeClient(MAC, "amina", "p1")
    room.shift(seconds=1)
    assert room.board.ppp.of("amina")
    await change(room, someone, status="suspended")
    await _reconcile(room)
    room.shift(minutes=5)
    assert room.board.ppp.of("amina") == []
    await change(room, someone, status="active")
    await _reconcile(room)
    room.shift(seconds=6)
    assert room.board.ppp.of("amina")


async def test_a_router_that_was_away_hears_of_a_suspension_when_it_is_back(room: Room) -> None:
    someone = await subscriber(room)
    await _reconcile(room)
    room.board.ppp.dial("amina", "p1", MAC)
    await room.board.set_online(False)
    await change(room, someone, status="suspended")
    await _reconcile(room)
    assert await room.sync() is False
    await room.board.set_online(True)
    assert await room.sync()
    assert room.board.ppp.of("amina") == []
    assert not await dialins.is_any_waiting(room.router.id)


async def test_another_password_and_another_speed_count_at_once(room: Room) -> None:
    someone = await subscriber(room)
    await _reconcile(room)
    room.board.ppp.dial("amina", "p1", MAC)
    await change_password(room, someone, "p2")
    await _reconcile(room)
    with pytest.raises(DialRefused):
        room.board.ppp.dial("amina", "p1", MAC)
    room.board.ppp.dial("amina", "p2", MAC)
    faster = Terms(name="Home", duration_s=1, rate_down_kbps=9000, rate_up_kbps=2000)
    await change(room, someone, terms=msgspec.json.encode(faster).decode())
    await _reconcile(room)
    room.board.ppp.dial("amina", "p2", MAC)
    assert [row.get("max-limit") for row in room.board.tables["/queue/simple"]] == ["2000000/9000000"]


async def test_a_closed_customer_leaves_nothing_and_one_who_moved_leaves_the_old_router(room: Room) -> None:
    closed, moved = await subscriber(room), await subscriber(room, "brian")
    await _reconcile(room)
    for name, mac in (("amina", MAC), ("brian", "02:00:00:00:00:0A")):
        room.board.ppp.dial(name, "p1", mac)
    await change(room, closed, status="closed", closed_at=room.clock.now())
    elsewhere = await factories.router(room.vault, room.merchant_id, api_port=1)
    await change(room, moved, router_id=elsewhere.id)
    await _reconcile(room)
    assert (list(room.board.tables["/ppp/secret"]), room.board.ppp.sessions) == ([], {})
    assert not await dialins.is_any_waiting(room.router.id)


async def test_a_pass_mends_what_somebody_changed_on_the_router_and_keeps_other_secrets(room: Room) -> None:
    await subscriber(room)
    await _reconcile(room)
    secrets = room.board.tables["/ppp/secret"]
    secrets.add({"name": "office", "password": "theirs"})
    secrets.change(secrets.named("amina")[0], {"password": "hacked", "profile": "default"})
    assert await room.sync()
    room.board.ppp.dial("amina", "p1", MAC)
    room.board.ppp.dial("office", "theirs", "02:00:00:00:00:0A")
    secrets.remove(secrets.named("amina")[0])
    assert await room.sync()
    assert [row.get("name") for row in secrets] == ["office", "amina"]


async def test_a_name_that_is_taken_on_the_router_is_told_and_tried_again(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = room.board.tables["/ppp/secret"]
    theirs = secrets.add({"name": "amina", "password": "theirs"})
    someone = await subscriber(room)
    assert await room.sync()
    assert "has this name" in str((await _row(someone))["error"])
    told = [each for each in caplog.records if each.getMessage() == "router refused a PPPoE customer"]
    assert told
    assert "amina" not in str([clean(None, "warning", vars(each)) for each in told]), "a user name is a person's"
    secrets.remove(theirs)
    assert await room.sync()
    assert (await _row(someone))["error"] == ""
    room.board.ppp.dial("amina", "p1", MAC)


async def test_bytes_and_time_online_are_counted_over_sessions(room: Room) -> None:
    someone = await subscriber(room)
    await _reconcile(room)
    room.board.ppp.dial("amina", "p1", MAC)
    for _ in range(3):
        room.board.ppp.count_traffic("amina", 100, 9000)
        room.shift(minutes=1)
        await room.sync()
    row = await _row(someone)
    assert (row["bytes_up"], row["bytes_down"], row["mac"], row["address"]) == (300, 27_000, MAC, "10.9.0.2")
    assert isinstance(row["online_since"], datetime)
    assert abs(row["online_since"] - room.clock.now() + timedelta(minutes=3)) < timedelta(seconds=30)
    room.board.ppp.end(room.board.ppp.of("amina")[0], "reset")
    room.board.ppp.dial("amina", "p1", MAC)
    room.board.ppp.count_traffic("amina", 1, 2)
    room.shift(minutes=1)
    await room.sync()
    view = await dialins.of_subscriber(someone, merchant_id=room.merchant_id)
    assert view
    assert (view.bytes_up, view.bytes_down) == (301, 27_002)
    room.board.ppp.shut_down()
    await room.sync()
    assert (await _row(someone))["online_since"] is None
    assert await dialins.of_subscriber(someone, merchant_id=room.merchant_id + 1) is None


async def test_a_router_without_pppoe_customers_is_never_asked_about_them(room: Room) -> None:
    await room.guest()
    before = room.board.meter.commands
    assert await room.sync()
    commands = room.board.meter.commands - before
    await subscriber(room)
    await _reconcile(room)
    before = room.board.meter.commands
    assert await room.sync()
    assert room.board.meter.commands - before > commands


def test_a_router_that_asks_us_takes_no_pppoe_customers() -> None:
    dialins.refuse_pull("direct")
    with pytest.raises(Conflict):
        dialins.refuse_pull("pull")
