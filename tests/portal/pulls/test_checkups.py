"""The doctor at a router that asks us: when its settings are asked for, what is found, and what is not believed."""

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from portal import pulls
from portal.db import DB
from portal.errors import Unavailable
from portal.routers import changes, checks, snapshots
from routeros.doctor import Finding
from routeros.script.pull_values import StateKind
from routeros.simulator.scripting.engine import ScriptEngine
from routeros.simulator.scripting.fetching import FetchReply, FetchRequest
from tests.portal.pulls.site import VERSIONS, Site

EVERYWHERE = pytest.mark.parametrize("version", VERSIONS)


async def looks(site: Site) -> list[list[Finding]]:
    """What each look found, the oldest first."""
    rows = await DB.fetch("SELECT findings FROM router_checks WHERE router_id = $1 ORDER BY id", site.router_id)
    return [msgspec.json.decode(row["findings"], type=list[Finding]) for row in rows]


def codes(findings: Sequence[Finding]) -> set[str]:
    return {finding.code for finding in findings}


async def settings(site: Site) -> dict[str, str]:
    """The newest snapshot."""
    (newest, *_) = await snapshots.listed(site.owner, site.router_id)
    return dict(newest.settings)


def asked(site: Site) -> int:
    """How often it told its settings."""
    return sum(page.kind is StateKind.SETTINGS and page.page == 1 for each in site.reports() for page in each.states)


@EVERYWHERE
async def test_a_router_is_looked_at_once_after_set_up(site: Site) -> None:
    await site.run(times=3)
    (found,) = await looks(site)
    assert not {"api_plain", "policies_missing", "garden_closed", "hotspot_none", "trouble_not_router"} & codes(found)
    told = await settings(site)
    assert told["version"] == site.version
    assert told["time zone"] == "Africa/Nairobi"
    assert told["time servers"] == "on"
    assert told["hotspot hotspot1 login-by"] == "cookie,http-pap,mac-cookie"
    assert told["walled garden hosts"]
    assert ("device-mode hotspot" in told) == (site.version != "6.49")
    assert await DB.value("SELECT count(*) FROM pull_pages") == 0


@EVERYWHERE
async def test_what_is_wrong_is_found_and_compared_with_the_look_before(site: Site) -> None:
    await site.run(times=2)
    spoilt = (
        "/system clock set time-zone-name=Europe/Riga\n/ip hotspot profile set [find] login-by=trial,http-pap\n"
        '/system identity set name="a|b \\"c\\" \\$d"\n'
    )
    assert ScriptEngine(site.board).paste(spoilt).error is None
    await changes.look_again(site.owner, site.router_id, now=site.clock.now())
    await site.run()
    found = {finding.code: finding for finding in (await looks(site))[-1]}
    assert found["zone"].params == {"is": "Europe/Riga", "wanted": "Africa/Nairobi"}
    assert found["login_free"].params == {"ways": "trial"}
    assert (await settings(site))["identity"] == 'a|b "c" $d'
    newest, before = await snapshots.listed(site.owner, site.router_id)
    names = {each.name for each in (await snapshots.between(site.owner, site.router_id, before.id, newest.id)).changes}
    assert {"time zone", "identity", "hotspot hotspot1 login-by"} <= names


async def test_settings_are_asked_for_daily_and_not_more_often(site: Site) -> None:
    await site.run(times=6)
    assert asked(site) == 1
    site.shift(hours=23)
    await site.run(times=2)
    assert asked(site) == 1
    site.shift(hours=1)
    await site.run(times=2)
    assert asked(site) == 2
    assert len(await looks(site)) == 2


async def test_a_person_is_answered_at_the_next_question(site: Site) -> None:
    await site.run(times=2)
    await changes.look_again(site.owner, site.router_id, now=site.clock.now())
    assert await checks.newest(site.owner, site.router_id, zone=ZoneInfo("UTC")) is None
    await site.run()
    assert asked(site) == 2
    await site.run(times=2)
    assert asked(site) == 2


async def test_a_lost_answer_is_asked_for_again_and_phones_come_first(site: Site) -> None:
    honest = site.line.carry

    async def lossy(request: FetchRequest) -> FetchReply:
        if b"state|settings" in request.body:
            return FetchReply(503, body=b"later")
        return await honest(request)

    site.line.carry = lossy
    await site.run(times=4)
    assert await looks(site) == []
    guest = await site.guest()
    await site.run()
    assert site.is_online(guest), "a look that gets lost keeps nobody out"
    assert asked(site) == 1, "and is not asked for at every question"
    site.line.carry = honest
    site.shift(minutes=10)
    await site.run(times=2)
    assert len(await looks(site)) == 1


async def test_torn_or_repeated_settings_count_for_nothing(site: Site) -> None:
    honest, sent = site.line.carry, list[FetchRequest]()

    async def tearing(request: FetchRequest) -> FetchReply:
        if b"state|settings" in request.body:
            sent.append(request)
            return await honest(dataclasses.replace(request, body=request.body[: len(request.body) // 2]))
        return await honest(request)

    site.line.carry = tearing
    await site.run(times=2)
    assert len(sent) == 1
    assert await looks(site) == []
    site.line.carry = honest
    site.shift(minutes=10)
    await site.run(times=2)
    assert len(await looks(site)) == 1
    for old in (sent[0], next(each for each in site.line.requests[::-1] if b"state|settings" in each.body)):
        await honest(old)
    assert len(await looks(site)) == 1
    assert await DB.value("SELECT count(*) FROM pull_pages") == 0


async def test_settings_nobody_asked_for_count_for_nothing(site: Site) -> None:
    await site.run(times=2)
    honest = site.line.carry

    async def forging(request: FetchRequest) -> FetchReply:
        forged = request.body.replace(b'"end|', b'"state|settings|9999|1|last|0\\nsettings|/ip/hotspot|0||","end|')
        assert forged != request.body
        return await honest(dataclasses.replace(request, body=forged))

    site.line.carry = forging
    await site.run(times=2)
    assert len(await looks(site)) == 1


async def test_an_older_agent_is_told_apart_from_a_sound_router(site: Site) -> None:
    (row,) = [row for row in site.board.tables["/system/script"] if row.values["name"] == "vocha-pull"]
    row.values["source"] = row.values["source"].replace('$vName = "settings"', '$vName = "never"')
    await site.run(times=3)
    assert [codes(found) for found in await looks(site)] == [{"agent_old"}]
    guest = await site.guest()
    await site.run()
    assert site.is_online(guest)


async def test_a_long_walled_garden_comes_in_pages_that_fit(site: Site) -> None:
    garden = site.board.tables["/ip/hotspot/walled-garden"]
    for number in range(450):
        garden.add({"dst-host": f"{'x' * 60}{number}.{'y' * 60}.example.com", "action": "allow"})
    await site.run(times=3)
    told = await settings(site)
    assert len(told["walled garden hosts"]) == 2000
    assert max(len(request.body) for request in site.line.requests) <= 65_536
    assert sum(page.kind is StateKind.SETTINGS for each in site.reports() for page in each.states) >= 3


async def test_whoever_waits_is_told_what_the_next_question_brought(site: Site) -> None:
    await site.run(times=2)
    last = await pulls.look_now(site.router_id)
    waiting = asyncio.create_task(pulls.wait_for(site.router_id, after=last, patience_s=20))
    await site.run()
    assert await waiting == (await looks(site))[-1]
    with pytest.raises(Unavailable, match="has not asked"):
        await pulls.wait_for(site.router_id, after=last + 1, patience_s=0.01)


async def test_a_paused_router_is_not_looked_at(site: Site) -> None:
    await site.run(times=2)
    await changes.pause(site.owner, site.router_id, now=site.clock.now())
    site.shift(hours=30)
    await site.run(times=2)
    assert len(await looks(site)) == 1
    assert site.clock.now() - timedelta(hours=30) > await DB.value("SELECT max(at) FROM router_checks")
