"""The doctor at simulated routers: what a shopkeeper is told when something is wrong, and what is kept of each look."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs import doctor
from jobs.connections import Connections
from jobs.doors import Doors
from jobs.routers import sync_one
from portal import routers
from portal.addresses import Addresses
from portal.clock import Clock
from portal.config import Settings
from portal.db import DB
from portal.house import doors_open
from portal.identity import Actor, Role
from portal.routers import checks, forms, scripts, setup
from portal.routers.forms import ScriptOptions
from portal.vault import Vault
from routeros.doctor import Finding
from routeros.simulator.board import Board
from routeros.simulator.clock import VirtualClock
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.scripting.engine import ScriptEngine
from tests import factories

NAIROBI = ZoneInfo("Africa/Nairobi")


@pytest.fixture
async def doors(db: str, settings: Settings, clock: Clock) -> AsyncIterator[Doors]:
    here = dataclasses.replace(settings, router_source="127.0.0.1")
    async with doors_open(here, clock) as opened:
        yield opened


@pytest.fixture
async def merchant_id(db: str) -> int:
    return await factories.merchant()


def actor(merchant_id: int) -> Actor:
    return Actor(user_id=1, merchant_id=merchant_id, role=Role.OWNER, is_operator=False, name="Amina", email="a@b.test")


def board(clock: Clock, **options: object) -> SimulatedRouter:
    return SimulatedRouter(
        api_user="vocha", api_password="secret", clock=VirtualClock(start=clock.now()), **options  # pyright: ignore[reportArgumentType]
    )  # fmt: skip


async def looked_at(router_id: int, doors: Doors) -> dict[str, Finding]:
    """What the worker does when it is told of a router, and what was found."""
    await doctor.check(router_id, doors)
    row = await DB.row("SELECT merchant_id FROM routers WHERE id = $1", router_id)
    assert row is not None
    found = await checks.newest(actor(row["merchant_id"]), router_id, zone=NAIROBI)
    assert found is not None
    return {finding.code: finding for finding in found.findings}


async def test_a_router_that_answers_is_judged_and_becomes_online(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    async with board(clock, version="7.16") as there:
        router = await factories.router(vault, merchant_id, api_port=there.api_port, status="new", last_seen_at=None)
        found = await looked_at(router.id, doors)
    assert {"version_holes", "policies_too_many", "garden_closed"} <= set(found)
    assert not any(code.startswith("trouble") for code in found)
    row = await DB.row("SELECT status, board, version FROM routers")
    assert row is not None
    assert (row["status"], row["board"], row["version"].split()[0]) == ("online", there.board.name, "7.16")


async def test_a_router_that_does_not_answer_is_dialled_once(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    dialled = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dialled
        dialled += 1
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        router = await factories.router(vault, merchant_id, api_port=server.sockets[0].getsockname()[1])
        found = await looked_at(router.id, doors)
    assert all(code.startswith("trouble_") for code in found)
    assert len(found) == 1
    assert dialled == 1


async def test_a_wrong_password_is_told_as_such(doors: Doors, merchant_id: int, vault: Vault, clock: Clock) -> None:
    async with board(clock) as there:
        router = await factories.router(vault, merchant_id, api_port=there.api_port, password="wrong")
        assert list(await looked_at(router.id, doors)) == ["trouble_password"]
    assert await DB.value("SELECT worst FROM router_checks") == "bad"


async def test_a_closed_port_is_told_as_such(doors: Doors, merchant_id: int, vault: Vault, clock: Clock) -> None:
    async with board(clock) as there:
        port = there.api_port
    router = await factories.router(vault, merchant_id, api_port=port)
    assert list(await looked_at(router.id, doors)) == ["trouble_closed"]


async def test_an_address_nobody_has_and_one_of_ours_are_told_the_same(
    doors: Doors, merchant_id: int, vault: Vault
) -> None:
    quick = Connections(Addresses(patience_s=0.05))
    doors = dataclasses.replace(doors, routers=quick)
    for number, host in enumerate(("nobody.invalid", "10.0.0.1", "169.254.169.254")):
        router = await factories.router(vault, merchant_id, name=f"r{number}", api_host=host)
        assert list(await looked_at(router.id, doors)) == ["trouble_address"]
    await quick.close()


async def test_another_servers_port_is_told_as_such(doors: Doors, merchant_id: int, vault: Vault) -> None:
    async def web(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x05hello\x00")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        router = await factories.router(vault, merchant_id, api_port=port)
        assert list(await looked_at(router.id, doors)) == ["trouble_not_router"]


async def test_tls_against_a_plain_port_is_told_as_such(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    async with board(clock) as there:
        router = await factories.router(vault, merchant_id, api_port=there.api_port, api_tls_pin="ab" * 32)
        found = list(await looked_at(router.id, doors))
    assert found == ["trouble_security"]


async def test_device_mode_and_licence_of_a_home_board_are_found(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    small = Board(license_level=3)
    async with board(clock, version="7.18", device_mode="home", board=small) as there:
        router = await factories.router(vault, merchant_id, api_port=there.api_port)
        found = await looked_at(router.id, doors)
    assert found["device_mode"].fix.startswith("/system device-mode update hotspot=yes")
    assert found["licence_one"].severity == "bad"


async def test_old_routers_are_judged_without_menus_they_lack(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    async with board(clock, version="6.49") as there:
        router = await factories.router(vault, merchant_id, api_port=there.api_port)
        found = await looked_at(router.id, doors)
    assert "device_mode" not in found
    assert not any(code.startswith("trouble") for code in found)


async def test_what_changed_since_the_last_look_is_shown(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    async with board(clock) as there:
        router = await factories.router(vault, merchant_id, api_port=there.api_port)
        await looked_at(router.id, doors)
        there.hotspot.identity = "somebody-elses"
        there.tables["/ip/service"].named("telnet")[0].values["disabled"] = "true"
        await looked_at(router.id, doors)
    found = await checks.newest(actor(merchant_id), router.id, zone=NAIROBI)
    assert found is not None
    assert found.since is not None
    assert not found.since.is_yesterday
    assert {(change.name, change.now) for change in found.since.changes} == {
        ("identity", "somebody-elses"), ("service telnet", "off"),
    }  # fmt: skip


async def test_the_daily_round_visits_each_router_once_a_day_and_no_paused_one(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    async with board(clock) as there:
        for name, status in (("a", "online"), ("b", "paused"), ("c", "removed")):
            made = await factories.router(vault, merchant_id, api_port=there.api_port, name=name)
            await DB.fetch("UPDATE routers SET status = $2 WHERE id = $1", made.id, status)
        assert (await doctor.check_all(doors)).processed == 1
        assert (await doctor.check_all(doors)).processed == 0
        clock.shift(timedelta(hours=21))
        assert (await doctor.check_all(doors)).processed == 1
    assert await DB.value("SELECT count(*) FROM router_checks") == 2


async def test_the_daily_round_does_not_dial_a_router_that_was_not_reached_just_now(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    async with board(clock) as there:
        router = await factories.router(vault, merchant_id, api_port=there.api_port)
        await DB.fetch("UPDATE routers SET tries = 1, last_error = '[Errno 111] Connection refused'")
        assert (await doctor.check_all(doors)).processed == 1
    found = await checks.newest(actor(merchant_id), router.id, zone=NAIROBI)
    assert found is not None
    assert [finding.code for finding in found.findings] == ["trouble_closed"]


async def test_a_router_nobody_looked_at_waits_for_the_daily_round(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    async with board(clock) as there:
        router = await factories.router(vault, merchant_id, api_port=there.api_port, status="new", last_seen_at=None)
        assert await sync_one(router.id, doors)
    assert await DB.value("SELECT status FROM routers") == "online"
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'check-router'") == 0


async def test_only_the_last_sixty_looks_are_kept(db: str, merchant_id: int, vault: Vault, clock: Clock) -> None:
    router = await factories.router(vault, merchant_id)
    for number in range(63):
        await checks.keep(router.id, [], {"n": str(number)}, now=clock.now() + timedelta(seconds=number))
    rows = await DB.fetch("SELECT facts FROM router_checks ORDER BY id")
    assert len(rows) == 60
    assert '"3"' in rows[0]["facts"]


async def test_of_older_looks_the_last_of_each_day_is_kept_for_ninety_days(
    db: str, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    router, now = await factories.router(vault, merchant_id), clock.now().replace(hour=12)
    for day in (100, 89, 3, 2):
        for hour in (0, 5):
            await checks.keep(
                router.id, [], {"look": f"{day}.{hour}"}, now=now - timedelta(days=day) + timedelta(hours=hour)
            )
    await checks.keep(router.id, [], {}, now=now - timedelta(days=2) + timedelta(hours=9))  # it did not get through
    for number in range(60):
        await checks.keep(router.id, [], {"look": str(number)}, now=now + timedelta(seconds=number))
    kept = [row["look"] for row in await DB.fetch("SELECT facts ->> 'look' AS look FROM router_checks ORDER BY id")]
    assert kept == ["89.5", "3.5", "2.5", *map(str, range(60))]


async def test_a_router_that_is_gone_or_paused_is_not_looked_at(doors: Doors, merchant_id: int, vault: Vault) -> None:
    paused = await factories.router(vault, merchant_id, status="paused")
    removed = await factories.router(vault, merchant_id, name="x")
    await DB.fetch("UPDATE routers SET status = 'removed' WHERE id = $1", removed.id)
    assert [await doctor.check(which, doors) for which in (paused.id, removed.id, 999)] == [0, 0, 0]
    assert await DB.value("SELECT count(*) FROM router_checks") == 0


async def test_from_adding_a_router_over_pasting_its_script_to_a_sound_router(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    """The whole way of a merchant with a new board: added, unreachable, script pasted, online and in order."""
    who = actor(merchant_id)
    there = SimulatedRouter(
        version="7.20.6",
        api_user="admin",
        api_password="",
        clock=VirtualClock(start=clock.now()),
        device_mode="advanced",
    )
    async with there:
        way = forms.Connection(way="direct", host="127.0.0.1", port=there.api_port)
        new = forms.NewRouter(name="Beach bar", connection=way)
        router_id = await setup.add(who, new, vault=vault, tunnel=None, now=clock.now())
        assert list(await looked_at(router_id, doors)) == ["trouble_password"]
        options = ScriptOptions(family="7", interface="bridge", network="10.5.50.0/24")
        settings = doors.settings
        issued = await scripts.issue(who, router_id, options, settings=settings, now=clock.now())
        text = await scripts.fetch(issued.code, settings=settings, vault=vault, now=clock.now())
        result = ScriptEngine(there).paste(text)
        assert not result.errors, result.errors
        found = await looked_at(router_id, doors)
    wanting = {code for code, finding in found.items() if finding.severity in ("warn", "bad")}
    assert not wanting, found
    row = await DB.row("SELECT status, api_user, hotspot_hosts FROM routers WHERE id = $1", router_id)
    assert row is not None
    assert (row["status"], row["api_user"]) == ("online", "vocha")
    assert row["hotspot_hosts"].startswith("10.5.50.1")
    with pytest.raises(scripts.Gone):
        await scripts.fetch(issued.code, settings=settings, vault=vault, now=clock.now())
    assert (await routers.access_to(router_id, vault=vault)).user == "vocha"


async def test_a_router_in_trouble_is_looked_at_again_as_soon_as_it_answers(
    doors: Doors, merchant_id: int, vault: Vault, clock: Clock
) -> None:
    waiting = "SELECT count(*) FROM pgqueuer WHERE entrypoint = 'check-router'"
    async with board(clock) as there:
        router = await factories.router(vault, merchant_id, api_port=there.api_port, status="new", last_seen_at=None)
        await there.set_online(False)
        assert list(await looked_at(router.id, doors)) == ["trouble_closed"]
        await there.set_online(True)
        assert await sync_one(router.id, doors)
        assert await DB.value(waiting) == 1
        assert "trouble_closed" not in await looked_at(router.id, doors)
        # Away and back once more: its settings were seen, nothing on its page is out of date.
        for is_on in (False, True):
            await there.set_online(is_on)
            await sync_one(router.id, doors)
    assert await DB.value(waiting) == 1


async def test_hosts_a_router_tells_are_added_and_nonsense_is_passed_over(
    db: str, merchant_id: int, vault: Vault
) -> None:
    router = await factories.router(vault, merchant_id)
    await checks.learn_hosts(
        router.id, ["10.5.50.1", "wifi.shop", "", "a b", "x/../y", "evil.test:80", "http://x", "-a"]
    )
    assert await DB.value("SELECT hotspot_hosts FROM routers") == "10.5.50.1,login.hotspot,wifi.shop"
    await checks.learn_hosts(router.id, [f"{number:03}.example" for number in range(90)])
    told = await DB.value("SELECT hotspot_hosts FROM routers")
    assert len(told) <= 255
    assert told.startswith("10.5.50.1,login.hotspot,wifi.shop,000.example")
