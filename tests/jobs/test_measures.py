"""What visits to routers leave in the metrics: how long they took, and how wrong the router's clock is."""

from datetime import timedelta

from portal import meters
from portal.db import DB
from tests.jobs.room import Room


def passes() -> dict[str, int]:
    """How many visits of each kind were timed since the last time."""
    return {label: each.total for (metric, label), each in meters.take().items() if metric == meters.RECONCILE}


async def test_a_whole_pass_and_one_for_changes_are_timed_apart(room: Room) -> None:
    meters.take()
    await room.guest()
    assert passes() == {"changes": 1}
    assert await room.sync()
    assert passes() == {"whole": 1}


async def test_a_router_that_does_not_answer_made_no_pass(room: Room) -> None:
    await DB.fetch("UPDATE routers SET api_port = 1")
    meters.take()
    assert not await room.sync()
    assert passes() == {}


async def test_how_wrong_a_clock_is_is_known_after_a_pass(room: Room) -> None:
    for wrong in (timedelta(minutes=-7), timedelta(seconds=95)):
        room.board.wall.set(room.clock.now() + wrong)
        assert await room.sync()
        skew = await DB.value("SELECT clock_skew_s FROM routers")
        assert abs(skew - wrong.total_seconds()) <= 2
