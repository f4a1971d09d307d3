"""Looks at drift from the click to the answer: repaired through a pass, foreign rows only by name, failures told, nothing lost."""

from datetime import timedelta

import pytest

from jobs import drift as job
from portal import drift, routers
from portal.db import DB
from portal.drift import Finding, Kind, Report, Target, Wish
from portal.errors import Conflict, Forbidden, NotFound
from portal.identity import Actor, Role
from routeros.apply import observe
from tests import factories
from tests.jobs.room import Guest, Room


def actor(room: Room, role: Role = Role.OWNER, *, merchant_id: int | None = None) -> Actor:
    return Actor(
        user_id=7, merchant_id=merchant_id or room.merchant_id, role=role, is_operator=False, name="A", email="a@x.test"
    )


async def open_look() -> int:
    return await DB.value("SELECT id FROM drift_looks WHERE done_at IS NULL")


async def looked(room: Room) -> Report:
    """Ask for a look, have it done, and read the report."""
    await drift.ask(actor(room), room.router.id, now=room.clock.now())
    await job.carry_out(await open_look(), room.doors)
    return await drift.report(actor(room), room.router.id)


def lose_user(room: Room, guest: Guest) -> None:
    """Somebody deletes a customer's user at the router."""
    room.board.hotspot.logout(guest.ip, cause="admin reset")
    (row,) = [each for each in room.board.hotspot.users.rows.values() if each.get("name").startswith("vocha-")]
    room.board.hotspot.users.remove(row)


def stranger(room: Room, name: str = "cousin") -> None:
    """A user that is not ours, online."""
    hotspot = room.board.hotspot
    hotspot.users.add({"name": name, "password": "x"})
    hotspot.see_host("02:00:00:00:0F:01", "10.5.50.99")
    hotspot.login(ip="10.5.50.99", mac="02:00:00:00:0F:01", username=name, by="http-pap", password="x")


def bypass(room: Room, mac: str) -> None:
    """A device the router lets by without a login."""
    room.board.tables["/ip/hotspot/ip-binding"].add({"mac-address": mac, "type": "bypassed"})
    room.board.hotspot.see_host(mac, f"10.5.50.{int(mac[-2:], 16) + 70}")


async def test_a_repair_mends_what_is_ours_and_tells_so(room: Room) -> None:
    lose_user(room, await room.guest())
    stranger(room)
    assert len((await looked(room)).lacking) == 1
    await drift.repair(actor(room), room.router.id, now=room.clock.now())
    standing = (await drift.report(actor(room), room.router.id)).standing
    assert standing.open
    assert standing.open.wish is Wish.REPAIR
    assert await job.carry_out(standing.open.id, room.doors)
    report = await drift.report(actor(room), room.router.id)
    assert report.result
    assert (report.result.gone, report.result.left, report.mendable, len(report.foreign)) == (1, 0, 0, 1)
    assert room.board.hotspot.session("10.5.50.99"), "no repair touches what is not ours"
    again = await looked(room)
    assert again.result is None, "told once"


async def test_a_row_that_is_not_ours_goes_only_by_its_name(room: Room) -> None:
    guest = await room.guest()
    assert await room.sync()
    stranger(room)
    room.board.hotspot.users.add({"name": "friend", "password": "y"})
    report = await looked(room)
    assert {(each.kind, each.who) for each in report.foreign.findings} == {
        (Kind.FOREIGN_ONLINE, "cousin"), (Kind.FOREIGN_USER, "friend"),
    }  # fmt: skip
    await drift.remove(actor(room), room.router.id, Target(Kind.FOREIGN_ONLINE, "cousin"), now=room.clock.now())
    assert await job.carry_out(await open_look(), room.doors)
    report = await drift.report(actor(room), room.router.id)
    assert report.result
    assert (report.result.who, report.result.gone, report.result.left) == ("cousin", 1, 0)
    hotspot = room.board.hotspot
    assert not hotspot.users.named("cousin")
    assert not hotspot.session("10.5.50.99")
    assert hotspot.users.named("friend")
    assert hotspot.session(guest.ip)
    event = await DB.row("SELECT actor, data ->> 'who' AS who FROM events WHERE name = 'foreign_removed'")
    assert event
    assert (event["actor"], event["who"]) == ("user:7", "cousin")


async def test_a_device_let_by_is_shut_out_only_by_its_mac(room: Room) -> None:
    for mac in ("02:00:00:00:0E:01", "02:00:00:00:0E:02"):
        bypass(room, mac)
    report = await looked(room)
    assert {each.who for each in report.foreign.findings} == {"02:00:00:00:0E:01", "02:00:00:00:0E:02"}
    target = Target(Kind.BYPASSED, "02:00:00:00:0E:01")
    await drift.remove(actor(room), room.router.id, target, now=room.clock.now())
    assert await job.carry_out(await open_look(), room.doors)
    bound = [row.get("mac-address") for row in room.board.tables["/ip/hotspot/ip-binding"].rows.values()]
    assert bound == ["02:00:00:00:0E:02"]
    report = await drift.report(actor(room), room.router.id)
    assert [each.who for each in report.foreign.findings] == ["02:00:00:00:0E:02"]


async def test_nothing_of_ours_and_nothing_unseen_can_be_named(room: Room) -> None:
    lose_user(room, await room.guest())
    (missing,) = (await looked(room)).lacking.findings
    for target in (Target(Kind.MISSING, missing.who), Target(Kind.FOREIGN_USER, "nobody"), Target(Kind.FREE, "x")):
        with pytest.raises(Conflict):
            await drift.remove(actor(room), room.router.id, target, now=room.clock.now())
        with pytest.raises(NotFound):
            await drift.target_seen(actor(room), room.router.id, target)
    assert await open_look() is None


async def test_a_row_that_became_ours_meanwhile_is_not_removed(room: Room) -> None:
    """What the person saw is compared with the router once more, right before anything is done."""
    stranger(room)
    await looked(room)
    await drift.remove(actor(room), room.router.id, Target(Kind.FOREIGN_ONLINE, "cousin"), now=room.clock.now())
    await DB.fetch(
        "UPDATE drift_looks SET target = $1::jsonb WHERE done_at IS NULL", '{"kind": "foreign_user", "who": "cousin"}'
    )
    assert await job.carry_out(await open_look(), room.doors)
    assert room.board.hotspot.users.named("cousin"), "it was named as somebody offline and is online"


async def test_a_row_a_person_vouches_for_is_no_leak_until_doubted(room: Room) -> None:
    stranger(room)
    room.shift(hours=25)
    bypass(room, "02:00:00:00:0E:01")
    owner, router, now = actor(room), room.router.id, room.clock.now()
    before = await looked(room)
    assert before.foreign.cents > 0
    phone, cousin = Target(Kind.BYPASSED, "02:00:00:00:0E:01"), Target(Kind.FOREIGN_ONLINE, "cousin")
    for target in (phone, cousin, cousin):
        await drift.vouch(owner, router, target, now=now)
    report = await drift.report(owner, router)
    assert (len(report.foreign), len(report.known), report.cents) == (0, 2, 0)
    await drift.doubt(owner, router, cousin, now=now)
    report = await drift.report(owner, router)
    assert ([each.who for each in report.foreign.findings], len(report.known)) == (["cousin"], 1)
    names = [row["name"] for row in await DB.fetch("SELECT name FROM events WHERE entity = 'routers' ORDER BY id")]
    assert [name for name in names if name in ("vouched", "doubted")] == ["vouched", "vouched", "doubted"]
    with pytest.raises(NotFound):
        await drift.vouch(owner, router, Target(Kind.MISSING, "x"), now=now)


async def test_a_router_that_does_not_answer_is_told_and_what_was_known_stays(room: Room) -> None:
    stranger(room)
    assert (await looked(room)).differences == 1
    await room.board.set_online(False)
    report = await looked(room)
    assert report.standing.failed
    assert report.standing.failed.error
    assert report.differences == 1
    await room.board.set_online(True)
    report = await looked(room)
    assert report.standing.failed is None


async def test_only_one_look_at_a_router_is_under_way(room: Room) -> None:
    owner, now = actor(room), room.clock.now()
    for _ in range(2):
        await drift.ask(owner, room.router.id, now=now)
    assert await DB.value("SELECT count(*) FROM drift_looks") == 1
    assert await DB.value("SELECT count(*) FROM pgqueuer") == 1
    with pytest.raises(Conflict):
        await drift.repair(owner, room.router.id, now=now)
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'repair'") == 0


async def test_every_router_is_looked_at_each_hour_and_what_the_queue_lost_is_done(
    room: Room,
) -> None:
    await factories.router(room.vault, room.merchant_id, name="away", status="offline")
    assert (await job.look_around(room.doors)).processed == 1
    assert (await job.look_around(room.doors)).processed == 0
    room.shift(minutes=56)
    assert (await job.look_around(room.doors)).processed == 1
    await drift.ask(actor(room), room.router.id, now=room.clock.now())
    assert (await job.look_around(room.doors)).processed == 0, "the queue has it"
    room.shift(seconds=31)
    assert (await job.look_around(room.doors)).processed == 1
    assert await open_look() is None


async def test_only_the_last_fifty_looks_are_kept(room: Room) -> None:
    for _ in range(53):
        await drift.ask(actor(room), room.router.id, now=room.clock.now())
        await drift.finish(await open_look(), now=room.clock.now())
    assert await DB.value("SELECT count(*) FROM drift_looks") == 50
    assert await DB.value("SELECT min(id) FROM drift_looks") == 4


async def test_names_of_any_kind_are_kept(room: Room) -> None:
    await drift.ask(actor(room), room.router.id, now=room.clock.now())
    odd = Finding(kind=Kind.FOREIGN_USER, who="a\0b" + "x" * 500, at_stake_cents=1)
    await drift.finish(await open_look(), before=[odd], after=[odd], error="e" * 900, now=room.clock.now())
    await DB.fetch("UPDATE drift_looks SET error = ''")
    (kept,) = (await drift.report(actor(room), room.router.id)).foreign.findings
    assert kept.who == ("ab" + "x" * 500)[:120]


async def test_strangers_and_cashiers_ask_for_nothing(room: Room) -> None:
    stranger(room)
    report = await looked(room)
    target, now = Target(report.foreign.findings[0].kind, report.foreign.findings[0].who), room.clock.now()
    other = await factories.merchant("Somebody else")
    for who, error in ((actor(room, merchant_id=other), NotFound), (actor(room, Role.CASHIER), Forbidden)):
        for act in (drift.ask, drift.repair):
            with pytest.raises(error):
                await act(who, room.router.id, now=now)
        for act in (drift.remove, drift.vouch, drift.doubt):
            with pytest.raises(error):
                await act(who, room.router.id, target, now=now)
    assert (await drift.report(actor(room, merchant_id=other), room.router.id)).differences == 0
    assert await drift.reports(actor(room, merchant_id=other)) == {}
    assert await open_look() is None


async def test_a_paused_router_is_left_alone(room: Room) -> None:
    await DB.fetch("UPDATE routers SET status = 'paused'")
    for act in (drift.ask, drift.repair):
        with pytest.raises(Conflict):
            await act(actor(room), room.router.id, now=room.clock.now() + timedelta(hours=2))


async def test_a_router_that_asks_us_answers_a_look_by_what_it_tells(room: Room) -> None:
    """Nobody dials it: what it tells of itself answers the look that waits, a repair by the telling after its pass."""
    guest = await room.guest()
    stranger(room)
    client = await room.doors.routers.to(await routers.access_to(room.router.id, vault=room.vault))
    await DB.fetch("UPDATE routers SET way = 'pull'")

    async def tells() -> Report:
        now = room.clock.now()
        await drift.heard(room.router.id, await observe(client), vault=room.vault, actor="job:pull", now=now)
        return await drift.report(actor(room), room.router.id)

    assert [each.who for each in (await tells()).foreign.findings] == ["cousin"], "the first telling is looked at"
    lose_user(room, guest)
    assert (await tells()).mendable == 0, "the hour is not over, and nobody asked"
    owner, router = actor(room), room.router.id
    await drift.ask(owner, router, now=room.clock.now())
    assert await DB.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'look-at-drift'") == 0
    assert await job.carry_out(await open_look(), room.doors)
    assert await open_look(), "the worker leaves it to the router"
    assert (await tells()).mendable == 1
    await drift.repair(owner, router, now=room.clock.now())
    assert (await tells()).standing.open, "the pass comes after this telling"
    await DB.fetch("UPDATE routers SET way = 'direct'")
    assert await room.sync()
    await DB.fetch("UPDATE routers SET way = 'pull'")
    result = (await tells()).result
    assert result
    assert (result.gone, result.left) == (1, 0)
    await drift.remove(owner, router, Target(Kind.FOREIGN_ONLINE, "cousin"), now=room.clock.now())
    assert (await tells()).standing.open, "it is taken off after this telling"
    result = (await tells()).result
    assert result
    assert result.left == 1, "nobody did it here"
    room.shift(minutes=56)
    assert (await job.look_around(room.doors)).processed == 0
    assert (await tells()).result is None, "looked at again, because the hour is over"
