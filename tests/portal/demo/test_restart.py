"""A demo that ends and starts again finds its world as it was: people online, routers without drift, ports and time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from portal import access_grants
from portal.db import DB
from portal.demo import fill
from portal.demo.run import facts
from portal.demo.world import DemoWorld
from portal.desired import desired_state
from portal.vault import Vault
from routeros.apply import observe
from routeros.client import HotspotRouter
from routeros.reconcile import Observed, plan
from routeros.values import RouterAddress

NOW = datetime(2026, 11, 20, 11, 12, tzinfo=UTC)


async def looked_at(world: DemoWorld, place: int) -> Observed:
    """Everything our user sees on a router."""
    router = world.routers[place]
    client = HotspotRouter(RouterAddress(router.board.api_host, router.board.api_port, router.user, router.password))
    try:
        return await observe(client)
    finally:
        await client.close()


async def online_without_drift(world: DemoWorld) -> set[str]:
    """The users online on the two routers that answer; fails when anything on them is not as the database wishes."""
    online: set[str] = set()
    for place in (0, 1):
        seen = await looked_at(world, place)
        found = await access_grants.all_of(world.routers[place].id, vault=world.vault)
        grants = [each for each in found if each.status != "wanted"]  # no worker runs here to bring what is new
        wanted = plan(desired_state(grants, now=world.clock.now()), seen)
        assert wanted.operations == ()
        assert wanted.held is None
        online |= {session.user for session in seen.active}
    return online


async def test_the_world_is_the_same_after_a_restart(db: str, tmp_path: Path) -> None:
    async with DemoWorld.started(tmp_path, days=3, works=False) as world:
        before, told = await online_without_drift(world), facts(world)
        in_database = await DB.value("SELECT count(*) FROM hotspot_sessions WHERE ended_at IS NULL")
        assert len(before) == in_database >= 10
        world.shift(hours=2)
        await world.set_router(2, is_on=True)
    async with DemoWorld.started(tmp_path, works=False) as world:
        assert facts(world) == told
        assert timedelta(hours=2) <= world.clock.offset < timedelta(hours=2, minutes=1)
        assert [router.is_on for router in world.routers] == [True, True, True]
        after = await online_without_drift(world)
        over = await DB.fetch(
            """SELECT g.user_name FROM access_grants g JOIN vouchers v ON v.id = g.voucher_id
               WHERE g.status = 'present' AND v.expires_at <= $1""",
            world.clock.now(),
        )
        out_of_time = {row["user_name"] for row in over}
        assert before - out_of_time <= after, "who was online and has time left is online"
        assert not after & out_of_time
        assert await DB.value("SELECT count(*) FROM merchants") == 1


async def test_people_who_wait_at_the_router_that_is_off_are_known_to_it(db: str, tmp_path: Path) -> None:
    async with DemoWorld.started(tmp_path, days=3, works=False) as world:
        assert not world.routers[2].is_on
        waiting = await DB.fetch(
            "SELECT mac FROM access_grants WHERE status = 'wanted' AND router_id = $1", world.routers[2].id
        )
        assert len(waiting) == 2
        await world.set_router(2, is_on=True)
        assert {row["mac"] for row in waiting} <= {host.mac_address for host in (await looked_at(world, 2)).hosts}


async def test_a_shop_that_was_left_alone_for_two_days_has_caught_up(db: str, vault: Vault) -> None:
    await fill.fill(vault, now=NOW, days=2)
    before = await DB.value("SELECT count(*) FROM payments")
    assert await fill.catch_up(vault, now=NOW + timedelta(minutes=20)) == 0
    added = await fill.catch_up(vault, now=NOW + timedelta(days=2))
    assert added > 100
    assert await DB.value("SELECT count(*) FROM payments") == before + added
    assert await DB.value("SELECT sum(amount_cents) FROM ledger_entries") == 0
    newest = await DB.value("SELECT max(created_at) FROM payments")
    assert NOW + timedelta(days=2) - newest < timedelta(hours=4)
    last = await DB.value("SELECT max(id) FROM payments")
    assert await DB.value("SELECT nextval('payments_id_seq')") == last + 1 > fill.ROOM + before + added


async def test_sales_over_the_counter_do_not_stand_in_the_way_of_catching_up(db: str, vault: Vault) -> None:
    await fill.fill(vault, now=NOW, days=2)
    merchant_id = await DB.value("SELECT min(id) FROM merchants")
    last = await DB.value("SELECT max(id) FROM payments")
    columns = """merchant_id, status, method, amount_cents, received_cents, account_reference, callback_token, created_at, paid_at"""
    for number in range(1, 8):  # cash is a payment without a checkout, and takes a number for itself
        await DB.fetch(
            f"""INSERT INTO payments (id, {columns}) VALUES ($1, $2, 'paid', 'cash', 5000, 5000, $3, $3, $4, $4)""",
            last + number, merchant_id, f"CASH{number}", NOW,
        )  # fmt: skip
    added = await fill.catch_up(vault, now=NOW + timedelta(days=1))
    assert await DB.value("SELECT count(*) FROM payments WHERE id > $1 AND checkout_id = id", last + 7) == added > 50
