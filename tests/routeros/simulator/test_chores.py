"""Small commands: ping of phones in range, counters, caches, updates; and what a phone's queue has counted."""

from __future__ import annotations

import pytest

from routeros.simulator.router import SimulatedRouter
from tests.routeros.simulator.raw_client import RawClient

IP, MAC = "10.5.50.9", "02:00:00:00:00:09"


@pytest.mark.parametrize("command", ["/ping", "/tool/ping"])
async def test_a_phone_answers_a_ping_while_it_is_in_range(command: str) -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        assert (await client.rows(command, f"=address={IP}", "=count=1"))[0]["status"] == "timeout"
        router.hotspot.see_host(MAC, IP)
        for target in (IP, MAC, "10.5.50.1", "127.0.0.1"):
            rows = await client.rows(command, f"=address={target}", "=count=3")
            assert [row["received"] for row in rows] == ["1", "2", "3"]
            assert all("time" in row for row in rows)
        router.hotspot.leave(IP)
        (row,) = await client.rows(command, f"=address={IP}", "=count=1")
        assert (row["status"], row["packet-loss"]) == ("timeout", "100")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "missing value(s) of argument(s) address"),
        ((f"=address={IP}",), "missing value(s) of argument(s) count"),
        ((f"=address={IP}", "=count=0"), "invalid value for argument count"),
        ((f"=address={IP}", "=count=many"), "invalid value for argument count"),
    ],
)
async def test_a_ping_without_aim_or_end_is_refused(words: tuple[str, ...], says: str) -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        assert await client.trap("/ping", *words) == says


async def test_a_ping_needs_the_policy_test() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as admin:
        await admin.ret("/user/group/add", "=name=shop", "=policy=api,read,write")
        await admin.ret("/user/add", "=name=shop", "=group=shop")
        async with await RawClient.connect(router, user="shop") as shop:
            refused = await shop.trap("/ping", "=address=127.0.0.1", "=count=1")
            assert refused == "not enough permissions (9)"


async def test_version_7_24_pings_from_the_tool_menu_only() -> None:
    async with SimulatedRouter(version="7.24") as router, await RawClient.connect(router) as client:
        assert await client.trap("/ping", "=address=127.0.0.1", "=count=1") in {
            "no such command",
            "no such command prefix",
        }
        assert len(await client.rows("/tool/ping", "=address=127.0.0.1", "=count=2")) == 2


async def test_flushing_the_dns_cache_makes_host_rules_wait_again() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.hotspot.garden.dns_seen.add("portal.example")
        assert await client.ask("/ip/dns/cache/flush") == [["!done"]]
        assert not router.hotspot.garden.dns_seen


async def test_counters_may_be_set_to_zero_and_updates_looked_for() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        for command in ("/ip/firewall/filter/reset-counters-all", "/queue/simple/reset-counters-all"):
            assert await client.ask(command) == [["!done"]]
        (row,) = await client.rows("/system/package/update/check-for-updates")
        assert row["installed-version"] == "7.16"
        refused = await client.trap("/ip/cloud/force-update")
        assert refused == "failure: the simulator does not act on /ip/cloud/force-update"


async def test_a_phones_queue_counts_its_upload_first() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        profiles = router.hotspot.user_profiles
        profiles.change(profiles.named("default")[0], {"rate-limit": "512k/1M"})
        router.hotspot.users.add({"name": "v1", "password": "p1"})
        router.hotspot.login(ip=IP, mac=MAC, username="v1", password="p1", by="api")
        router.hotspot.count_traffic(IP, 100, 9000)
        await client.ret("/queue/simple/add", "=name=mine", "=target=10.5.50.9/32")
        first, mine = await client.rows("/queue/simple/print")
        assert (first["max-limit"], first["bytes"]) == ("512000/1000000", "100/9000")
        assert mine["bytes"] == "0/0"
