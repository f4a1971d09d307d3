"""Rows that are not ours at a router that asks us: seen each hour, and taken off when a person names one, and only that."""

import dataclasses

import pytest

from portal import drift
from portal.db import DB
from portal.drift import Kind, Report, Target
from portal.errors import Conflict
from routeros.simulator.scripting.engine import ScriptEngine
from routeros.simulator.scripting.fetching import FetchReply, FetchRequest
from tests.portal.pulls.site import VERSIONS, Site

EVERYWHERE = pytest.mark.parametrize("version", VERSIONS)
MAC, IP = "02:00:00:00:0F:01", "10.5.50.201"
COUSIN = Target(Kind.FOREIGN_USER, "cousin")


def terminal(site: Site, *lines: str) -> None:
    pasted = ScriptEngine(site.board).paste("\n".join(lines) + "\n")
    assert pasted.error is None, pasted.output


def names(site: Site) -> set[str]:
    return {row["name"] for row in site.board.dispatcher.menus["/ip/hotspot/user"].shown()} - {"default-trial"}


async def look(site: Site) -> Report:
    """Have it looked at, and what the page says then."""
    await drift.ask(site.owner, site.router_id, now=site.clock.now())
    await site.run()
    return await told(site)


async def told(site: Site) -> Report:
    return await drift.report(site.owner, site.router_id)


async def remove(site: Site, target: Target) -> None:
    await drift.remove(site.owner, site.router_id, target, now=site.clock.now())


@EVERYWHERE
async def test_a_user_of_somebody_else_goes_when_a_person_says_so(site: Site) -> None:
    await site.run(times=2)
    terminal(
        site,
        '/ip hotspot user add name=cousin password=x comment="the owner\'s; \\"friend\\""',
        "/ip hotspot user add name=printer password=y",
    )
    guest = await site.guest()
    await site.run()
    found = (await look(site)).foreign.findings
    assert {(each.kind, each.who) for each in found} == {(Kind.FOREIGN_USER, "cousin"), (Kind.FOREIGN_USER, "printer")}
    assert {"cousin", "printer"} < names(site), "nothing goes before somebody says so"
    await remove(site, COUSIN)
    await site.run()
    assert names(site) == {"printer", *site.users()}
    assert site.is_online(guest)
    after = await told(site)
    assert after.standing.open is None
    assert [each.who for each in after.foreign.findings] == ["printer"]
    assert await DB.value("SELECT count(*) FROM events WHERE name = 'foreign_removed'") == 1


@EVERYWHERE
async def test_somebody_who_got_in_past_us_is_put_off(site: Site) -> None:
    await site.run(times=2)
    terminal(site, "/ip hotspot user add name=cousin password=x")
    site.board.hotspot.see_host(MAC, IP)
    terminal(site, f"/ip hotspot active login user=cousin password=x ip={IP} mac-address={MAC}")
    (found,) = (await look(site)).foreign.findings
    assert (found.kind, found.who) == (Kind.FOREIGN_ONLINE, "cousin")
    await remove(site, Target(found.kind, found.who))
    await site.run()
    assert site.board.hotspot.session(IP) is None
    assert names(site) == set()
    assert not (await told(site)).foreign.findings


@EVERYWHERE
async def test_a_device_let_by_without_a_login_is_let_by_no_longer(site: Site) -> None:
    await site.run(times=2)
    terminal(
        site,
        f"/ip hotspot ip-binding add mac-address={MAC} type=bypassed comment=friend",
        "/ip hotspot ip-binding add mac-address=02:00:00:00:0F:02 type=bypassed",
    )
    site.board.hotspot.see_host(MAC, IP)
    (found,) = (await look(site)).foreign.findings
    assert (found.kind, found.who) == (Kind.BYPASSED, MAC)
    await remove(site, Target(found.kind, found.who))
    await site.run()
    left = [row["mac-address"] for row in site.board.dispatcher.menus["/ip/hotspot/ip-binding"].shown()]
    assert left == ["02:00:00:00:0F:02"]
    assert not (await told(site)).foreign.findings


@EVERYWHERE
async def test_a_row_that_changed_since_it_was_seen_stays(site: Site) -> None:
    await site.run(times=2)
    terminal(site, "/ip hotspot user add name=cousin password=x comment=old")
    await look(site)
    honest = site.line.carry

    async def changing(request: FetchRequest) -> FetchReply:
        reply = await honest(request)
        if b"drop" in reply.body:
            terminal(site, "/ip hotspot user set [find where name=cousin] comment=new")
        return reply

    site.line.carry = changing
    await remove(site, COUSIN)
    await site.run()
    assert names(site) == {"cousin"}
    standing = (await told(site)).standing
    assert standing.open is None
    assert standing.failed is not None
    assert standing.failed.error == drift.NOT_TAKEN_OFF


@EVERYWHERE
async def test_an_old_answer_sent_again_takes_nothing_off(site: Site) -> None:
    await site.run(times=2)
    terminal(site, "/ip hotspot user add name=cousin password=x")
    await look(site)
    await remove(site, COUSIN)
    await site.run()
    assert names(site) == set()
    (old,) = [reply for reply in site.line.replies if b"drop" in reply.body]
    terminal(site, "/ip hotspot user add name=cousin password=x")
    honest = site.line.carry

    async def replaying(request: FetchRequest) -> FetchReply:
        await honest(request)
        return old

    site.line.carry = replaying
    await site.run(times=3)
    assert names(site) == {"cousin"}
    site.line.carry = honest
    await site.run(times=2)
    assert names(site) == {"cousin"}, "one word, one row, once"


async def test_a_removal_whose_answer_was_lost_is_asked_for_again(site: Site) -> None:
    await site.run(times=2)
    terminal(site, "/ip hotspot user add name=cousin password=x")
    await look(site)
    honest, lost = site.line.carry, list[int]()

    async def losing(request: FetchRequest) -> FetchReply:
        reply = await honest(request)
        if b"drop" in reply.body and not lost:
            lost.append(1)
            return FetchReply(502, body=b"")
        return reply

    site.line.carry = losing
    await remove(site, COUSIN)
    await site.run()
    assert names(site) == {"cousin"}
    await site.run()
    assert names(site) == set()
    assert (await told(site)).standing.open is None


async def test_what_no_look_saw_cannot_be_named(site: Site) -> None:
    await site.run(times=2)
    await look(site)
    terminal(site, "/ip hotspot user add name=cousin password=x")
    with pytest.raises(Conflict):
        await remove(site, COUSIN)
    guest = await site.guest()
    await site.run()
    (own,) = site.users()
    for target in (Target(Kind.SURPLUS, own), Target(Kind.FOREIGN_USER, own)):
        with pytest.raises(Conflict):
            await remove(site, target)
    assert site.is_online(guest)


async def test_a_name_that_cannot_be_said_ends_in_a_sentence(site: Site) -> None:
    await site.run(times=2)
    terminal(site, '/ip hotspot user add name="a|b" password=x')
    assert [each.who for each in (await look(site)).foreign.findings] == ["a|b"]
    await remove(site, Target(Kind.FOREIGN_USER, "a|b"))
    await site.run()
    assert names(site) == {"a|b"}
    failed = (await told(site)).standing.failed
    assert failed is not None
    assert failed.error == drift.NOT_TAKEN_OFF


async def test_strangers_are_told_when_somebody_asks_or_the_hour_is_over(site: Site) -> None:
    await site.run(times=6)
    assert len(await _asked(site)) == 1
    site.shift(minutes=30)
    await site.run(times=2)
    assert len(await _asked(site)) == 1
    site.shift(minutes=25)
    await site.run(times=2)
    assert len(await _asked(site)) == 2
    await look(site)
    assert len(await _asked(site)) == 3


async def _asked(site: Site) -> list[FetchRequest]:
    return [request for request in site.line.requests if b"state|foreign" in request.body]


async def test_an_agent_that_does_not_know_strangers_goes_on_as_before(site: Site) -> None:
    (row,) = [row for row in site.board.tables["/system/script"] if row.values["name"] == "vocha-pull"]
    row.values["source"] = row.values["source"].replace('$vName = "foreign"', '$vName = "never"')
    terminal(site, "/ip hotspot user add name=cousin password=x")
    guest = await site.guest()
    await site.run(times=2)
    assert site.is_online(guest)
    report = await look(site)
    assert report.standing.good is not None
    assert not report.foreign.findings


async def test_a_torn_page_of_strangers_is_no_reason_to_do_anything(site: Site) -> None:
    await site.run(times=2)
    terminal(site, "/ip hotspot user add name=cousin password=x")
    await look(site)
    honest = site.line.carry

    async def tearing(request: FetchRequest) -> FetchReply:
        if b"state|foreign" in request.body:
            return await honest(dataclasses.replace(request, body=request.body[:-40]))
        return await honest(request)

    site.line.carry = tearing
    await remove(site, COUSIN)
    await site.run(times=3)
    assert names(site) == {"cousin"}
    assert (await told(site)).standing.open is not None
    site.line.carry = honest
    await site.run(times=3)
    assert names(site) == set()
