"""Every menu the client knows, read from three generations of RouterOS; text stays text, both ways."""

from collections.abc import AsyncGenerator

import pytest

from routeros.client import HotspotRouter
from routeros.errors import BadArgument, NotPermitted
from routeros.looking import DeviceMode, GardenAddress, GardenHost, License, LogLine
from routeros.simulator.router import SimulatedRouter
from routeros.values import HotspotUser, RouterAddress

VERSIONS = ("6.49", "7.16", "7.18")
#: What a client that guesses types would bring back as something else, or not at all.
TRICKY = [
    "no",
    "yes",
    "true",
    "false",
    "00123",
    "123456",
    "ũ",
    "1e3",
    "-1",
    "+5",
    "0s",
    "none",
    "=",
    "a=b",
    "?x",
    "*1",
    " ",
]


@pytest.fixture(params=VERSIONS)
async def board(request: pytest.FixtureRequest) -> AsyncGenerator[SimulatedRouter]:
    async with SimulatedRouter(version=request.param, api_user="vocha", api_password="secret") as each:
        yield each


@pytest.fixture
async def client(board: SimulatedRouter) -> AsyncGenerator[HotspotRouter]:
    async with HotspotRouter(RouterAddress(board.api_host, board.api_port, "vocha", "secret")) as each:
        yield each


async def test_the_licence_says_how_many_may_be_online(client: HotspotRouter) -> None:
    seen = await client.license()
    assert (seen.level, seen.most_sessions) == ("4", 200)
    assert License(software_id="", level="6").most_sessions is None
    assert License(software_id="", level="p1").most_sessions is None


async def test_device_mode_is_told_where_there_is_one(board: SimulatedRouter, client: HotspotRouter) -> None:
    if board.version == "6.49":
        with pytest.raises(BadArgument):
            await client.device_mode()
        return
    seen = await client.device_mode()
    assert isinstance(seen, DeviceMode)
    assert seen.mode
    assert seen.allowed["hotspot"] is True
    assert seen.allowed["container"] is False


async def test_the_log_tells_who_signed_in(client: HotspotRouter) -> None:
    *_, last = await client.log()
    assert isinstance(last, LogLine)
    assert "system" in last.topics
    assert last.message.startswith("user vocha logged in")


async def test_the_walled_garden_is_read_as_it_stands(board: SimulatedRouter, client: HotspotRouter) -> None:
    garden = {"dst-host": "*.portal.test", "dst-port": "443", "action": "deny", "comment": "no", "disabled": "yes"}
    board.tables["/ip/hotspot/walled-garden"].add(garden)
    board.tables["/ip/hotspot/walled-garden/ip"].add({"dst-address": "192.0.2.7", "action": "reject"})
    assert await client.walled_garden() == [
        GardenHost(dst_host="*.portal.test", dst_port="443", is_allowed=False, comment="no", is_disabled=True)
    ]
    assert await client.walled_garden_addresses() == [GardenAddress(dst_address="192.0.2.7", action="reject")]


async def test_bindings_say_who_passes(board: SimulatedRouter, client: HotspotRouter) -> None:
    board.tables["/ip/hotspot/ip-binding"].add({"mac-address": "02:00:00:00:00:0B", "type": "bypassed"})
    [binding] = await client.ip_bindings()
    assert binding.mac_address == "02:00:00:00:00:0B"


async def test_all_the_rest_is_read_too(board: SimulatedRouter, client: HotspotRouter) -> None:
    board.hotspot.see_host("02:00:00:00:00:01", "10.5.50.7")
    assert (await client.resource()).version.startswith(board.version)
    assert (await client.identity()).name == "MikroTik"
    assert (await client.clock()).is_set
    assert "default" in [profile.name for profile in await client.user_profiles()]
    assert [profile.name for profile in await client.server_profiles()]
    assert [host.address for host in await client.hosts()] == ["10.5.50.7"]
    assert await client.active() == []
    assert await client.cookies() == []


@pytest.mark.parametrize("text", TRICKY)
async def test_text_survives_both_ways(client: HotspotRouter, text: str) -> None:
    name = f"u{text}"
    await client.add_user(HotspotUser(name=name, password=text, comment=text))
    [seen] = await client.users([name])
    assert (seen.name, seen.password, seen.comment) == (name, text, text)
    await client.set_user(name, password=text[::-1], comment="")
    [seen] = await client.users([name])
    assert (seen.password, seen.comment) == (text[::-1], "")
    assert await client.remove_users([name]) == 1


@pytest.mark.parametrize("name", ["no", "true", "00123", "123456", "ũ"])
async def test_names_survive_both_ways_and_find_their_row(client: HotspotRouter, name: str) -> None:
    await client.add_user(HotspotUser(name=name, password="p"))
    await client.set_user(name, limit_uptime=60)
    [seen] = await client.users([name])
    assert (seen.name, seen.limit_uptime) == (name, 60)
    assert (await client.end_access([name])).users == 1
    assert await client.users([name]) == []


async def test_a_menu_we_may_not_see_is_a_refusal_not_an_empty_list(board: SimulatedRouter) -> None:
    async with HotspotRouter(RouterAddress(board.api_host, board.api_port, "vocha", "secret")) as client:
        await client.identity()
        board.tables["/user/group"].change(board.tables["/user/group"].named("full")[0], {"policy": "api"})
        with pytest.raises(NotPermitted):
            await client.log()
