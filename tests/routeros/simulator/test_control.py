"""The control server and the fleet: every switch of a simulated router over HTTP, and many routers at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import fields
from typing import Any

import httpx
import pytest

from routeros.client import HotspotRouter
from routeros.simulator.control import ControlServer
from routeros.simulator.faults import Faults
from routeros.simulator.fleet import Fleet, FleetOptions
from routeros.simulator.latency import PROFILES, Latency
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.switches import SWITCHES
from routeros.values import RouterAddress
from tests.routeros.simulator.raw_client import RawClient

IP, MAC = "10.5.50.9", "02:00:00:00:00:09"


@pytest.fixture
async def fleet() -> AsyncGenerator[Fleet]:
    async with Fleet(FleetOptions(count=2, user="admin", password="")) as each:
        yield each


@pytest.fixture
async def http(fleet: Fleet) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=fleet.control.url, trust_env=False, timeout=5) as client:
        yield client


async def _ask(http: httpx.AsyncClient, switch: str, **wish: Any) -> httpx.Response:
    return await http.post(f"/routers/router-001/{switch}", json=wish)


async def test_the_list_tells_where_the_routers_are_and_how(fleet: Fleet, http: httpx.AsyncClient) -> None:
    listed = (await http.get("/routers")).json()
    assert [row["name"] for row in listed] == ["router-001", "router-002"]
    assert len({row["api_port"] for row in listed} | {row["serial"] for row in listed}) == 4
    async with await RawClient.connect(fleet.routers[0]) as client:
        await client.rows("/system/identity/print")
        one = (await http.get("/routers/router-001")).json()
    assert (one["meter"]["logins"], one["meter"]["commands"], one["users"], one["sessions"]) == (1, 2, 1, 0)


async def test_faults_are_set_checked_and_cleared(fleet: Fleet, http: httpx.AsyncClient) -> None:
    router, other = fleet.routers
    assert (await _ask(http, "faults", hostile="endless", drop_before_reply=2, only="/ip")).status_code == 200
    assert (router.faults.hostile, router.faults.drop_before_reply, router.faults.only) == ("endless", 2, "/ip")
    assert other.faults == Faults()
    for wrong in (
        {"hostile": "rude"},
        {"no_such": 1},
        {"latency": "slow"},
        {"latency": -1},
        {"black_hole": 1},
        {"drop_before_reply": 1.5},
        {"latency_of": {"/ip": "x"}},
    ):
        refused = await _ask(http, "faults", refuse_connects=True, **wrong)
        assert refused.status_code == 400, wrong
        assert refused.json()["error"]
    assert not router.faults.refuse_connects, "a refused wish sets nothing"
    assert (await _ask(http, "faults", clear=True, drop_after_commands=5)).status_code == 200
    assert router.faults == Faults(drop_after_commands=5)
    assert (await _ask(http, "faults", drop_after_commands=None)).status_code == 200
    assert router.faults == Faults()


async def test_every_fault_and_cost_can_be_switched(fleet: Fleet, http: httpx.AsyncClient) -> None:
    samples = {bool: True, int: 3, float: 0.5, str: "/ip"}
    for switch, kind in (("faults", Faults), ("latency", Latency)):
        fresh = kind()
        for each in fields(kind):
            usual = getattr(fresh, each.name)
            value = {"hostile": "drip", "latency_of": {"/ip": 1.0}}.get(each.name, samples.get(type(usual), 3))
            assert (await _ask(http, switch, **{each.name: value})).status_code == 200, each.name
            assert getattr(getattr(fleet.routers[0], switch), each.name) == value


async def test_a_board_profile_keeps_the_way(fleet: Fleet, http: httpx.AsyncClient) -> None:
    await _ask(http, "latency", rtt=0.1)
    assert (await _ask(http, "latency", profile="hex", jitter=0)).status_code == 200
    latency = fleet.routers[0].latency
    assert (latency.rtt, latency.write, latency.jitter) == (0.1, PROFILES["hex"].write, 0)
    assert (await _ask(http, "latency", profile="cray")).status_code == 400


async def test_time_traffic_and_phones(fleet: Fleet, http: httpx.AsyncClient) -> None:
    router = fleet.routers[0]
    assert (await _ask(http, "phones", mac=MAC, ip=IP)).status_code == 200
    router.hotspot.users.add({"name": "v1", "password": "x", "limit-uptime": "1h"})
    async with await RawClient.connect(router) as client:
        words = (f"=ip={IP}", f"=mac-address={MAC}", "=user=v1", "=password=x")
        assert (await client.ask("/ip/hotspot/active/login", *words))[-1] == ["!done"]
    await _ask(http, "traffic", ip=IP, bytes_in=10, bytes_out=20)
    session = router.hotspot.session(IP)
    assert session is not None
    assert session.traffic.as_list()[:2] == [10, 20]
    assert (await _ask(http, "clock", seconds=3590)).status_code == 200
    assert router.hotspot.session(IP) is session
    await _ask(http, "clock", seconds=10)
    assert router.hotspot.session(IP) is None
    await _ask(http, "phones", ip=IP, is_present=False)
    host = router.hotspot.host(IP)
    assert host is None or host.lost_at is not None
    assert (await _ask(http, "clock", speed=60)).status_code == 200
    assert router.clock.speed == 60
    for wrong in ({}, {"seconds": -1}, {"seconds": "1"}, {"seconds": True}, {"speed": 0}, {"speed": 1e9}):
        assert (await _ask(http, "clock", **wrong)).status_code == 400
    assert (await _ask(http, "phones", mac="nonsense", ip=IP)).status_code == 400


async def test_power_cuts_resets_and_replacements(fleet: Fleet, http: httpx.AsyncClient) -> None:
    router = fleet.routers[0]
    await _ask(http, "power", do="cut")
    assert router.now().year == 1970
    await _ask(http, "power", do="replace", serial="NEW1")
    assert (router.serial, router.hotspot.server) == ("NEW1", None)
    for deed in ("reboot", "button", "reset"):
        assert (await _ask(http, "power", do=deed)).status_code == 200
    for wrong in ({}, {"do": "explode"}, {"do": "replace"}):
        assert (await _ask(http, "power", **wrong)).status_code == 400


async def test_the_link_is_refused_lost_and_mended(fleet: Fleet, http: httpx.AsyncClient) -> None:
    router = fleet.routers[0]
    await _ask(http, "online", link="refused")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(router.api_host, router.api_port)
    await _ask(http, "online", link="lost")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asyncio.open_connection(router.api_host, router.api_port)
    await _ask(http, "online", link="up")
    async with await RawClient.connect(router) as client:
        assert await client.rows("/system/identity/print")
    assert (await _ask(http, "online", link="sideways")).status_code == 400


async def test_all_means_every_router_and_states_can_be_carried(fleet: Fleet, http: httpx.AsyncClient) -> None:
    changed = await http.post("/routers/all/faults", json={"refuse_connects": True})
    assert changed.json() == {"changed": ["router-001", "router-002"]}
    assert all(router.faults.refuse_connects for router in fleet.routers)
    fleet.routers[0].hotspot.users.add({"name": "v1"})
    state = (await http.get("/routers/router-001/state")).json()
    assert (await http.post("/routers/router-002/state", json=state)).status_code == 200
    assert fleet.routers[1].hotspot.users.named("v1")
    assert (await http.post("/routers/router-002/state", json={"state": "{}"})).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", b"", 404),
        ("GET", "/routers/none", b"", 404),
        ("GET", "/routers/router-001/faults", b"", 404),
        ("POST", "/routers/router-001/explode", b"{}", 404),
        ("POST", "/routers/router-001/faults", b"[]", 400),
        ("POST", "/routers/router-001/faults", b"{", 400),
        ("POST", "/routers/router-001/clock", b'{"seconds": Infinity}', 400),
    ],
)
async def test_nonsense_is_answered_and_the_connection_stays(
    http: httpx.AsyncClient, method: str, path: str, body: bytes, status: int
) -> None:
    assert (await http.request(method, path, content=body)).status_code == status
    assert (await http.get("/routers")).status_code == 200


async def test_other_names_for_loopback_are_turned_away(http: httpx.AsyncClient) -> None:
    assert (await http.get("/routers", headers={"Host": "evil.example:80"})).status_code == 403
    assert (await http.get("/routers", headers={"Host": "localhost:80"})).status_code == 200


async def test_garbage_gets_an_answer_and_not_an_end() -> None:
    control = ControlServer({"one": SimulatedRouter()})
    await control.start()
    port = int(control.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x16\x03\x01nonsense\r\n\r\n")
    writer.write_eof()
    async with asyncio.timeout(2):
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
    await control.stop()
    await control.stop()
    with pytest.raises(RuntimeError):
        _ = control.url


def test_every_switch_says_what_it_does() -> None:
    assert all(switch.__doc__ for switch in SWITCHES.values())


async def test_the_routers_of_a_fleet_answer_on_ports_of_their_own_and_share_no_settings() -> None:
    async with Fleet(FleetOptions(count=30, sessions=3, profile="hex", rtt=0.01)) as fleet:
        lines = [json.loads(line) for line in fleet.lines()]
        assert len({line["api_port"] for line in lines[:-1]}) == 30
        assert lines[-1] == {"control": fleet.control.url, "routers": 30}
        last = lines[29]
        address = RouterAddress(
            host=last["api_host"], port=last["api_port"], user=last["api_user"], password=last["api_password"]
        )
        async with HotspotRouter(address) as client:
            assert (await client.identity()).name == "router-030"
            assert [session.user for session in await client.active()] == ["guest-1", "guest-2", "guest-3"]
        usual = PROFILES["hex"].write
        assert (fleet.routers[7].latency.write, fleet.routers[7].latency.rtt) == (usual, 0.01)
        fleet.routers[7].latency.write = 0
        assert (fleet.routers[8].latency.write, PROFILES["hex"].write) == (usual, usual)


async def test_a_customers_router_dials_hangs_up_and_counts(fleet: Fleet, http: httpx.AsyncClient) -> None:
    router = fleet.routers[0]
    router.tables["/ip/pool"].add({"name": "pppoe", "ranges": "10.9.0.2-10.9.0.9"})
    router.tables["/ppp/profile"].add({"name": "homes", "remote-address": "pppoe"})
    server = {"interface": "bridge", "default-profile": "homes", "disabled": "no"}
    router.tables["/interface/pppoe-server/server"].add(server)
    router.tables["/ppp/secret"].add({"name": "amina", "password": "p1"})
    assert (await _ask(http, "dial", mac=MAC, user="amina", password="p1", bytes_in=5, bytes_out=6)).status_code == 200
    [dialin] = router.ppp.of("amina")
    assert (dialin.traffic.bytes_in, dialin.traffic.bytes_out) == (5, 6)
    assert (await http.get("/routers/router-001")).json()["dialins"] == 1
    assert (await _ask(http, "dial", mac=MAC, hangs_up=True)).status_code == 200
    router.clock.advance(60)
    router.tick()
    assert router.ppp.sessions == {}
    for wrong in ({"mac": "02:00:00:00:00:0A"}, {"mac": "nonsense", "user": "amina"}):
        assert (await _ask(http, "dial", **wrong)).status_code == 400
