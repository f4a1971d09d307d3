"""What customers used, whatever the router remembers; who is ended by it, and by what nobody is."""

import dataclasses

import pytest

from jobs import routers
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.vault import Vault
from routeros.apply import Survey
from routeros.reconcile import Observed
from routeros.simulator.behaviour import Behaviour
from tests.jobs.room import Guest, Room, room_open


def near(seconds: int) -> object:
    """Some seconds pass while a test runs."""
    return pytest.approx(seconds, abs=4)


async def sessions_of(guest: Guest) -> list[tuple[int, int, bool]]:
    rows = await DB.fetch(
        """SELECT s.uptime_s, s.bytes_up + s.bytes_down AS bytes, s.ended_at IS NULL AS is_open FROM hotspot_sessions s
           JOIN access_grants g ON g.id = s.grant_id WHERE g.voucher_id = $1 ORDER BY s.id""",
        guest.voucher_id,
    )
    return [(row["uptime_s"], row["bytes"], row["is_open"]) for row in rows]


async def early_ends(guest: Guest) -> list[str]:
    rows = await DB.fetch(
        "SELECT data ->> 'why' AS why FROM events WHERE entity = 'vouchers' AND entity_id = $1 AND name = 'session_ended'",
        guest.voucher_id,
    )
    return [row["why"] for row in rows]


async def limits(room: Room, name: str) -> list[str]:
    rows = room.board.hotspot.users.rows.values()
    return [row.get(name) for row in rows if row.get("name").startswith("vocha-")]


async def test_polls_add_up_to_time_and_bytes_of_a_voucher(room: Room) -> None:
    guest = await room.guest()
    room.shift(seconds=100)
    room.board.hotspot.count_traffic(guest.ip, 1_000, 20_000)
    assert await room.sync()
    room.shift(seconds=60)
    room.board.hotspot.count_traffic(guest.ip, 500, 500)
    assert await room.sync()
    assert await room.used(guest) == (near(160), 22_000)
    assert await sessions_of(guest) == [(near(160), 22_000, True)]


async def test_what_a_session_did_after_the_last_poll_counts_too(room: Room) -> None:
    guest = await room.guest()
    room.shift(seconds=100)
    assert await room.sync()
    room.shift(seconds=40)
    room.board.hotspot.count_traffic(guest.ip, 7, 70)
    room.board.hotspot.logout(guest.ip, cause="keepalive timeout")
    assert await room.sync()
    assert await room.used(guest) == (near(140), 77)
    assert await sessions_of(guest) == [(near(140), 77, False)]


async def test_a_power_cut_loses_nothing_we_had_seen(room: Room) -> None:
    guest = await room.guest()
    room.shift(seconds=600)
    room.board.hotspot.count_traffic(guest.ip, 0, 5_000)
    assert await room.sync()
    room.board.power_cut()
    room.shift(seconds=120)
    assert await room.sync()
    assert await room.used(guest) == (near(600), 5_000)
    await room.log_in_again(guest)
    room.shift(seconds=60)
    assert await room.sync()
    assert await room.used(guest) == (near(660), 5_000)
    assert [is_open for *_, is_open in await sessions_of(guest)] == [False, True]


async def test_a_power_cut_between_polls_is_seen_by_when_sessions_began(room: Room) -> None:
    """The new session is longer than the old one: the sum has not fallen, and yet something is lost on the router."""
    guest = await room.guest()
    room.shift(seconds=200)
    assert await room.sync()
    room.board.power_cut()
    room.shift(seconds=60)
    await room.log_in_again(guest)
    room.shift(seconds=900)
    assert await room.sync()
    assert (await room.used(guest))[0] == near(1100)


async def test_a_quick_power_cut_is_seen_by_the_routers_own_uptime(room: Room) -> None:
    """So quick that the new session might be the old one by its length and its beginning."""
    room.shift(hours=1)
    guest = await room.guest()
    room.shift(seconds=200)
    assert await room.sync()
    room.board.power_cut()
    room.shift(seconds=10)
    await room.log_in_again(guest)
    room.shift(seconds=900)
    assert await room.sync()
    assert (await room.used(guest))[0] == near(1100)


async def test_a_clean_reboot_counts_nothing_twice(room: Room) -> None:
    guest = await room.guest()
    room.shift(seconds=200)
    assert await room.sync()
    room.board.reboot()
    room.shift(seconds=60)
    await room.log_in_again(guest)
    room.shift(seconds=100)
    assert await room.sync()
    assert (await room.used(guest))[0] == near(300)
    assert await early_ends(guest) == [], "a reboot is nobody's doing"


async def test_a_reboot_is_not_taken_for_a_kick(room: Room) -> None:
    await DB.fetch("UPDATE merchants SET early_end = 'end'")
    stays, guest = await room.guest(), await room.guest()
    room.shift(seconds=200)
    assert await room.sync()
    room.board.reboot()
    room.board.hotspot.see_host(guest.mac, guest.ip)
    await room.log_in_again(stays)
    room.shift(seconds=20)
    assert await room.sync()
    assert await early_ends(guest) == [], "a reboot is nobody's doing"
    assert await room.voucher(guest) == ("in_use", None)


async def test_after_a_power_cut_the_router_ends_on_time(room: Room) -> None:
    """Its own counters fell, so the limit it holds must be the time left on top of what it still shows."""
    guest = await room.guest(duration_s=3600)
    room.shift(seconds=1800)
    assert await room.sync()
    room.board.power_cut()
    await room.log_in_again(guest)
    assert await room.sync()
    (limit,) = await limits(room, "limit-uptime")
    assert limit in ("30m", *(f"29m{second}s" for second in range(50, 60)))


async def test_an_uptime_package_ends_when_its_time_was_used(room: Room) -> None:
    guest = await room.guest(uptime_s=600)
    room.shift(seconds=400)
    assert await room.sync()
    room.board.hotspot.logout(guest.ip, cause="keepalive timeout")
    room.shift(hours=2)
    assert await room.sync()
    assert await room.voucher(guest) == ("in_use", None), "only connected time counts"
    await room.log_in_again(guest)
    room.shift(seconds=210)
    assert await room.sync()
    assert await room.voucher(guest) == ("expired", "uptime")
    assert await early_ends(guest) == []
    assert not room.board.hotspot.active
    assert await DB.value("SELECT status FROM access_grants") == "gone"


async def test_an_uptime_package_cannot_be_stretched_by_power_cuts(room: Room) -> None:
    guest = await room.guest(uptime_s=600)
    for _ in range(2):
        room.shift(seconds=250)
        assert await room.sync()
        room.board.power_cut()
        room.shift(seconds=45)
        await room.log_in_again(guest)
    assert await room.sync()
    assert (await room.used(guest))[0] == near(500)
    (limit,) = await limits(room, "limit-uptime")
    assert limit in ("1m40s", "1m39s", "1m38s", "1m37s", "1m36s"), "the router itself allows only what is left"
    room.shift(seconds=110)
    assert await room.sync()
    assert await room.voucher(guest) == ("expired", "uptime")


async def test_a_data_package_ends_when_its_bytes_were_used(room: Room) -> None:
    guest, other = await room.guest(data_bytes=1_000_000), await room.guest(data_bytes=1_000_000)
    room.board.hotspot.count_traffic(guest.ip, 0, 600_000)
    room.board.hotspot.count_traffic(other.ip, 0, 900_000)
    room.shift(seconds=60)
    assert await room.sync()
    room.board.power_cut()
    for each in (guest, other):
        await room.log_in_again(each)
    room.board.hotspot.count_traffic(guest.ip, 0, 500_000)
    room.shift(seconds=60)
    assert await room.sync()
    assert await room.voucher(guest) == ("expired", "data")
    assert await room.voucher(other) == ("in_use", None)
    assert await room.sync()
    assert await limits(room, "limit-bytes-total") == ["100000"], "the router itself allows only what is left"


async def test_what_was_used_on_another_router_counts_for_the_voucher(room: Room) -> None:
    guest = await room.guest(uptime_s=600)
    await DB.fetch("UPDATE access_grants SET used_uptime_s = 500 WHERE voucher_id = $1", guest.voucher_id)
    grant = (await routers.access_grants.all_of(room.router.id, vault=room.vault))[0]
    assert (grant.unseen_uptime_s, grant.used_uptime_s) == (0, 500), "its own use is not use elsewhere"


async def test_a_read_that_failed_ends_nobody(room: Room) -> None:
    guest = await room.guest()
    room.shift(seconds=60)
    assert await room.sync()
    await room.board.set_online(False)
    assert not await room.sync()
    assert await room.voucher(guest) == ("in_use", None)
    assert await sessions_of(guest) == [(near(60), 0, True)]


async def test_an_incomplete_read_ends_nobody_and_counts_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = await room.guest()
    room.shift(seconds=60)
    assert await room.sync()
    whole = routers.survey

    async def half(client: routers.HotspotRouter, *, with_dialins: bool = False) -> Survey:
        read = await whole(client, with_dialins=with_dialins)
        return dataclasses.replace(read, observed=Observed(cookies=read.observed.cookies))

    monkeypatch.setattr(routers, "survey", half)
    await DB.fetch("UPDATE access_grants SET status = 'ending'")
    room.shift(seconds=60)
    await room.sync()
    assert await room.voucher(guest) == ("in_use", None)
    assert await sessions_of(guest) == [(near(60), 0, True)]
    assert (await room.used(guest))[0] == near(60)
    assert room.board.hotspot.session(guest.ip)
    assert await DB.value("SELECT status FROM access_grants") == "ending", "nobody saw the router without it"


@pytest.mark.parametrize("choice", ["keep", "end"])
@pytest.mark.parametrize("many", [1, 3])
async def test_an_empty_read_ends_no_voucher(room: Room, choice: str, many: int) -> None:
    await DB.fetch("UPDATE merchants SET early_end = $1", choice)
    guests = [await room.guest() for _ in range(many)]
    assert await room.sync()
    for guest in guests:
        room.board.hotspot.logout(guest.ip, cause="admin reset")
    assert await room.sync()
    assert {await room.voucher(guest) for guest in guests} == {("in_use", None)}


@pytest.mark.parametrize(
    ("choice", "becomes"), [("keep", ("in_use", None)), ("end", ("expired", "router_sync"))], ids=["keep", "end"]
)
async def test_a_kick_at_the_router_is_noted_and_ends_the_voucher_if_the_merchant_wants_it(
    room: Room, choice: str, becomes: tuple[str, str | None]
) -> None:
    await DB.fetch("UPDATE merchants SET early_end = $1", choice)
    kicked, other = await room.guest(), await room.guest()
    room.shift(seconds=60)
    assert await room.sync()
    room.board.hotspot.logout(kicked.ip, cause="admin reset")
    assert await room.sync()
    assert await early_ends(kicked) == ["ended"]
    assert await room.voucher(kicked) == becomes
    assert await room.voucher(other) == ("in_use", None)
    assert await early_ends(other) == []


async def test_a_user_removed_at_the_router_is_noted_and_made_again(room: Room) -> None:
    guest, _ = await room.guest(), await room.guest()
    assert await room.sync()
    name = await DB.value("SELECT user_name FROM access_grants WHERE voucher_id = $1", guest.voucher_id)
    (row,) = room.board.hotspot.users.named(name)
    room.board.hotspot.users.remove(row)
    room.board.hotspot.logout(guest.ip, cause="admin reset")
    assert await room.sync()
    assert await early_ends(guest) == ["removed"]
    assert room.board.hotspot.users.named(name)
    assert await room.voucher(guest) == ("in_use", None)


async def test_a_phone_that_walked_away_was_not_ended_by_anybody(room: Room) -> None:
    await DB.fetch("UPDATE merchants SET early_end = 'end'")
    guest, _ = await room.guest(), await room.guest()
    assert await room.sync()
    room.board.hotspot.leave(guest.ip)
    room.shift(minutes=10)
    assert await room.sync()
    assert [is_open for *_, is_open in await sessions_of(guest)] == [False]
    assert await early_ends(guest) == []
    assert await room.voucher(guest) == ("in_use", None)


async def test_a_router_that_writes_counters_during_sessions_does_not_count_twice(
    db: str, settings: Settings, vault: Vault, clock: Clock
) -> None:
    async with room_open(settings, vault, clock, behaviour=Behaviour(counters_flush_seconds=30)) as room:
        guest = await room.guest(uptime_s=900)
        for _ in range(5):
            room.shift(seconds=60)
            assert await room.sync()
        assert (await room.used(guest))[0] == near(300)
        room.board.hotspot.logout(guest.ip, cause="keepalive timeout")
        assert await room.sync()
        assert (await room.used(guest))[0] == near(300)
