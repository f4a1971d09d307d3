"""Every way a router may differ from what was sold is found, with what it is worth; what is ours can be repaired."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import drift as job
from portal import drift, routers
from portal.config import Settings
from portal.db import DB
from portal.drift import Finding, Kind, Online, Price, Sight, Sold, UserSeen
from portal.errors import Forbidden, NotFound
from portal.identity import Actor, Role
from routeros.errors import RouterError
from tests import factories
from tests.jobs.room import Room

NOW = datetime(2026, 3, 1, tzinfo=UTC)


async def look(room: Room) -> list[Finding]:
    return await job.look(await routers.access_to(room.router.id, vault=room.vault), room.doors)


async def kinds(room: Room) -> list[tuple[Kind, int]]:
    return [(finding.kind, finding.at_stake_cents) for finding in await look(room)]


async def test_a_router_that_equals_what_was_sold_shows_nothing(room: Room) -> None:
    await room.guest()
    await room.guest()
    assert await room.sync()
    assert await look(room) == []


async def test_a_paid_user_that_is_missing_is_worth_what_is_left_and_made_again(room: Room) -> None:
    guest = await room.guest()
    await DB.fetch("UPDATE vouchers SET price_cents = 5000")
    room.shift(hours=12)
    assert await room.sync()
    (name,) = [row["user_name"] for row in await DB.fetch("SELECT user_name FROM access_grants")]
    (row,) = room.board.hotspot.users.named(name)
    room.board.hotspot.users.remove(row)
    room.board.hotspot.logout(guest.ip, cause="admin reset")
    (finding,) = await look(room)
    assert (finding.kind, finding.who, finding.voucher_id) == (Kind.MISSING, name, guest.voucher_id)
    assert finding.at_stake_cents == pytest.approx(2500, abs=3)
    assert await room.sync()
    assert await look(room) == []


async def test_a_user_of_ours_online_without_a_grant_is_a_leak_until_a_pass_ends_it(room: Room) -> None:
    guest, other = await room.guest(), await room.guest()
    room.shift(hours=2)
    await DB.fetch(
        """UPDATE vouchers SET status = 'expired', ended_at = now(), ended_why = 'usage' WHERE id = $1""",
        guest.voucher_id,
    )
    assert (Kind.FREE, 5000) in await kinds(room)
    assert await room.sync()
    assert await look(room) == []
    assert room.board.hotspot.session(other.ip), "who paid stays"


async def test_foreign_users_and_sessions_are_told_and_never_touched(room: Room) -> None:
    await room.guest()
    hotspot = room.board.hotspot
    hotspot.users.add({"name": "cousin", "password": "x"})
    hotspot.users.add({"name": "friend", "password": "y"})
    hotspot.see_host("02:00:00:00:0F:01", "10.5.50.99")
    hotspot.login(ip="10.5.50.99", mac="02:00:00:00:0F:01", username="cousin", by="http-pap", password="x")
    room.shift(hours=25)
    found = await kinds(room)
    assert (Kind.FOREIGN_ONLINE, 10_000) in found, "two days' worth for a day and an hour"
    assert (Kind.FOREIGN_USER, 0) in found
    assert await room.sync()
    assert hotspot.users.named("cousin")
    assert hotspot.session("10.5.50.99")


async def test_a_limit_changed_at_the_router_is_told(room: Room) -> None:
    await room.guest()
    (row,) = [row for row in room.board.hotspot.users.rows.values() if row.get("name").startswith("vocha-")]
    room.board.hotspot.users.change(row, {"limit-uptime": "365d"})
    assert [kind for kind, _ in await kinds(room)] == [Kind.CHANGED]


async def test_a_router_that_does_not_answer_is_no_drift(room: Room) -> None:
    await room.guest()
    await room.board.set_online(False)
    with pytest.raises(RouterError):
        await look(room)


async def test_a_repair_is_for_managers_of_the_router_only(room: Room) -> None:
    def actor(merchant_id: int, role: Role) -> Actor:
        return Actor(user_id=7, merchant_id=merchant_id, role=role, is_operator=False, name="Amina", email="a@x.test")

    stranger = await factories.merchant("Somebody else")
    with pytest.raises(NotFound):
        await drift.repair(actor(stranger, Role.OWNER), room.router.id, now=room.clock.now())
    with pytest.raises(Forbidden):
        await drift.repair(actor(room.merchant_id, Role.CASHIER), room.router.id, now=room.clock.now())
    assert await DB.value("SELECT count(*) FROM pgqueuer") == 0
    await drift.repair(actor(room.merchant_id, Role.MANAGER), room.router.id, now=room.clock.now())
    assert await DB.value("SELECT actor FROM events WHERE entity = 'routers' AND name = 'repair'") == "user:7"
    assert await DB.value("SELECT count(*) FROM pgqueuer") == 1


async def test_the_command_says_what_is_at_stake_and_repairs(room: Room, settings: Settings) -> None:
    await room.guest()
    await DB.fetch("UPDATE vouchers SET price_cents = 5000")
    (row,) = [row for row in room.board.hotspot.users.rows.values() if row.get("name").startswith("vocha-")]
    room.board.hotspot.users.remove(row)
    told, code = await vocha("router", "drift", "main SHOP", settings=settings)
    assert code == 1, told
    assert re.search(rf"\[ *KES (49\.\d\d|50(\.00)?)\] paid for, but not on the router: {row.get('name')}\n", told), (
        told
    )
    told, code = await vocha("router", "drift", str(room.router.id), "--repair", settings=settings)
    assert code == 0, told
    assert "Main shop: 0 found, KES 0 at stake." in told
    assert room.board.hotspot.users.named(row.get("name"))
    await room.board.set_online(False)
    told, code = await vocha("router", "drift", str(room.router.id), settings=settings)
    assert code == 1
    assert told.startswith("Error: ")
    assert "Traceback" not in told


async def vocha(*arguments: str, settings: Settings) -> tuple[str, int | None]:
    """The command as a process: what it printed, and how it ended."""
    environment = os.environ | {
        "PORTAL_DATABASE_URL": settings.database_url or "",
        "PORTAL_DATA_DIR": str(settings.data_dir),
        "PORTAL_SECRET_KEYS": "test:" + bytes(range(32)).hex(),
        "PORTAL_BASE_URL": "http://portal.test",
        "PORTAL_ROUTER_NETWORKS": "127.0.0.0/8",
        "PORTAL_LOG_LEVEL": "ERROR",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "portal.cli", *arguments, env=environment, stdout=PIPE, stderr=STDOUT
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 30)
    return printed.decode(), process.returncode


def test_the_dearest_comes_first() -> None:
    sold = [
        Sold(
            user_name=f"vocha-{number}",
            voucher_id=number,
            price_cents=number * 1000,
            duration_s=3600,
            expires_at=None,
            is_live=True,
            is_running=False,
        )
        for number in (1, 3, 2)
    ]
    found = drift.compare(Sight(online=[], users=[]), sold, [], now=NOW)
    assert [finding.at_stake_cents for finding in found] == [3000, 2000, 1000]


def test_a_device_let_by_is_told_with_its_time() -> None:
    found = drift.compare(
        Sight(online=[], users=[], bypassed={"02:00:00:00:00:01": 3601}), [], [Price(1000, 3600)], now=NOW
    )
    assert [(each.kind, each.at_stake_cents, each.is_mendable) for each in found] == [(Kind.BYPASSED, 2000, False)]


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(-(10**6), 10**6))
def test_nobody_is_owed_more_than_was_paid(price: int, duration: int, left: int) -> None:
    sold = Sold(
        user_name="vocha-1",
        voucher_id=1,
        price_cents=price,
        duration_s=duration,
        expires_at=NOW + timedelta(seconds=left),
        is_live=True,
        is_running=True,
    )
    assert 0 <= sold.worth_cents(NOW) <= price


@given(st.lists(st.sampled_from(["a", "b", "c"]), unique=True), st.lists(st.sampled_from(["a", "b", "d"]), unique=True))
def test_every_difference_is_found_once(paid: list[str], there: list[str]) -> None:
    sold = [
        Sold(user_name=name, voucher_id=1, price_cents=1, duration_s=1, expires_at=None, is_live=True, is_running=False)
        for name in paid
    ]
    sight = Sight(
        online=[Online(user_name=name, mac="", uptime_s=1) for name in there[:1]],
        users=[UserSeen(name=name, uptime_s=0, is_ours=True) for name in there],
    )
    found = drift.compare(sight, sold, [], now=NOW)
    assert sorted(each.who for each in found) == sorted(set(paid) ^ set(there))
