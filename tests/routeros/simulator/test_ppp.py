"""PPPoE on the simulated router: who may dial in, what rules the session, how it ends, and what the menus show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.ppp.clients import PppoeClient
from routeros.simulator.ppp.sessions import DialRefused
from routeros.simulator.router import SimulatedRouter
from tests.routeros.simulator.raw_client import RawClient

MAC, OTHER = "02:00:00:00:00:09", "02:00:00:00:00:0A"
VERSIONS = ["6.49", "7.9", "7.16", "7.18", "7.20.2", "7.24"]


def _router(version: str = "7.16", **options: Any) -> SimulatedRouter:
    clock = VirtualClock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC), monotonic=frozen)
    router = SimulatedRouter(version=version, clock=clock, **options)
    tables = router.tables
    tables["/ip/pool"].add({"name": "pppoe", "ranges": "10.9.0.2-10.9.0.3"})
    tables["/ppp/profile"].add({"name": "homes", "local-address": "10.9.0.1", "remote-address": "pppoe"})
    tables["/ppp/profile"].add({"name": "five", "rate-limit": "1M/5M"})
    server = {"interface": "ether2", "default-profile": "homes", "disabled": "no", "service-name": "net"}
    tables["/interface/pppoe-server/server"].add(server)
    _secret(router, "amina", profile="five")
    return router


def _secret(router: SimulatedRouter, name: str, **more: str) -> None:
    values = {each.replace("_", "-"): value for each, value in more.items()}
    router.tables["/ppp/secret"].add({"name": name, "password": "p1", **values})


def _change(router: SimulatedRouter, path: str, name: str, **given: str) -> None:
    table = router.tables[path]
    table.change(table.named(name)[0], {each.replace("_", "-"): value for each, value in given.items()})


def _server(router: SimulatedRouter, **given: str) -> None:
    [row] = router.tables["/interface/pppoe-server/server"]
    row.values |= {each.replace("_", "-"): value for each, value in given.items()}


def _wait(router: SimulatedRouter, seconds: float) -> None:
    router.clock.advance(seconds)
    router.tick()


def _last(router: SimulatedRouter, name: str = "amina") -> str:
    return router.ppp.last_seen[router.tables["/ppp/secret"].named(name)[0]].reason


def test_a_dial_needs_an_enabled_secret_for_pppoe_its_password_and_its_mac() -> None:
    router = _router()
    assert router.ppp.dial("amina", "p1", MAC).address == "10.9.0.2"
    for name, more in {"off": {"disabled": "yes"}, "vpn": {"service": "l2tp"}, "locked": {"caller_id": OTHER}}.items():
        _secret(router, name, **more)
        with pytest.raises(DialRefused, match="authentication failed"):
            router.ppp.dial(name, "p1", MAC)
    for name, password in (("amina", "wrong"), ("nobody", "p1")):
        with pytest.raises(DialRefused, match="authentication failed"):
            router.ppp.dial(name, password, OTHER)
    assert router.ppp.dial("locked", "p1", OTHER.lower()).mac == OTHER
    assert "user nobody authentication failed" in " ".join(line.message for line in router.log.lines)


def test_nobody_answers_without_a_server_or_for_another_service() -> None:
    router = _router()
    assert router.ppp.dial("amina", "p1", MAC, service="net").served_on == "ether2"
    with pytest.raises(DialRefused, match="no PPPoE server"):
        router.ppp.dial("amina", "p1", MAC, service="other")
    _server(router, disabled="true")
    with pytest.raises(DialRefused, match="no PPPoE server"):
        router.ppp.dial("amina", "p1", MAC)


async def test_a_new_server_is_off_until_it_is_switched_on() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret("/interface/pppoe-server/server/add", "=interface=ether2")
        [row] = await client.rows("/interface/pppoe-server/server/print")
        assert (row["disabled"], row["default-profile"], row["keepalive-timeout"]) == ("true", "default", "10")
        await client.ask("/interface/pppoe-server/server/enable", f"=numbers={row['.id']}")
        assert (await client.rows("/interface/pppoe-server/server/print"))[0]["disabled"] == "false"


def test_a_disabled_secret_refuses_the_next_dial_and_leaves_the_session() -> None:
    router = _router()
    dialin = router.ppp.dial("amina", "p1", MAC)
    _change(router, "/ppp/secret", "amina", disabled="yes")
    _wait(router, 60)
    assert router.ppp.of("amina") == [dialin]
    with pytest.raises(DialRefused):
        router.ppp.dial("amina", "p1", OTHER)
    router.ppp.unsettled.secret_edit_ends_session = True
    _change(router, "/ppp/secret", "amina", comment="touched")
    assert router.ppp.of("amina") == []


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_removed_session_ends_and_its_client_dials_again(version: str) -> None:
    async with _router(version) as router, await RawClient.connect(router) as client:
        router.ppp.clients[MAC] = PppoeClient(MAC, "amina", "p1")
        router.tick()
        [row] = await client.rows("/ppp/active/print")
        assert (row["name"], row["service"], row["caller-id"], row["address"]) == ("amina", "pppoe", MAC, "10.9.0.2")
        await client.ask("/ppp/active/remove", f"=.id={row['.id']}")
        assert await client.rows("/ppp/active/print") == []
        assert await client.trap("/ppp/active/remove", f"=.id={row['.id']}") == "no such item"
        _wait(router, 6)
        [again] = await client.rows("/ppp/active/print")
        assert again[".id"] != row[".id"]
        _change(router, "/ppp/secret", "amina", disabled="yes")
        await client.ask("/ppp/active/remove", "=numbers=amina")
        _wait(router, 60)
        assert await client.rows("/ppp/active/print") == []
        assert "authentication failed" in router.ppp.clients[MAC].said


def test_only_one_refuses_the_second_dial_in_or_replaces_the_first() -> None:
    router = _router()
    router.ppp.dial("amina", "p1", MAC)
    assert [router.ppp.dial("amina", "p1", OTHER).interface] == ["<pppoe-amina-1>"]
    router.ppp.end(router.ppp.of("amina")[1], "peer-request")
    _change(router, "/ppp/profile", "five", only_one="yes")
    with pytest.raises(DialRefused, match="already active"):
        router.ppp.dial("amina", "p1", OTHER)
    router.ppp.unsettled.second_dial = "replace"
    router.ppp.dial("amina", "p1", OTHER)
    assert [each.mac for each in router.ppp.of("amina")] == [OTHER]
    _server(router, one_session_per_host="true", max_sessions="1")
    _secret(router, "brian")
    router.ppp.dial("brian", "p1", OTHER)
    assert [each.user for each in router.ppp.sessions.values()] == ["brian"]
    with pytest.raises(DialRefused, match="too many"):
        router.ppp.dial("amina", "p1", MAC)


def test_the_secret_goes_before_its_profile_and_that_before_the_servers() -> None:
    router = _router()
    _change(router, "/ppp/profile", "homes", rate_limit="9M/9M", session_timeout="1h")
    _secret(router, "fixed", remote_address="10.9.0.99")
    assert router.ppp.dial("fixed", "p1", OTHER).address == "10.9.0.99"
    dialin = router.ppp.dial("amina", "p1", MAC)
    assert (dialin.address, dialin.session_timeout) == ("10.9.0.2", 3600)
    limits = {row.get("name"): row.get("max-limit") for row in router.tables["/queue/simple"]}
    assert limits == {"<pppoe-fixed>": "9000000/9000000", "<pppoe-amina>": "1000000/5000000"}


def test_a_pool_that_is_used_up_and_no_pool_at_all_refuse() -> None:
    router = _router()
    for name in ("brian", "cate"):
        _secret(router, name)
    router.ppp.dial("amina", "p1", MAC)
    router.ppp.dial("brian", "p1", OTHER)
    with pytest.raises(DialRefused, match="acquire"):
        router.ppp.dial("cate", "p1", "02:00:00:00:00:0B")
    _server(router, default_profile="default")
    with pytest.raises(DialRefused, match="determine"):
        router.ppp.dial("cate", "p1", "02:00:00:00:00:0B")


async def test_the_rate_limit_is_a_queue_with_the_clients_upload_first() -> None:
    async with _router() as router, await RawClient.connect(router) as client:
        router.ppp.dial("amina", "p1", MAC)
        router.ppp.count_traffic("amina", 100, 9000)
        [queue] = await client.rows("/queue/simple/print")
        assert (queue["name"], queue["target"]) == ("<pppoe-amina>", "<pppoe-amina>")
        assert (queue["max-limit"], queue["bytes"], queue["dynamic"]) == ("1000000/5000000", "100/9000", "true")


def test_sessions_end_at_their_instants_for_the_reason_that_was_first() -> None:
    router = _router()
    _change(router, "/ppp/profile", "five", session_timeout="1h", idle_timeout="10m")
    router.ppp.dial("amina", "p1", MAC)
    _wait(router, 599)
    router.ppp.count_traffic("amina", 1, 1)
    _wait(router, 600)
    assert _last(router) == "idle-timeout"
    router.ppp.dial("amina", "p1", MAC)
    for _ in range(12):
        _wait(router, 300)
        router.ppp.count_traffic("amina", 1, 1)
    assert _last(router) == "session-timeout"
    router.ppp.clients[MAC] = PppoeClient(MAC, "amina", "p1")
    router.tick()
    router.ppp.clients[MAC].pull_the_plug(router.ppp)
    _wait(router, 19)
    assert router.ppp.of("amina")
    _wait(router, 1)
    assert (router.ppp.of("amina"), _last(router)) == ([], "hung-up")


def test_byte_limits_count_one_session() -> None:
    router = _router()
    _change(router, "/ppp/secret", "amina", limit_bytes_in="1000")
    router.ppp.dial("amina", "p1", MAC)
    router.ppp.count_traffic("amina", 999, 10**9)
    assert router.ppp.of("amina")
    router.ppp.count_traffic("amina", 1, 0)
    assert (router.ppp.of("amina"), _last(router)) == ([], "nas-request")
    assert router.ppp.dial("amina", "p1", MAC).traffic.bytes_in == 0


@pytest.mark.parametrize(
    ("version", "never", "then"),
    [
        ("7.18", "1970-01-01 00:00:00", "2026-03-01 09:01:00"),
        ("6.49", "jan/01/1970 00:00:00", "mar/01/2026 09:01:00"),
    ],
)
async def test_a_secret_remembers_its_last_session(version: str, never: str, then: str) -> None:
    async with _router(version) as router, await RawClient.connect(router) as client:
        [row] = await client.rows("/ppp/secret/print")
        assert (row["last-logged-out"], "last-disconnect-reason" in row) == (never, False)
        router.ppp.clients[MAC] = PppoeClient(MAC, "amina", "p1")
        router.tick()
        _wait(router, 60)
        router.ppp.clients[MAC].hang_up(router.ppp)
        [row] = await client.rows("/ppp/secret/print")
        told = row["last-logged-out"], row["last-caller-id"], row["last-disconnect-reason"]
        assert told == (then, MAC, "peer-request")
        assert await client.trap("/ppp/secret/set", f"=.id={row['.id']}", "=last-caller-id=x") == "unknown parameter"


def test_a_changed_profile_counts_from_the_next_dial_on() -> None:
    router = _router()
    dialin = router.ppp.dial("amina", "p1", MAC)
    _change(router, "/ppp/profile", "five", rate_limit="2M/2M", session_timeout="1m")
    _wait(router, 120)
    assert [row.get("max-limit") for row in router.tables["/queue/simple"]] == ["1000000/5000000"]
    router.ppp.end(dialin, "reset")
    router.ppp.dial("amina", "p1", MAC)
    assert [row.get("max-limit") for row in router.tables["/queue/simple"]] == ["2000000/2000000"]


async def test_the_interface_of_a_dial_in_counts_bytes_and_goes_with_it() -> None:
    async with _router() as router, await RawClient.connect(router) as client:
        await client.ret("/interface/pppoe-server/add", "=name=brian-in", "=user=brian")
        _secret(router, "brian")
        router.ppp.dial("amina", "p1", MAC)
        router.ppp.dial("brian", "p1", OTHER)
        router.ppp.count_traffic("amina", 100, 9000)
        router.ppp.count_traffic("brian", 7, 8)
        shown = {row["name"]: row for row in await client.rows("/interface/print", "?type=pppoe-in")}
        assert {(n, r["rx-byte"], r["tx-byte"], r["running"]) for n, r in shown.items()} == {
            ("<pppoe-amina>", "100", "9000", "true"),
            ("brian-in", "7", "8", "true"),
        }
        bound = {row["user"]: row["name"] for row in await client.rows("/interface/pppoe-server/print")}
        assert bound == {"amina": "<pppoe-amina>", "brian": "brian-in"}
        for dialin in list(router.ppp.sessions.values()):
            router.ppp.end(dialin, "reset")
        left = {row["name"]: row["running"] for row in await client.rows("/interface/print", "?type=pppoe-in")}
        assert left == {"brian-in": "false"}


def test_a_power_cut_ends_sessions_without_a_word_and_a_reboot_says_so() -> None:
    router = _router()
    router.ppp.dial("amina", "p1", MAC)
    router.power_cut()
    assert (router.ppp.sessions, router.ppp.last_seen) == ({}, {})
    assert [row.get("name") for row in router.tables["/interface"]] == ["bridge", "ether1", "ether2"]
    router.ppp.dial("amina", "p1", MAC)
    router.reboot()
    assert _last(router) == "reboot"


async def test_names_are_taken_once_and_factory_profiles_stay() -> None:
    async with _router() as router, await RawClient.connect(router) as client:
        trap = await client.trap("/ppp/secret/add", "=name=amina", "=password=x")
        assert trap == "failure: secret with the same name already exists"
        words = ("=name=zed", "=profile=nope")
        assert await client.trap("/ppp/secret/add", *words) == "input does not match any value of profile"
        assert "default entry" in str(await client.trap("/ppp/profile/remove", "=numbers=default"))


async def test_rest_shows_and_changes_the_same() -> None:
    async with _router("7.18", rest="http") as router:
        router.ppp.dial("amina", "p1", MAC)
        async with httpx.AsyncClient(base_url=router.rest_url, auth=("admin", ""), trust_env=False) as http:
            [row] = (await http.get("/ppp/active")).json()
            assert (row["name"], row["address"]) == ("amina", "10.9.0.2")
            [secret] = (await http.get("/ppp/secret")).json()
            changed = await http.patch(f"/ppp/secret/{secret['.id']}", json={"disabled": "yes"})
            assert changed.json()["disabled"] == "true"
            assert (await http.delete(f"/ppp/active/{row['.id']}")).status_code == 204
        assert router.ppp.sessions == {}
