"""Many routers at once: what one of them does or does not do is not the others' business."""

import asyncio
import dataclasses
import time
from contextlib import AsyncExitStack

from jobs import routers
from jobs.connections import Connections
from jobs.rounds import Rounds
from portal import access_grants, job_runs
from portal.addresses import Addresses
from portal.db import DB, atomic
from portal.identity import Actor, Role
from portal.routers import release_brakes
from routeros.simulator.router import SimulatedRouter
from tests import factories
from tests.jobs.room import Room


async def events(room: Room) -> list[str]:
    rows = await DB.fetch("SELECT name FROM events WHERE entity = 'routers' AND was IS NULL ORDER BY id")
    return [row["name"] for row in rows]


async def status(room: Room) -> str:
    return await DB.value("SELECT status FROM routers WHERE id = $1", room.router.id)


def strangers(room: Room, count: int) -> set[str]:
    """Users that look like ours and that no grant knows."""
    names = {f"vocha-{number:016x}" for number in range(count)}
    for name in names:
        room.board.hotspot.users.add({"name": name, "password": "x", "comment": "vocha:9"})
    return names


def on_board(room: Room) -> set[str]:
    return {row.get("name") for row in room.board.hotspot.users}


async def test_a_silent_router_does_not_hold_up_the_rounds(room: Room) -> None:
    guest = await room.guest()
    async with SimulatedRouter(api_user="vocha", api_password="secret", serial="DEAD") as dead:
        other = await factories.router(room.vault, room.merchant_id, name="Dead", api_port=dead.api_port)
        voucher = await factories.voucher(room.vault, room.merchant_id, room.package_id)
        await factories.grant(
            room.vault, room.merchant_id, other.id, voucher, status="ending", next_try_at=room.clock.now()
        )
        await dead.vanish()
        rounds, began = Rounds(), time.perf_counter()
        await rounds.look(room.doors)
        await asyncio.sleep(0.1)
        async with atomic() as tx:
            await access_grants.end_for(tx, [guest.voucher_id], now=room.clock.now(), actor="test")
        await rounds.look(room.doors)
        while room.board.hotspot.session(guest.ip) is not None:  # noqa: ASYNC110  (the router tells nobody)
            await asyncio.sleep(0.01)
        assert time.perf_counter() - began < 2, "the dead router's five seconds are its own"
        await rounds.close()


async def test_one_dead_router_of_fifty_delays_none_of_the_others(room: Room) -> None:
    """Counted, not timed: the dead one is waited for without end, and all the others are served meanwhile."""
    patient = Connections(Addresses(room.doors.settings.router_networks), connect_timeout=3600, command_timeout=3600)
    doors = dataclasses.replace(room.doors, routers=patient)
    async with AsyncExitStack() as stack:
        boards = [
            await stack.enter_async_context(SimulatedRouter(api_user="vocha", api_password="secret", serial=f"S{n}"))
            for n in range(49)
        ]
        for number, board in enumerate(boards):
            await factories.router(room.vault, room.merchant_id, name=f"Router {number}", api_port=board.api_port)
        guest = await room.guest()
        await boards[0].vanish()
        task = asyncio.create_task(routers.sync(doors))
        stack.push_async_callback(patient.close)
        stack.push_async_callback(asyncio.gather, task, return_exceptions=True)
        stack.callback(task.cancel)  # whatever happens: else nobody would ever stop waiting
        served = "SELECT count(*) FROM routers WHERE reconciled_at IS NOT NULL"
        ends = time.monotonic() + 15
        while (count := await DB.value(served)) < 49:
            assert time.monotonic() < ends, f"the dead one holds the others up: {count} of 49 were served"
            await asyncio.sleep(0.02)
        async with atomic() as tx:
            await access_grants.end_for(tx, [guest.voucher_id], now=room.clock.now(), actor="test")
        assert await routers.reconcile(room.router.id, doors) == 1
        assert not room.board.hotspot.session(guest.ip)
        assert not task.done(), "the dead one is still being waited for"
        assert await DB.value(served) == 49


async def test_a_router_that_talks_nonsense_is_tried_again_later_than_one_that_is_silent(room: Room) -> None:
    async def wait_after_a_miss() -> float:
        await DB.fetch("UPDATE routers SET tries = 0, next_try_at = NULL")
        assert not await room.sync()
        next_try_at = await DB.value("SELECT next_try_at FROM routers")
        return (next_try_at - room.clock.now()).total_seconds()

    room.board.faults.hostile = "garbage"
    nonsense = await wait_after_a_miss()
    await room.board.set_online(False)
    silence = await wait_after_a_miss()
    assert 12 <= nonsense <= 18
    assert 1.6 <= silence <= 2.4


async def test_a_wake_up_with_nothing_to_do_does_not_call_a_silent_router_back(room: Room) -> None:
    await room.guest()
    await room.board.set_online(False)
    assert not await room.sync()
    await routers.reconcile(room.router.id, room.doors)
    assert await status(room) != "online"


async def test_a_router_that_is_back_is_made_whole_by_the_first_wake_up(room: Room) -> None:
    guest, other = await room.guest(), await room.guest()
    await room.board.set_online(False)
    assert not await room.sync()
    room.board.hotspot.users.remove(room.board.hotspot.users.named(await user_of(other.voucher_id))[0])
    await room.board.set_online(True)
    async with atomic() as tx:
        await access_grants.end_for(tx, [guest.voucher_id], now=room.clock.now(), actor="test")
    await routers.reconcile(room.router.id, room.doors)
    assert await status(room) == "online"
    assert await user_of(other.voucher_id) in on_board(room)
    assert await user_of(guest.voucher_id) not in on_board(room)


async def user_of(voucher_id: int) -> str:
    return await DB.value("SELECT user_name FROM access_grants WHERE voucher_id = $1", voucher_id)


async def test_surprises_are_held_told_once_and_removed_at_a_persons_word(room: Room) -> None:
    await room.guest()
    unknown = strangers(room, 5)
    assert await room.sync()
    assert await room.sync()
    assert unknown <= on_board(room)
    assert (await events(room)).count("brakes_held") == 1
    owner = await factories.user("owner@example.com", room.merchant_id)
    actor = Actor(
        user_id=owner,
        merchant_id=room.merchant_id,
        role=Role.OWNER,
        is_operator=False,
        name="Amina",
        email="owner@example.com",
    )
    assert await release_brakes(actor, room.router.id, now=room.clock.now())
    assert await room.sync()
    assert not unknown & on_board(room)


async def test_a_word_is_not_for_what_is_found_later(room: Room) -> None:
    await room.guest()
    strangers(room, 5)
    owner = await factories.user("owner@example.com", room.merchant_id)
    actor = Actor(
        user_id=owner,
        merchant_id=room.merchant_id,
        role=Role.OWNER,
        is_operator=False,
        name="Amina",
        email="owner@example.com",
    )
    assert not await release_brakes(actor, room.router.id, now=room.clock.now()), "nothing is held yet"
    assert await room.sync()
    assert await release_brakes(actor, room.router.id, now=room.clock.now())
    room.shift(minutes=11)
    await room.sync()
    assert len(on_board(room)) > 5


async def test_a_replaced_board_is_noticed_and_gets_everything_again(room: Room) -> None:
    """Case 34: a board that lost its users."""
    guest = await room.guest()
    assert await room.sync()
    hotspot = room.board.hotspot
    room.board.serial = "ANOTHER"
    hotspot.users.remove(hotspot.users.named(await user_of(guest.voucher_id))[0])
    assert await room.sync()
    assert await user_of(guest.voucher_id) in on_board(room)
    assert await DB.value("SELECT data ->> 'missing' FROM events WHERE name = 'board_replaced'") == "1"
    assert await DB.value("SELECT serial FROM routers") == "ANOTHER"


async def test_a_menu_that_is_not_shown_makes_nobody_present_and_nobody_gone(room: Room) -> None:
    guest = await room.guest()
    voucher = await factories.voucher(room.vault, room.merchant_id, room.package_id)
    await factories.grant(room.vault, room.merchant_id, room.router.id, voucher, status="wanted")
    async with atomic() as tx:
        await access_grants.end_for(tx, [guest.voucher_id], now=room.clock.now(), actor="test")
        await tx.execute("UPDATE access_grants SET next_try_at = NULL")
    del room.board.dispatcher.menus["/ip/hotspot/cookie"]
    await routers.sync_one(room.router.id, room.doors)
    assert await user_of(guest.voucher_id) in on_board(room), "nothing is done after such a read"
    rows = await DB.fetch("SELECT DISTINCT status FROM access_grants")
    assert {row["status"] for row in rows} == {"wanted", "ending"}


async def test_a_router_called_away_is_visited_whole_whatever_made_it_so(room: Room) -> None:
    await DB.fetch("UPDATE routers SET status = 'offline', tries = 0, next_try_at = $1", room.clock.now())
    rounds = Rounds()
    await rounds.look(room.doors)
    await rounds.settle()
    assert await status(room) == "online"


async def test_rounds_leave_routers_alone_while_the_job_is_paused(room: Room) -> None:
    guest = await room.guest()
    await job_runs.pause("sync-routers", "user:1", why="restored")
    await DB.fetch("UPDATE routers SET status = 'offline', tries = 3, next_try_at = $1", room.clock.now())
    async with atomic() as tx:
        await access_grants.end_for(tx, [guest.voucher_id], now=room.clock.now(), actor="test")
    rounds = Rounds()
    await rounds.look(room.doors)
    await rounds.settle()
    assert (await status(room), bool(room.board.hotspot.session(guest.ip))) == ("offline", True)
    await job_runs.resume("sync-routers", "user:1")
    await rounds.look(room.doors)
    await rounds.settle()
    assert (await status(room), room.board.hotspot.session(guest.ip)) == ("online", None)
