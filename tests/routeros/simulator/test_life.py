"""The life of a router: hot restarts of its simulator, resets, another board in its place, what flash and memory hold."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from routeros.client import HotspotRouter
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.board import Board
from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.router import SimulatedRouter
from routeros.values import RouterAddress
from tests.routeros.simulator.raw_client import RawClient

IP, MAC = "10.5.50.9", "02:00:00:00:00:09"


def _clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC), monotonic=frozen)


def _busy() -> SimulatedRouter:
    """A router in the middle of a sold hour, with a bit of everything."""
    router = SimulatedRouter(clock=_clock(), login_by="http-pap,mac-cookie,cookie,trial", identity="Shop")
    profiles = router.hotspot.user_profiles
    profiles.change(profiles.named("default")[0], {"rate-limit": "1M/2M", "address-list": "paid"})
    router.hotspot.users.add({"name": "v1", "password": "p1", "limit-uptime": "1h"})
    router.hotspot.login(ip=IP, mac=MAC, username="v1", password="p1", by="http-pap")
    router.hotspot.count_traffic(IP, 1000, 2000)
    router.clock.advance(600)
    return router


def test_a_hot_restart_goes_on_as_if_nothing_had_happened() -> None:
    old = _busy()
    new = SimulatedRouter(clock=_clock())
    new.load_state(old.save_state(is_hot=True))
    assert new.clock.now() == old.clock.now()
    assert new.hotspot.identity == "Shop"
    session = new.hotspot.session(IP)
    assert session is not None
    assert session.user_row is new.hotspot.users.named("v1")[0]
    assert new.hotspot.session_numbers(IP) == old.hotspot.session_numbers(IP)
    host, before = new.hotspot.host(IP), old.hotspot.host(IP)
    assert host == before
    assert [queue.get("max-limit") for queue in new.tables["/queue/simple"]] == ["1000000/2000000"]
    assert [row.get("address") for row in new.tables["/ip/firewall/address-list"]] == [IP]
    new.clock.advance(3000)
    new.tick()
    assert new.hotspot.session(IP) is None
    assert new.hotspot.accounts.used(new.hotspot.users.named("v1")[0]).uptime == 3600
    assert not list(new.tables["/queue/simple"])


def test_a_hot_restart_keeps_a_lost_date_trials_and_a_session_whose_user_is_gone() -> None:
    old = _busy()
    old.power_cut()
    old.hotspot.login(ip=IP, mac=MAC, username="v1", password="p1", by="http-pap")
    old.hotspot.users.remove(old.hotspot.users.named("v1")[0])
    other = "02:00:00:00:00:0A"
    old.hotspot.login(ip="10.5.50.10", mac=other, username=f"T-{other}", by="trial")
    old.clock.advance(100)
    old.hotspot.logout("10.5.50.10")
    new = SimulatedRouter(clock=_clock())
    new.load_state(old.save_state(is_hot=True))
    assert new.now() == old.now()
    session = new.hotspot.session(IP)
    assert session is not None
    assert session.user_row is None
    assert new.hotspot.trials.allowances[other].used == 100


def test_a_cold_restart_loses_the_session_and_its_usage_but_no_configuration() -> None:
    old = _busy()
    new = SimulatedRouter(clock=_clock())
    new.load_state(old.save_state())
    assert not new.hotspot.active
    assert not list(new.tables["/queue/simple"])
    assert new.hotspot.users.named("v1")[0].get("limit-uptime") == "1h"
    assert new.hotspot.accounts.used(new.hotspot.users.named("v1")[0]).uptime == 0


async def test_settings_and_device_mode_are_saved_too() -> None:
    async with SimulatedRouter(version="7.18", device_mode="home") as old, await RawClient.connect(old) as client:
        await client.ask("/ip/dns/set", "=allow-remote-requests=yes", "=servers=10.0.0.1")
        await client.ask("/system/device-mode/update", "=hotspot=yes")
        old.press_button()
        text = old.save_state()
    async with SimulatedRouter(version="7.18") as new, await RawClient.connect(new) as client:
        new.load_state(text)
        assert (await client.rows("/ip/dns/print"))[0]["servers"] == "10.0.0.1"
        (mode,) = await client.rows("/system/device-mode/print")
        assert (mode["mode"], mode["hotspot"], mode["scheduler"]) == ("home", "true", "false")


def test_broken_states_are_refused() -> None:
    router = _busy()
    state = json.loads(router.save_state(is_hot=True))
    for broken in ("[]", '{"format": 9}', json.dumps(state | {"live": {"now": 5}})):
        with pytest.raises(ValueError):
            SimulatedRouter().load_state(broken)


async def test_a_reset_leaves_a_factory_router() -> None:
    async with SimulatedRouter(api_user="vocha", api_password="pw", identity="Shop") as router:
        async with await RawClient.connect(router, user="vocha", password="pw") as client:
            await client.ret("/ip/hotspot/user/add", "=name=v1")
            await client.ret("/interface/bridge/add", "=name=lan")
            await client.ask("/ip/dns/set", "=servers=10.0.0.1")
            await client.ask("/system/reset-configuration", "=no-defaults=yes")
            with pytest.raises((EOFError, ConnectionError)):
                await client.reply()
        async with await RawClient.connect(router) as client:
            assert [row["name"] for row in await client.rows("/ip/hotspot/user/print")] == ["default-trial"]
            assert [row["name"] for row in await client.rows("/user/print")] == ["admin"]
            assert await client.rows("/ip/hotspot/print") == []
            assert await client.rows("/system/identity/print") == [{"name": "MikroTik"}]
            assert [row["name"] for row in await client.rows("/interface/bridge/print")] == ["bridge"]
            assert [row["name"] for row in await client.rows("/ppp/profile/print")] == ["default", "default-encryption"]
            assert (await client.rows("/ip/dns/print"))[0].get("servers") != "10.0.0.1"
            assert (await client.rows("/system/routerboard/print"))[0]["serial-number"] == router.serial
            fresh = SimulatedRouter(server_name="")
            for path, table in fresh.tables.items():
                assert [row.values for row in router.tables[path]] == [row.values for row in table], path


async def test_a_reset_may_keep_the_users_and_needs_the_policy() -> None:
    async with SimulatedRouter(api_user="vocha", api_password="pw") as router:
        async with await RawClient.connect(router, user="vocha", password="pw") as client:
            await client.ret("/user/group/add", "=name=shop", "=policy=api,read,write")
            await client.ret("/user/add", "=name=shop", "=group=shop")
            async with await RawClient.connect(router, user="shop") as shop:
                assert await shop.trap("/system/reset-configuration") == "not enough permissions (9)"
            await client.ask("/system/reset-configuration", "=keep-users=yes")
            await asyncio.sleep(0.1)
        async with await RawClient.connect(router, user="vocha", password="pw") as client:
            assert [row["name"] for row in await client.rows("/user/print")] == ["vocha", "shop"]
            assert await client.rows("/ip/hotspot/print") == []


async def test_another_board_has_another_serial_and_knows_nothing() -> None:
    async with SimulatedRouter(version="7.18", api_password="", identity="Shop") as router:
        router.hotspot.users.add({"name": "v1"})
        port = router.api_port
        router.replace_board(serial="HEX9NEW", board=Board(name="hAP lite", license_level=1), device_mode="home")
        assert router.api_port == port
        address = RouterAddress(host=router.api_host, port=port, user="admin", password="")
        async with HotspotRouter(address) as client:
            assert (await client.resource()).board_name == "hAP lite"
            assert await client.users() == [user for user in await client.users() if user.is_dynamic]
        async with await RawClient.connect(router) as raw:
            (board,) = await raw.rows("/system/routerboard/print")
            assert board["serial-number"] == "HEX9NEW"
            assert (await raw.rows("/system/license/print"))[0]["nlevel"] == "1"
            assert (await raw.rows("/system/device-mode/print"))[0]["mode"] == "home"


async def test_sectors_written_are_counted_since_boot_and_ever() -> None:
    async def sectors(client: RawClient) -> tuple[int, int]:
        (row,) = await client.rows("/system/resource/print")
        return int(row["write-sect-since-reboot"]), int(row["write-sect-total"])

    async with SimulatedRouter() as router:
        async with await RawClient.connect(router) as client:
            _, before = await sectors(client)
            for number in range(5):
                await client.ret("/ip/hotspot/user/add", f"=name=u{number}")
            assert await sectors(client) == (5, before + 5)
        router.power_cut()
        async with await RawClient.connect(router) as client:
            assert await sectors(client) == (0, before + 5)


def test_ids_dealt_anew_do_not_hide_a_saved_row() -> None:
    router = SimulatedRouter(clock=_clock(), behaviour=Behaviour(ids_change_at_boot=True))
    router.hotspot.users.add({"name": "v1"})
    router.power_cut()
    new = SimulatedRouter(clock=_clock())
    new.load_state(router.save_state(is_hot=True))
    assert [row.id for row in new.hotspot.users] == [row.id for row in router.hotspot.users]


def test_time_may_run_faster_and_never_back() -> None:
    real = [100.0]
    clock = VirtualClock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC), monotonic=lambda: real[0])
    real[0] += 10
    clock.speed = 60
    assert clock.now() == datetime(2026, 3, 1, 9, 0, 10, tzinfo=UTC)
    real[0] += 10
    assert clock.now() == datetime(2026, 3, 1, 9, 10, 10, tzinfo=UTC)
    clock.advance(50)
    clock.speed = 0.5
    assert clock.now() == datetime(2026, 3, 1, 9, 11, tzinfo=UTC)
    real[0] += 2
    assert clock.now() == datetime(2026, 3, 1, 9, 11, 1, tzinfo=UTC)
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="stands still"):
            clock.speed = wrong
