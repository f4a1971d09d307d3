"""PPPoE customers on a router: what is decided, what is carried out, and that nobody slips through while it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routeros.apply import observe_dialins, survey
from routeros.client import HotspotRouter
from routeros.client.link import Link
from routeros.client.wire import Command, Reply
from routeros.dialins import (
    AddSecret,
    ChangeSecret,
    DesiredDialin,
    DesiredDialins,
    DialinSession,
    EndDialin,
    ObservedDialins,
    Secret,
    dialin_comment,
    dialin_profile,
    plan_dialins,
)
from routeros.errors import NotPermitted
from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.ppp.clients import PppoeClient
from routeros.simulator.router import SimulatedRouter
from routeros.values import RouterAddress

MAC = "02:00:00:00:00:09"
FIVE = dialin_profile("1M/5M")


@pytest.fixture
async def router() -> AsyncGenerator[SimulatedRouter]:
    """With a PPPoE server, a pool, and a secret of the merchant's own."""
    clock = VirtualClock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC), monotonic=frozen)
    async with SimulatedRouter(clock=clock) as router:
        tables = router.tables
        tables["/ip/pool"].add({"name": "pppoe", "ranges": "10.9.0.2-10.9.0.99"})
        tables["/ppp/profile"].add({"name": "homes", "local-address": "10.9.0.1", "remote-address": "pppoe"})
        server = {"interface": "ether2", "default-profile": "homes", "disabled": "no"}
        tables["/interface/pppoe-server/server"].add(server)
        tables["/ppp/secret"].add({"name": "office", "password": "theirs", "comment": "the merchant's own"})
        yield router


@pytest.fixture
async def client(router: SimulatedRouter) -> AsyncGenerator[HotspotRouter]:
    async with HotspotRouter(RouterAddress(router.api_host, router.api_port, "admin", "")) as client:
        yield client


def _wish(*, is_on: bool = True, password: str = "p1", speed: str = "1M/5M", name: str = "amina") -> DesiredDialins:
    profile = dialin_profile(speed)
    dialin = DesiredDialin(name, password, profile.name, 7, is_on)
    return DesiredDialins({name: dialin}, {profile.name: profile})


async def _make_so(client: HotspotRouter, wish: DesiredDialins) -> None:
    plan = plan_dialins(wish, await observe_dialins(client))
    assert [each.error for each in await client.write_dialins(plan.operations)] == [None] * len(plan.operations)
    assert plan_dialins(wish, await observe_dialins(client)).operations == ()


def _row(router: SimulatedRouter, name: str = "amina") -> dict[str, str]:
    [row] = router.tables["/ppp/secret"].named(name)
    return row.values


async def test_a_customer_can_dial_in_at_the_speed_sold(router: SimulatedRouter, client: HotspotRouter) -> None:
    await _make_so(client, _wish())
    dialin = router.ppp.dial("amina", "p1", MAC)
    assert dialin.address == "10.9.0.2"
    assert [row.get("max-limit") for row in router.tables["/queue/simple"]] == ["1000000/5000000"]
    row = _row(router)
    assert (row["comment"], row["service"], row["profile"]) == ("vocha:subscriber-7", "pppoe", "vocha-ppp-1m-5m")
    assert _row(router, "office")["password"] == "theirs"


async def test_a_suspended_customer_is_off_and_stays_off_until_resumed(
    router: SimulatedRouter, client: HotspotRouter
) -> None:
    await _make_so(client, _wish())
    router.ppp.clients[MAC] = PppoeClient(MAC, "amina", "p1")
    router.tick()
    assert router.ppp.of("amina")
    await _make_so(client, _wish(is_on=False))
    router.clock.advance(600)
    router.tick()
    assert (router.ppp.of("amina"), _row(router)["disabled"]) == ([], "true")
    await _make_so(client, _wish())
    router.clock.advance(6)
    router.tick()
    assert router.ppp.of("amina")


async def test_whoever_dials_in_between_the_look_and_the_suspension_is_cut(
    router: SimulatedRouter, client: HotspotRouter
) -> None:
    await _make_so(client, _wish())
    plan = plan_dialins(_wish(is_on=False), await observe_dialins(client))
    router.ppp.dial("amina", "p1", MAC)
    await client.write_dialins(plan.operations)
    assert router.ppp.sessions == {}


async def test_another_password_or_speed_counts_at_once(router: SimulatedRouter, client: HotspotRouter) -> None:
    await _make_so(client, _wish())
    router.ppp.dial("amina", "p1", MAC)
    await _make_so(client, _wish(password="p2"))
    assert router.ppp.sessions == {}
    router.ppp.dial("amina", "p2", MAC)
    await _make_so(client, _wish(password="p2", speed="2M/9M"))
    router.ppp.dial("amina", "p2", MAC)
    assert [row.get("max-limit") for row in router.tables["/queue/simple"]] == ["2000000/9000000"]


async def test_a_closed_customer_is_gone_and_other_peoples_secrets_are_not(
    router: SimulatedRouter, client: HotspotRouter
) -> None:
    await _make_so(client, _wish())
    router.ppp.dial("amina", "p1", MAC)
    router.ppp.dial("office", "theirs", "02:00:00:00:00:0B")
    await _make_so(client, DesiredDialins(ended=frozenset({"amina"})))
    assert [each.user for each in router.ppp.sessions.values()] == ["office"]
    assert [row.get("name") for row in router.tables["/ppp/secret"]] == ["office"]


async def test_a_name_that_is_somebody_elses_is_left_alone_and_told(
    router: SimulatedRouter, client: HotspotRouter
) -> None:
    before = dict(_row(router, "office"))
    router.ppp.dial("office", "theirs", MAC)
    wish = _wish(name="office", is_on=False)
    plan = plan_dialins(wish, await observe_dialins(client))
    assert {each.name for each in plan.operations} == {FIVE.name}
    assert (plan.drift.clashes, plan.drift.foreign) == (("office",), ("office",))
    ended = DesiredDialins(ended=frozenset({"office"}))
    for operation in (EndDialin("office"), ChangeSecret("office", {"is_disabled": True}, cuts=True)):
        await client.write_dialins([operation])
    assert plan_dialins(ended, await observe_dialins(client)).operations == ()
    assert (_row(router, "office"), len(router.ppp.sessions)) == (before, 1)


async def test_the_ppp_menus_are_read_in_the_same_two_flights(
    router: SimulatedRouter, client: HotspotRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _make_so(client, _wish())
    router.ppp.dial("amina", "p1", MAC)
    router.ppp.count_traffic("amina", 100, 9000)
    router.clock.advance(90)
    flights = 0
    fly = Link.fly

    async def counting(self: Link, commands: Sequence[Command], **more: Any) -> list[Reply]:
        nonlocal flights
        flights += 1
        return await fly(self, commands, **more)

    monkeypatch.setattr(Link, "fly", counting)
    read = await survey(client, with_dialins=True)
    assert flights == 2
    assert read.dialins
    [session] = read.dialins.sessions
    assert (session.user, session.address, session.mac, session.uptime) == ("amina", "10.9.0.2", MAC, 90)
    assert read.dialins.bytes_of("amina") == (100, 9000)
    before = router.meter.commands
    assert (await survey(client)).dialins is None
    assert router.meter.commands - before == 8  # as many as before there were any; the router's clock is one of them


async def test_a_router_that_hides_its_secrets_changes_nothing(router: SimulatedRouter) -> None:
    router.tables["/user/group"].add({"name": "look", "policy": "api,read"})
    router.tables["/user"].add({"name": "look", "group": "look", "password": "x"})
    address = RouterAddress(router.api_host, router.api_port, "look", "x")
    async with HotspotRouter(address) as client:
        plan = plan_dialins(_wish(), await observe_dialins(client))
        results = await client.write_dialins(plan.operations)
    assert [type(each.error) for each in results] == [NotPermitted, NotPermitted]
    assert [row.get("name") for row in router.tables["/ppp/secret"]] == ["office"]


def test_many_unknown_secrets_of_ours_wait_for_a_persons_word() -> None:
    rows = tuple(Secret(f"n{number}", "p", FIVE.name, dialin_comment(number), "pppoe") for number in range(10))
    seen = ObservedDialins(rows, (FIVE,), complete=True)
    few = DesiredDialins({r.name: DesiredDialin(r.name, "p", FIVE.name, n) for n, r in enumerate(rows) if n > 2})
    assert [each.name for each in plan_dialins(few, seen).operations] == ["n0", "n1", "n2"]
    held = plan_dialins(DesiredDialins(), seen)
    assert held.held
    assert held.operations == ()
    assert plan_dialins(_wish(), ObservedDialins()).held


NAMES = st.sampled_from(["a", "b", "c", "d"])
SECRETS = st.builds(
    Secret,
    NAMES,
    st.sampled_from(["p1", "p2", None]),
    st.sampled_from(["default", FIVE.name]),
    st.sampled_from(["", "theirs", dialin_comment(1), dialin_comment(2), "vocha:subscriber-", "vocha:12"]),
    st.sampled_from(["any", "pppoe", "l2tp"]),
    st.booleans(),
)


@given(
    st.lists(SECRETS, unique_by=lambda each: each.name),
    st.sets(NAMES),
    st.lists(st.builds(DesiredDialin, NAMES, st.just("p1"), st.just(FIVE.name), st.just(1), st.booleans())),
    st.sets(NAMES),
)
def test_no_operation_ever_names_somebody_elses_secret(
    secrets: list[Secret], online: set[str], wishes: list[DesiredDialin], ended: set[str]
) -> None:
    wish = DesiredDialins({each.name: each for each in wishes}, {FIVE.name: FIVE}, frozenset(ended))
    seen = ObservedDialins(tuple(secrets), (), tuple(DialinSession(name) for name in online), complete=True)
    plan = plan_dialins(wish, seen)
    foreign = {each.name for each in secrets if not each.is_own}
    assert not foreign & {each.name for each in plan.operations}
    suspended = {name for name, each in wish.dialins.items() if not each.is_on}
    cut = {each.name for each in plan.operations if isinstance(each, ChangeSecret) and each.cuts}
    assert suspended & online - foreign <= cut
    added = {each.name for each in plan.operations if isinstance(each, AddSecret)}
    assert added == wish.dialins.keys() - suspended - {each.name for each in secrets}
