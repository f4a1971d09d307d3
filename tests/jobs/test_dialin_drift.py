"""How a router differs from its PPPoE customers: told by kind, mended by a repair, and the merchant's own only listed."""

import pytest

from jobs import drift as job
from jobs import routers
from portal import drift
from portal.drift import Kind
from portal.errors import Conflict
from tests.jobs.dialing import change, serve_pppoe, subscriber
from tests.jobs.room import Room
from tests.jobs.test_drift_looks import actor, looked, open_look


@pytest.fixture(autouse=True)
def server(room: Room) -> None:
    serve_pppoe(room)


async def _found(room: Room) -> set[tuple[str, str]]:
    report = await looked(room)
    return {(each.kind.value, each.who) for each in (report.standing.good.after if report.standing.good else [])}


async def test_every_way_a_secret_can_differ_is_told_and_repaired(room: Room) -> None:
    for name in ("amina", "brian", "cate"):
        await subscriber(room, name)
    suspended = await subscriber(room, "dan")
    await routers.reconcile(room.router.id, room.doors)
    secrets = room.board.tables["/ppp/secret"]
    room.board.ppp.dial("dan", "p1", "02:00:00:00:00:0D")
    secrets.remove(secrets.named("amina")[0])
    secrets.change(secrets.named("brian")[0], {"profile": "default"})
    secrets.add({"name": "ghost", "password": "x", "comment": "vocha:subscriber-999"})
    secrets.add({"name": "office", "password": "x"})
    await change(room, suspended, status="suspended")
    assert await _found(room) == {
        ("dialin_missing", "amina"),
        ("dialin_changed", "brian"),
        ("dialin_free", "dan"),
        ("dialin_surplus", "ghost"),
        ("foreign_dialin", "office"),
    }
    report = await drift.report(actor(room), room.router.id)
    counts = len(report.lacking), len(report.left_over), len(report.foreign), len(report.secrets)
    assert counts == (2, 2, 0, 1)
    await drift.repair(actor(room), room.router.id, now=room.clock.now())
    await job.carry_out(await open_look(), room.doors)
    report = await drift.report(actor(room), room.router.id)
    assert (report.differences, [each.who for each in report.secrets.findings]) == (0, ["office"])
    assert room.board.ppp.sessions == {}


async def test_a_secret_that_is_not_ours_cannot_be_named_for_removal(room: Room) -> None:
    await subscriber(room)
    await routers.reconcile(room.router.id, room.doors)
    room.board.tables["/ppp/secret"].add({"name": "office", "password": "x"})
    assert ("foreign_dialin", "office") in await _found(room)
    with pytest.raises(Conflict):
        await drift.remove(
            actor(room), room.router.id, drift.Target(kind=Kind.FOREIGN_DIALIN, who="office"), now=room.clock.now()
        )
    assert room.board.tables["/ppp/secret"].named("office")


async def test_a_router_without_pppoe_customers_lists_no_secrets(room: Room) -> None:
    room.board.tables["/ppp/secret"].add({"name": "office", "password": "x"})
    assert await _found(room) == set()
