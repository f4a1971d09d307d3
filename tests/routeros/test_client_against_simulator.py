"""The client and reconcile against the simulated router, in the versions whose manners differ."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from routeros.apply import apply, observe
from routeros.client import HotspotRouter
from routeros.errors import (
    AlreadyExists,
    AuthFailed,
    BadArgument,
    BadCredentials,
    HostUnknown,
    LimitReached,
    NotPermitted,
    TooManySessions,
    Unreachable,
    WrongMac,
)
from routeros.reconcile import Desired, plan
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.router import SimulatedRouter
from routeros.values import Ended, HotspotUser, RouterAddress, UserProfile
from tests.routeros.model import PROFILE, name, row, wish

PASSWORD = "router-password"
PHONE, OTHER_PHONE = ("AA:BB:CC:00:00:01", "10.5.50.11"), ("AA:BB:CC:00:00:02", "10.5.50.12")
THIRD_PHONE = ("AA:BB:CC:00:00:03", "10.5.50.13")


def address(simulator: SimulatedRouter, *, user: str = "admin", password: str = PASSWORD) -> RouterAddress:
    return RouterAddress(simulator.api_host, simulator.api_port, user, password)


@pytest.fixture(params=["6.49", "7.9", "7.16", "7.18", "7.24"])
async def every_simulator(request: pytest.FixtureRequest) -> AsyncGenerator[SimulatedRouter]:
    async with SimulatedRouter(version=request.param, api_password=PASSWORD) as simulator:
        yield simulator


@pytest.fixture
async def simulator() -> AsyncGenerator[SimulatedRouter]:
    behaviour = Behaviour(ids_change_at_boot=True)
    async with SimulatedRouter(api_password=PASSWORD, behaviour=behaviour, login_by="mac-cookie,http-pap") as each:
        yield each


@pytest.fixture
async def client(simulator: SimulatedRouter) -> AsyncGenerator[HotspotRouter]:
    async with HotspotRouter(address(simulator)) as each:
        yield each


async def log_in(client: HotspotRouter, user: HotspotUser, phone: tuple[str, str] = PHONE) -> None:
    await client.log_in(ip=phone[1], mac=phone[0], user=user.name, password=user.password or "")


async def test_every_version_is_read_written_and_made_equal_to_its_grants(every_simulator: SimulatedRouter) -> None:
    users = [wish(n) for n in range(40)]
    desired = Desired({user.name: user for user in users}, {PROFILE.name: PROFILE})
    async with HotspotRouter(address(every_simulator)) as client:
        assert (await client.resource()).version.startswith(every_simulator.version)
        assert (await client.identity()).name == "MikroTik"
        assert (await client.clock()).is_set
        assert [profile.login_by for profile in await client.server_profiles()]
        assert await client.active() == await client.cookies() == await client.hosts() == []
        strange = [
            HotspotUser(name=each, password=each, comment="by hand") for each in ("no", "00123", "123456", "true")
        ]
        for user in strange:
            await client.add_user(user)
        first = plan(desired, await observe(client))
        assert (await apply(first, client)).failed == ()
        seen = await observe(client)
        assert plan(desired, seen).operations == ()
        assert {user for user in strange if replace(user, is_dynamic=False) in seen.users} == set(strange)
        smaller = Desired(
            {user.name: user for user in users[:35]}, desired.profiles, frozenset(map(name, range(35, 40)))
        )
        assert (await apply(plan(smaller, seen), client)).failed == ()
        after = await observe(client)
        assert plan(smaller, after).drift.is_none
        assert len([user for user in after.users if user.name.startswith("vocha-")]) == 35


async def test_a_user_is_logged_in_and_its_time_ends_without_us(
    client: HotspotRouter, simulator: SimulatedRouter
) -> None:
    await client.ensure_user_profile(PROFILE)
    user = row(1, limit_uptime=600)
    await client.add_user(user)
    simulator.hotspot.see_host(*PHONE)
    await log_in(client, user)
    [session] = await client.active()
    assert (session.user, session.mac_address, session.address) == (user.name, *PHONE)
    assert session.session_time_left is not None
    assert 590 <= session.session_time_left <= 600
    [host] = await client.hosts()
    assert host.is_authorized
    simulator.clock.advance(601)
    assert await client.active() == []
    simulator.hotspot.see_host(*PHONE)
    with pytest.raises(LimitReached):
        await log_in(client, user)


async def test_a_login_that_cannot_be_says_why(client: HotspotRouter, simulator: SimulatedRouter) -> None:
    await client.ensure_user_profile(PROFILE)
    user = row(1)
    await client.add_user(user)
    with pytest.raises(HostUnknown):
        await log_in(client, user)
    simulator.hotspot.see_host(*PHONE)
    simulator.hotspot.see_host(*OTHER_PHONE)
    with pytest.raises(WrongMac):
        await client.log_in(ip=PHONE[1], mac=OTHER_PHONE[0], user=user.name, password="pw1")
    with pytest.raises(BadCredentials):
        await log_in(client, replace(user, password="guess"))
    await log_in(client, user)
    with pytest.raises(TooManySessions):
        await log_in(client, user, OTHER_PHONE)


async def test_room_is_made_for_another_device_of_the_same_user_only(
    client: HotspotRouter, simulator: SimulatedRouter
) -> None:
    await client.ensure_user_profile(PROFILE)
    for n, phone in ((1, PHONE), (2, THIRD_PHONE)):
        await client.add_user(row(n))
        simulator.hotspot.see_host(*phone)
        await log_in(client, row(n), phone)
    assert not await client.make_room(name(1), mac=PHONE[0], ip=PHONE[1])
    assert await client.make_room(name(1), mac=OTHER_PHONE[0], ip=OTHER_PHONE[1])
    assert simulator.hotspot.cookie_login(PHONE[1], PHONE[0], None) is None
    simulator.hotspot.see_host(*OTHER_PHONE)
    await log_in(client, row(1), OTHER_PHONE)
    assert {(session.user, session.address) for session in await client.active()} == {
        (name(1), OTHER_PHONE[1]),
        (name(2), THIRD_PHONE[1]),
    }


async def test_ended_access_is_ended_and_the_phone_does_not_come_back(
    client: HotspotRouter, simulator: SimulatedRouter
) -> None:
    await client.ensure_user_profile(PROFILE)
    for n, phone in ((1, PHONE), (2, OTHER_PHONE)):
        await client.add_user(row(n))
        simulator.hotspot.see_host(*phone)
        await log_in(client, row(n), phone)
    ended = await client.end_access([name(1), name(99)])
    assert (ended.users, ended.sessions) == (1, 1)
    assert [session.user for session in await client.active()] == [name(2)]
    assert [cookie.user for cookie in await client.cookies() if cookie.user == name(1)] == []
    assert simulator.hotspot.cookie_login(PHONE[1], PHONE[0], None) is None
    assert await client.end_access([name(1)]) == Ended()
    with pytest.raises(BadCredentials):
        await log_in(client, row(1))


async def test_used_time_counts_towards_the_limit_while_and_after_the_session(
    client: HotspotRouter, simulator: SimulatedRouter
) -> None:
    desired = Desired({name(1): wish(1, remaining=3600)}, {PROFILE.name: PROFILE})
    await apply(plan(desired, await observe(client)), client)
    simulator.hotspot.see_host(*PHONE)
    await log_in(client, row(1))
    simulator.clock.advance(1000)
    later = Desired({name(1): wish(1, remaining=2600)}, desired.profiles)
    assert plan(later, await observe(client)).operations == ()
    simulator.hotspot.logout(PHONE[1])
    assert plan(later, await observe(client)).operations == ()
    longer = Desired({name(1): wish(1, remaining=5000)}, desired.profiles)
    assert (await apply(plan(longer, await observe(client)), client)).failed == ()
    [user] = await client.users([name(1)])
    assert user.limit_uptime is not None
    assert abs(user.limit_uptime - 6000) <= 2


async def test_an_add_whose_answer_was_lost_is_repeated_without_harm(
    client: HotspotRouter, simulator: SimulatedRouter
) -> None:
    await client.ensure_user_profile(PROFILE)
    simulator.faults.only, simulator.faults.drop_before_reply = "/ip/hotspot/user/add", 1
    with pytest.raises(Unreachable):
        await client.ensure_user(row(1))
    await client.ensure_user(row(1))
    assert [user.name for user in await client.users([name(1)])] == [name(1)]
    with pytest.raises(AlreadyExists):
        await client.add_user(row(1))


async def test_a_lost_answer_in_the_middle_of_a_plan_is_healed_by_the_next_pass(
    client: HotspotRouter, simulator: SimulatedRouter
) -> None:
    users = [wish(n) for n in range(70)]
    desired = Desired({user.name: user for user in users}, {PROFILE.name: PROFILE})
    simulator.faults.only, simulator.faults.drop_before_reply = "/ip/hotspot/user/add", 1
    applied = await apply(plan(desired, await observe(client)), client)
    assert isinstance(applied.lost, Unreachable)
    assert (await apply(plan(desired, await observe(client)), client)).failed == ()
    assert plan(desired, await observe(client)).drift.is_none


async def test_a_power_cut_that_renumbers_rows_confuses_nobody(
    client: HotspotRouter, simulator: SimulatedRouter
) -> None:
    desired = Desired({name(n): wish(n) for n in range(5)}, {PROFILE.name: PROFILE})
    await apply(plan(desired, await observe(client)), client)
    simulator.power_cut()
    await asyncio.sleep(0.05)  # the news of the cut connections travels
    assert not (await client.clock()).is_set
    await client.set_user(name(3), password="new")
    assert {user.name: user.password for user in await client.users()}[name(3)] == "new"
    assert plan(desired, await observe(client)).drift.changed == (name(3),)


@pytest.mark.parametrize("fault", ["refuse_connects", "black_hole", "stall_mid_sentence"])
async def test_a_sick_router_is_unreachable_in_time_and_fine_once_healed(
    simulator: SimulatedRouter, fault: str
) -> None:
    async with HotspotRouter(address(simulator), connect_timeout=1, command_timeout=1) as client:
        setattr(simulator.faults, fault, True)
        started = asyncio.get_running_loop().time()
        with pytest.raises(Unreachable):
            await client.users()
        assert asyncio.get_running_loop().time() - started < 5
        simulator.faults.clear()
        assert await client.identity()


async def test_a_wrong_profile_or_password_is_told_apart(client: HotspotRouter, simulator: SimulatedRouter) -> None:
    with pytest.raises(BadArgument, match="profile"):
        await client.add_user(row(1))
    async with HotspotRouter(address(simulator, password="guess")) as stranger:
        with pytest.raises(AuthFailed):
            await stranger.identity()


async def test_without_the_policy_sensitive_passwords_are_hidden_and_believed(simulator: SimulatedRouter) -> None:
    simulator.tables["/user/group"].seed({"name": "vocha", "policy": "api,read,write"})
    simulator.tables["/user/group"].seed({"name": "onlooker", "policy": "api,read"})
    for user, group in (("vocha", "vocha"), ("onlooker", "onlooker")):
        simulator.tables["/user"].seed({"name": user, "group": group, "password": "pw", "disabled": "false"})
    desired = Desired({name(1): wish(1)}, {PROFILE.name: PROFILE})
    async with HotspotRouter(address(simulator, user="vocha", password="pw")) as client:
        assert (await apply(plan(desired, await observe(client)), client)).failed == ()
        seen = await observe(client)
        assert [user.password for user in seen.users if user.name == name(1)] == [None]
        assert plan(desired, seen).drift.is_none
    async with HotspotRouter(address(simulator, user="onlooker", password="pw")) as client:
        with pytest.raises(NotPermitted):
            await client.remove_users([name(1)])


async def test_profile_drift_is_repaired_on_the_router(client: HotspotRouter) -> None:
    assert await client.ensure_user_profile(PROFILE)
    assert not await client.ensure_user_profile(PROFILE)
    wanted = UserProfile(name=PROFILE.name, rate_limit="5M/5M", shared_users=None, add_mac_cookie=False)
    assert await client.ensure_user_profile(wanted)
    assert not await client.ensure_user_profile(wanted)
    assert await client.ensure_user_profile(replace(wanted, rate_limit=""))
    assert not await client.ensure_user_profile(replace(wanted, rate_limit=""))


async def test_locks_and_limits_are_set_and_lifted(client: HotspotRouter) -> None:
    await client.add_user(HotspotUser(name="x", password="p"))
    await client.set_user("x", mac_address=PHONE[0], limit_uptime=90, limit_bytes_total=5, is_disabled=True)
    [user] = await client.users(["x"])
    assert (user.mac_address, user.limit_uptime, user.limit_bytes_total, user.is_disabled) == (PHONE[0], 90, 5, True)
    await client.set_user("x", mac_address="", limit_uptime=None, limit_bytes_total=None, is_disabled=False)
    assert await client.users(["x"]) == [HotspotUser(name="x", password="p")]
