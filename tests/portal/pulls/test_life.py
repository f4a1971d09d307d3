"""A router that asks us, from its first question on: sales, ends, reads, restarts, other boards."""

from datetime import timedelta

import pytest

from portal import meters, routers
from portal.db import DB
from portal.routers import changes
from routeros.script.pull_values import StateKind
from routeros.simulator.scripting.fetching import FetchReply, FetchRequest
from tests.portal.pulls.site import VERSIONS, Guest, Site

EVERYWHERE = pytest.mark.parametrize("version", VERSIONS)


@EVERYWHERE
async def test_a_guest_is_let_in_and_put_off_again(site: Site) -> None:
    await site.run()
    assert await site.status() == "online"
    guest = await site.guest()
    await site.run()
    assert site.is_online(guest)
    assert (await site.grant(guest), await site.voucher(guest)) == ("present", "in_use")
    assert await DB.value("SELECT count(*) FROM hotspot_sessions WHERE ended_at IS NULL") == 1
    await site.end(guest)
    await site.run()
    assert not site.is_online(guest)
    assert site.users() == {}
    assert await site.grant(guest) == "gone"


async def kinds_given(site: Site, since: int) -> list[str]:
    """The verbs of all jobs the router was given since so many replies."""
    lines = [line for reply in site.line.replies[since:] for line in reply.body.decode().split('["=') if '"=' in line]
    return [line.split('"=')[1].split('"')[0] for line in lines[0:] if line[0].isdigit()]


async def test_a_second_pass_gives_nothing_to_do(site: Site) -> None:
    await site.run()
    await site.guest()
    await site.run(times=5)
    asked = len(site.line.replies)
    site.shift(seconds=60)
    await site.run(times=5)
    given = set(await kinds_given(site, asked))
    assert given == {"report"}


async def test_a_router_is_read_whole_every_minute_and_use_is_counted(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    await site.run()
    site.board.hotspot.count_traffic(guest.ip, 1_000, 20_000)
    await site.run(times=5)
    row = await DB.row("SELECT used_uptime_s, used_bytes FROM access_grants")
    assert row
    assert 44 <= row["used_uptime_s"] <= 48, "let in 45 s before the second read"
    assert row["used_bytes"] == 21_000
    assert await DB.value("SELECT count(*) FROM pull_pages") == 0


async def test_the_board_is_known_after_the_first_run(site: Site) -> None:
    await site.run()
    row = await DB.row("SELECT version, serial, board, status, reconciled_at, uptime_s FROM routers")
    assert row
    assert (row["version"], row["serial"], row["status"]) == ("7.16", "HEX0SIM0001", "online")
    assert row["board"]
    assert row["reconciled_at"] is not None


async def test_how_long_a_pass_took_is_measured(site: Site) -> None:
    meters.take()
    await site.run()
    assert meters.take()[(meters.RECONCILE, "pull")].total == 1


async def test_a_restarted_router_is_read_at_once_and_its_phones_come_back(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    await site.run(times=5)  # read once more: a start is known by an uptime that fell
    site.board.reboot()
    assert not site.is_online(guest)
    await site.run(times=2)
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'restarted'") == 1
    assert await site.voucher(guest) == "in_use"
    site.board.hotspot.see_host(guest.mac, guest.ip)
    await site.wish(guest)
    await site.run()
    assert site.is_online(guest)


async def test_what_a_person_removed_at_the_router_is_made_again(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    await site.run()
    name = next(iter(site.users()))
    site.board.tables["/ip/hotspot/user"].remove(site.board.tables["/ip/hotspot/user"].named(name)[0])
    assert site.users() == {}
    site.shift(seconds=60)
    await site.run()
    assert list(site.users()) == [name]
    assert await site.grant(guest) == "present"


async def test_users_of_ours_that_nobody_knows_are_held_until_a_person_says_so(site: Site) -> None:
    users = site.board.tables["/ip/hotspot/user"]
    for number in range(5):
        users.add({"name": f"vocha-{number:016x}", "password": "x", "comment": f"vocha:{number}"})
    await site.run()
    assert len(site.users()) == 5
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'brakes_held'") == 1
    assert await routers.release_brakes(site.owner, site.router_id, now=site.clock.now())
    site.shift(seconds=60)
    await site.run()
    assert site.users() == {}


async def test_more_users_than_one_page_holds_are_read_whole(site: Site) -> None:
    await site.run()
    await site.crowd(800)
    users = site.board.tables["/ip/hotspot/user"]
    site.board.tables["/ip/hotspot/user/profile"].add({"name": "vocha-full-x1", "shared-users": "1"})
    for row in await DB.fetch("SELECT id, user_name FROM access_grants"):
        made = {"profile": "vocha-full-x1", "comment": f"vocha:{row['id']}", "limit-uptime": "1d"}
        users.add({"name": row["user_name"], "password": "x", **made})
    await DB.fetch("UPDATE access_grants SET status = 'present', next_try_at = NULL")
    site.shift(seconds=60)
    asked = len(site.line.requests)
    await site.run()
    pages = [page for report in site.reports()[asked:] for page in report.states if page.kind is StateKind.USERS]
    assert [page.is_last for page in pages] == [False, False, True]
    assert sum(len(request.body) for request in site.line.requests[asked:]) > 65_536, "more than one question holds"
    assert max(len(request.body) for request in site.line.requests) <= 65_536
    assert set(await kinds_given(site, asked)) == {"report"}, "and they are as they should be"
    assert len(site.users()) == 800


async def test_what_does_not_fit_into_one_answer_comes_with_the_next(site: Site) -> None:
    await site.run()
    await site.crowd(120)
    await DB.fetch("UPDATE access_grants SET next_try_at = $1", site.clock.now() + timedelta(hours=1))
    site.shift(seconds=60)
    asked = len(site.line.replies)
    await site.run()
    assert len(site.users()) == 120, "made by a complete pass"
    given = [reply.body.count(b'"=user"') for reply in site.line.replies[asked:]]
    assert [number for number in given if number] == [99, 21], "a profile goes first"
    assert await DB.value("SELECT count(*) FROM access_grants WHERE status = 'present'") == 120
    assert await DB.value("SELECT visit FROM router_pulls") is None, "the pass came to its end in one run"


@EVERYWHERE
async def test_the_newest_device_of_a_voucher_wins(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    await site.run()
    old_ip = guest.ip
    guest.mac, guest.ip = "02:00:00:00:AA:01", "10.5.50.200"
    site.board.hotspot.see_host(guest.mac, guest.ip)
    await site.wish(guest)
    await site.run()
    assert site.is_online(guest)
    assert site.board.hotspot.session(old_ip) is None


async def test_a_device_that_left_does_not_cost_the_other_one_its_place(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    await site.run()
    elsewhere = Guest(guest.voucher_id, "02:00:00:00:AA:02", "10.5.50.201")
    await site.wish(elsewhere)  # the router has never seen it
    await site.run()
    assert site.is_online(guest)
    assert "unknown host" in await DB.value("SELECT last_error FROM access_grants")


@pytest.mark.parametrize("mac", ["", "02:00:00:00:AA:03"])
async def test_a_phone_that_moves_while_it_is_let_in_is_let_in_where_it_is(site: Site, mac: str) -> None:
    await site.run()
    guest = await site.guest()
    carry = site.line.carry

    async def move_before_it_is_told(request: FetchRequest) -> FetchReply:
        if b"ack|" in request.body and guest.ip != "10.5.50.202":
            assert site.is_online(guest), "let in where it was"
            guest.mac, guest.ip = mac or guest.mac, "10.5.50.202"
            site.board.hotspot.see_host(guest.mac, guest.ip)
            await site.wish(guest)
        return await carry(request)

    site.line.carry = move_before_it_is_told
    await site.run(times=2)
    assert site.is_online(guest)
    assert await DB.value("SELECT login_wanted_at FROM access_grants") is None


async def test_who_was_put_off_at_the_router_is_noticed(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    await site.run(times=5)
    site.board.hotspot.logout(guest.ip, cause="admin reset")
    other = await site.guest()
    await site.run(times=5)
    assert site.is_online(other)
    found = await DB.fetch("SELECT entity_id FROM events WHERE name = 'session_ended'")
    assert [row["entity_id"] for row in found] == [guest.voucher_id]


async def test_a_paused_router_is_given_nothing(site: Site) -> None:
    await site.run()
    await changes.pause(site.owner, site.router_id, now=site.clock.now())
    guest = await site.guest()
    await site.run()
    assert not site.is_online(guest)
    await changes.resume(site.owner, site.router_id, now=site.clock.now())
    await site.run()
    assert site.is_online(guest)
    assert await site.status() == "online"
