"""The line between a router and us: questions and answers that are lost, torn, doubled, overtaken, replayed or forged."""

import asyncio
import json
import re

import httpx
import pytest

from portal import routers
from portal.db import DB
from routeros.script.pull import parse_work
from routeros.script.pull_values import PullWork
from routeros.script.values import Variant
from routeros.simulator.scripting.fetching import FetchFailed, FetchReply, FetchRequest
from tests.portal.pulls.site import VERSIONS, Site

BOTH = pytest.mark.parametrize("version", ["6.49", "7.18"])


async def post(site: Site, body: bytes) -> httpx.Response:
    """Somebody sends bytes to where routers ask."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{site.portal}/pull", content=body)


def work_in(site: Site, body: bytes) -> PullWork:
    return parse_work(body, Variant(VERSIONS[site.version][1]))


async def facts(site: Site) -> object:
    """Everything we believe about the router and its guests."""
    rows = [
        *await DB.fetch("SELECT * FROM routers"),
        *await DB.fetch("SELECT * FROM access_grants ORDER BY id"),
        *await DB.fetch("SELECT * FROM vouchers ORDER BY id"),
        *await DB.fetch("SELECT * FROM hotspot_sessions ORDER BY id"),
        *await DB.fetch("SELECT ask, seq, uptime_s, visit, profiles, read_at FROM router_pulls"),
        *await DB.fetch("SELECT * FROM pull_pages ORDER BY id"),
    ]
    restless = {"lease_until", "lease_token"}
    return [{name: value for name, value in dict(row).items() if name not in restless} for row in rows]


@BOTH
async def test_a_question_sent_again_changes_nothing_and_is_given_nothing(site: Site) -> None:
    await site.run()
    await site.guest()
    await site.run(times=2)
    before = await facts(site)
    again = await post(site, site.line.requests[-1].body)
    assert again.status_code == 200
    assert work_in(site, again.content).jobs == ()
    assert await facts(site) == before


@BOTH
async def test_old_questions_sent_again_are_not_believed(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    await site.run()
    await site.end(guest)
    await site.run(times=2)
    before = await facts(site)
    given = await DB.value("SELECT given FROM router_pulls")
    for request in list(site.line.requests[:-1]):
        answer = await post(site, request.body)
        assert {type(job.action).__name__ for job in work_in(site, answer.content).jobs} == {"Report"}
    assert await facts(site) == before, "not when it was seen, not who is online, nothing"
    assert await DB.value("SELECT given FROM router_pulls") > given
    newcomer = await site.guest()
    await site.run()
    assert site.is_online(newcomer), "and the true router goes on as if nothing had been"


@BOTH
async def test_questions_that_overtake_each_other_confirm_nothing_twice(site: Site) -> None:
    await site.run()
    held: list[FetchRequest] = []
    carry = site.line.carry

    async def hold_back(request: FetchRequest) -> FetchReply:
        if b"ack|" in request.body and not held:
            held.append(request)
            raise FetchFailed("connection timeout")
        return await carry(request)

    guest = await site.guest()
    site.line.carry = hold_back
    await site.run()
    assert held, "the question that told of the login is still on its way"
    assert await site.voucher(guest) == "paid"
    await site.run()
    assert await site.voucher(guest) == "in_use"
    before = await facts(site)
    await post(site, held[0].body)
    assert await facts(site) == before


@BOTH
async def test_an_answer_that_is_lost_is_given_again(site: Site) -> None:
    await site.run()
    carry, lost = site.line.carry, list[bytes]()

    async def lose_one(request: FetchRequest) -> FetchReply:
        reply = await carry(request)
        if not lost:
            lost.append(reply.body)
            raise FetchFailed("connection timeout")
        return reply

    guest = await site.guest()
    site.line.carry = lose_one
    await site.run()
    assert len(work_in(site, lost[0]).jobs) == 3
    assert not site.is_online(guest)
    await site.run()
    assert site.is_online(guest)
    assert await site.voucher(guest) == "in_use"


@BOTH
async def test_a_server_that_dies_between_answer_and_acknowledgement_repeats_the_work_harmlessly(site: Site) -> None:
    await site.run()
    carry, answered = site.line.carry, list[FetchRequest]()

    async def die_after_one(request: FetchRequest) -> FetchReply:
        if answered:
            raise FetchFailed("connection refused")
        answered.append(request)
        return await carry(request)

    guest = await site.guest()
    site.line.carry = die_after_one
    await site.run()
    assert site.is_online(guest), "the router obeyed"
    assert (await site.grant(guest), await site.voucher(guest)) == ("wanted", "paid"), "and nobody was told"
    site.line.carry = carry
    await site.run()
    assert (await site.grant(guest), await site.voucher(guest)) == ("present", "in_use")
    assert len(site.users()) == 1
    assert await DB.value("SELECT count(*) FROM hotspot_sessions") == 1


@BOTH
@pytest.mark.parametrize("left", [1, 2, 9, 40])
async def test_a_torn_question_counts_for_nothing(site: Site, left: int) -> None:
    await site.run()
    carry = site.line.carry

    async def tear(request: FetchRequest) -> FetchReply:
        answer = await post(site, request.body[:-left])
        return FetchReply(answer.status_code, answer.content)

    guest = await site.guest()
    before = await facts(site)
    site.line.carry = tear
    await site.run()
    assert site.line.replies[-1].status == 404
    assert await facts(site) == before
    site.line.carry = carry
    await site.run()
    assert site.is_online(guest)


@BOTH
async def test_a_torn_answer_is_not_obeyed_and_given_again(site: Site) -> None:
    await site.run()
    carry = site.line.carry

    async def tear(request: FetchRequest) -> FetchReply:
        reply = await carry(request)
        return FetchReply(200, reply.body[:-3])

    guest = await site.guest()
    site.line.carry = tear
    await site.run()
    assert site.users() == {}
    site.line.carry = carry
    await site.run()
    assert site.is_online(guest)


@BOTH
async def test_forged_work_is_not_obeyed(site: Site) -> None:
    await site.run()
    carry = site.line.carry

    async def forge(request: FetchRequest) -> FetchReply:
        reply = await carry(request)
        key = work_in(site, reply.body).key.encode()
        return FetchReply(200, reply.body.replace(key, b"x" * len(key)))

    await site.guest()
    site.line.carry = forge
    await site.run()
    assert site.users() == {}


async def test_a_stranger_learns_nothing_whatever_is_wrong(site: Site) -> None:
    await site.run()
    good = site.line.requests[-1].body
    secret = next(iter(site.reports())).secret.encode()
    name = site.reports()[0].site.encode()
    wrong = [
        good.replace(secret, b"x" * len(secret)), good.replace(name, b"0" * len(name)), good[:100], b"", b"{}", b"[" * 5000,
        good.replace(secret, b""), good.replace(name, b"\\u0000"), b"vocha-pull|1\nsite|x\n", b"\xff\xfe", b'{"lines":[]}',
        json.dumps({"vocha-pull": "=1", "lines": ["site|\ud800", "secret|\ud800", "ask|1-x", "version|7", "end|1-x"]}).encode(),
    ]  # fmt: skip
    before = await facts(site)
    answers = [await post(site, body) for body in wrong]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"not found\n")}
    assert await facts(site) == before


async def test_odd_words_of_a_router_are_kept_out_of_our_tables(site: Site) -> None:
    await site.run()
    carry = site.line.carry

    async def garble(request: FetchRequest) -> FetchReply:
        body = request.body.replace(b'"serial|HEX0SIM0001"', b'"serial|\\u0000\\ud800\\u202e' + b"x" * 300 + b'"')
        return await carry(FetchRequest(request.url, request.method, request.headers, body))

    site.line.carry = garble
    site.shift(seconds=60)
    await site.run()
    assert site.line.replies[-1].status == 200
    serial = await DB.value("SELECT serial FROM routers")
    assert re.fullmatch(r"\?\?\?x{37}", serial)


async def test_a_body_beyond_64_kb_is_refused_unread(site: Site) -> None:
    assert (await post(site, b"x" * 65_537)).status_code == 413


async def test_strangers_are_slowed_down_and_routers_behind_the_same_address_are_not(site: Site) -> None:
    await site.run()
    assert (await post(site, b"x")).status_code == 404
    await DB.fetch("UPDATE limits SET hits = 58 WHERE name LIKE 'pull:wrong:%'")
    assert [(await post(site, b"x")).status_code for _ in range(4)] == [404, 404, 429, 429]
    guest = await site.guest()
    await site.run()
    assert site.is_online(guest)


async def test_a_router_that_asks_without_end_is_stopped(site: Site) -> None:
    await site.run()
    body = site.line.requests[-1].body
    await DB.fetch("UPDATE limits SET hits = 239 WHERE name LIKE 'pull:router:%'")
    assert [(await post(site, body)).status_code for _ in range(3)] == [200, 429, 429]
    site.shift(seconds=61)
    assert (await post(site, body)).status_code == 200


async def test_two_questions_at_once_are_answered_by_one_reconcile(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    carry = site.line.carry

    async def double(request: FetchRequest) -> FetchReply:
        one, other = await asyncio.gather(carry(request), carry(request))
        first, second = (work_in(site, reply.body).jobs for reply in (one, other))
        assert not (first and second), "never the same work twice"
        return one if first else other

    site.line.carry = double
    await site.run(times=2)
    assert site.is_online(guest)
    assert await site.voucher(guest) == "in_use"


async def test_who_was_too_slow_gives_no_work_that_another_may_be_giving(site: Site) -> None:
    await site.run()
    guest = await site.guest()
    carry, slow = site.line.carry, list[FetchReply]()

    async def dawdle(request: FetchRequest) -> FetchReply:
        site.line.carry = carry
        async with DB.opened.acquire() as other:
            hindrance = other.transaction()
            await hindrance.start()
            await other.execute("LOCK TABLE access_grants IN ACCESS EXCLUSIVE MODE")
            answering = asyncio.ensure_future(carry(request))
            while not await DB.value("SELECT lease_until FROM routers"):  # noqa: ASYNC110  (on the far side of a socket)
                await asyncio.sleep(0.01)
            site.shift(seconds=7)
            token = await routers.lease(site.router_id, now=site.clock.now(), asks=True)
            await hindrance.rollback()
        slow.append(await answering)
        assert token
        await routers.release(site.router_id, token)
        return slow[0]

    site.line.carry = dawdle
    await site.run()
    assert work_in(site, slow[0].body).jobs == ()
    await site.run()
    assert site.is_online(guest)


async def test_no_secret_stands_in_the_database(site: Site) -> None:
    await site.run()
    report = site.reports()[0]
    key = work_in(site, site.line.replies[0].body).key
    rows = [*await DB.fetch("SELECT * FROM routers"), *await DB.fetch("SELECT * FROM router_pulls")]
    rows += await DB.fetch("SELECT * FROM router_scripts")
    everything = repr([dict(row) for row in rows]).encode()
    for secret in (report.secret, key):
        assert len(secret) >= 32
        assert secret.encode() not in everything
