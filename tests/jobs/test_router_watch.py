"""Early warning: told once when a router stays away, once when it is back for good, and not for every hiccup."""

from datetime import timedelta

import pytest

from jobs import router_watch
from portal.db import DB, atomic
from portal.routers import away
from portal.states import E, move
from tests import factories
from tests.jobs.room import Room


async def _to(room: Room, event: E, *, router_id: int | None = None) -> None:
    """The router moves as a visit would move it."""
    router, now = router_id or room.router.id, room.clock.now()
    since = None if event is E.ANSWER else now
    async with atomic() as tx:
        await move(tx, "routers", router, event, at=now, actor="test", offline_since=since)


async def _pass(room: Room, minutes: float) -> int:
    """Minutes pass, with a look in each; returns how many messages that made."""
    before = len(await _told())
    for _ in range(int(minutes)):
        room.clock.shift(timedelta(minutes=1))
        await router_watch.check(room.doors)
        await router_watch.check(room.doors)
    return len(await _told()) - before


async def _told() -> list[str]:
    return [row["kind"] for row in await DB.fetch("SELECT kind FROM messages ORDER BY id")]


async def _open() -> int:
    return await DB.value("SELECT count(*) FROM alerts WHERE kind = 'router_away' AND status = 'open'")


@pytest.fixture(autouse=True)
async def online(room: Room) -> None:
    await _to(room, E.ANSWER)


async def test_ten_minutes_away_are_told_once_and_the_return_once(room: Room) -> None:
    await _to(room, E.DROP)
    assert await _pass(room, 9) == 0
    assert await _pass(room, 60) == 1
    assert await _open() == 1
    await _to(room, E.ANSWER)
    assert await _pass(room, 2) == 0
    assert await _pass(room, 30) == 1
    assert (await _told(), await _open()) == (["shop_router_away", "shop_router_back"], 0)
    rows = await DB.fetch("SELECT params::text AS params, merchant_id, recipient FROM messages ORDER BY id")
    assert '"minutes": 10' in rows[0]["params"]
    assert {(row["merchant_id"], row["recipient"]) for row in rows} == {(room.merchant_id, "")}


async def test_a_router_that_comes_and_goes_tells_nothing(room: Room) -> None:
    for _ in range(10):
        await _to(room, E.DROP)
        assert await _pass(room, 5) == 0
        await _to(room, E.ANSWER)
        assert await _pass(room, 1) == 0


async def test_a_return_that_does_not_hold_is_no_return(room: Room) -> None:
    await _to(room, E.DROP)
    assert await _pass(room, 10) == 1
    for _ in range(5):
        await _to(room, E.ANSWER)
        assert await _pass(room, 2) == 0
        await _to(room, E.DROP)
        assert await _pass(room, 15) == 0
    assert await _told() == ["shop_router_away"]


async def test_who_was_away_within_the_hour_is_given_three_times_as_long(room: Room) -> None:
    await _to(room, E.DROP)
    await _pass(room, 10)
    await _to(room, E.ANSWER)
    assert await _pass(room, 10) == 1
    await _to(room, E.DROP)
    assert await _pass(room, 28) == 0
    assert await _pass(room, 3) == 1


async def test_the_wait_is_the_merchants_and_zero_is_never(room: Room) -> None:
    await DB.value("UPDATE merchants SET away_alert_min = 3 WHERE id = $1 RETURNING id", room.merchant_id)
    quiet = await factories.merchant("Quiet", timezone="Africa/Nairobi")
    await DB.value("UPDATE merchants SET away_alert_min = 0 WHERE id = $1 RETURNING id", quiet)
    other = await factories.router(room.vault, quiet, api_port=1)
    await _to(room, E.ANSWER, router_id=other.id)
    await _to(room, E.DROP)
    await _to(room, E.DROP, router_id=other.id)
    assert await _pass(room, 2) == 0
    assert await _pass(room, 60) == 1


async def test_a_router_taken_away_ends_its_alert_without_a_word(room: Room) -> None:
    await _to(room, E.DROP)
    await _pass(room, 10)
    await _to(room, E.PAUSE)
    assert await _pass(room, 2) == 0
    assert await _open() == 0


async def test_many_routers_of_many_merchants_are_each_told_of_once(room: Room) -> None:
    ids = [room.router.id]
    for number in range(4):
        merchant = await factories.merchant(f"Shop {number}")
        ids.append((await factories.router(room.vault, merchant, api_port=1)).id)
        await _to(room, E.ANSWER, router_id=ids[-1])
    for router_id in ids:
        await _to(room, E.DROP, router_id=router_id)
    room.clock.shift(timedelta(minutes=11))
    assert await away.tell(now=room.clock.now()) == 5
    assert await away.tell(now=room.clock.now()) == 0
    assert await DB.value("SELECT count(DISTINCT merchant_id) FROM messages") == 5
