"""One reconcile per router at a time: whoever was too slow has nothing any more, and can neither hold on nor let go."""

from datetime import timedelta

from portal import routers
from portal.db import DB
from tests.jobs.room import Room


async def test_who_was_too_slow_neither_renews_nor_ends_the_lease_of_the_next(room: Room) -> None:
    now = room.clock.now()
    slow = await routers.lease(room.router.id, now=now)
    assert slow is not None
    assert await routers.lease(room.router.id, now=now) is None
    later = now + routers.LEASE + timedelta(seconds=1)
    quick = await routers.lease(room.router.id, now=later)
    assert quick is not None
    assert not await routers.renew(room.router.id, slow, now=later)
    await routers.release(room.router.id, slow)
    assert await DB.value("SELECT lease_token FROM routers WHERE id = $1", room.router.id) == quick
    assert await routers.renew(room.router.id, quick, now=later)
