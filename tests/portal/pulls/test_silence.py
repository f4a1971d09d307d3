"""Routers that stop asking, and that nobody dials them meanwhile."""

import asyncio
from datetime import timedelta

import pytest

from jobs import doctor, outages, routers
from jobs.rounds import Rounds
from portal import pulls
from portal.db import DB
from portal.outages import SHORTEST
from portal.pulls.silence import limits_for
from portal.routers import access_to
from routeros.errors import Unreachable
from tests.portal.pulls.site import Site


async def look(site: Site, **later: float) -> str:
    """So much later the worker looks; the router's status then."""
    site.shift(**later)
    await pulls.note_silent(now=site.clock.now())
    return await site.status()


async def test_missed_questions_make_a_router_late_and_then_offline(site: Site) -> None:
    assert await look(site, seconds=600) == "new", "one that never asked is waited for, not missed"
    await site.run()
    assert await look(site, seconds=34) == "online"
    assert await look(site, seconds=2) == "late"
    assert await look(site, seconds=28) == "late"
    assert await look(site, seconds=2) == "offline"
    await site.run()
    assert await site.status() == "online"


def test_a_slow_line_is_given_more_time() -> None:
    assert limits_for(60) == (timedelta(seconds=125), timedelta(seconds=245))


async def test_hours_of_silence_are_an_outage_and_end_with_the_next_question(site: Site) -> None:
    await site.run()
    guest = await site.guest(duration_s=3600)
    await site.run()
    last = await DB.value("SELECT last_seen_at FROM routers")
    ends = await DB.value("SELECT expires_at FROM vouchers")
    assert await look(site, hours=3) == "offline"
    assert await DB.value("SELECT count(*) FROM router_outages") == 1, "told at once, not when the job comes round"
    await outages.credit(site.doors)
    newcomer = await site.guest()
    await site.run()
    await outages.credit(site.doors)
    outage = await DB.row("SELECT began_at, ended_at FROM router_outages")
    assert outage
    assert outage["began_at"] == last
    back = await DB.value("SELECT at FROM events WHERE name = 'answer' ORDER BY id DESC LIMIT 1")
    assert outage["ended_at"] == back
    assert outage["ended_at"] - outage["began_at"] > SHORTEST
    lost = outage["ended_at"] - outage["began_at"]
    assert abs(
        await DB.value("SELECT expires_at FROM vouchers WHERE id = $1", guest.voucher_id) - ends - lost
    ) < timedelta(seconds=2)
    assert site.is_online(newcomer)
    assert await site.voucher(guest) == "in_use", "nobody lost what was paid for"


async def test_nobody_ever_dials_a_router_that_asks(site: Site) -> None:
    dialled: list[object] = []

    async def answer_the_phone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialled.append(reader)
        writer.close()

    server = await asyncio.start_server(answer_the_phone, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await DB.fetch("UPDATE routers SET api_host = '127.0.0.1', api_port = $1", port)
    await site.run()
    guest = await site.guest()
    site.shift(hours=1)
    await routers.reconcile(site.router_id, site.doors)
    await routers.sync(site.doors)
    await routers.sync_one(site.router_id, site.doors)
    await doctor.check(site.router_id, site.doors)
    await doctor.check_all(site.doors)
    rounds = Rounds()
    await rounds.look(site.doors)
    await rounds.settle()
    with pytest.raises(Unreachable):
        await site.doors.routers.to(await access_to(site.router_id, vault=site.vault))
    server.close()
    await server.wait_closed()
    assert dialled == []
    assert await site.status() == "online", "and none of it takes it for away"
    site.board.hotspot.see_host(guest.mac, guest.ip)
    await site.run()
    assert site.is_online(guest)
