"""The menus through the API: typed values, ids, defaults, versions, permissions of the device, plausible reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from routeros import simulator
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.board import Board
from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.router import SimulatedRouter
from tests.routeros.simulator.raw_client import RawClient

USERS = "/ip/hotspot/user"
PROFILES = "/ip/hotspot/user/profile"
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def _still() -> VirtualClock:
    return VirtualClock(START, monotonic=frozen)


async def test_a_fresh_user_has_only_what_was_set() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        row_id = await client.ret(f"{USERS}/add", "=name=v1", "=password=p1")
        assert row_id.startswith("*")
        assert row_id[1:] == row_id[1:].upper()
        (row,) = await client.rows(f"{USERS}/print", "?name=v1")
        assert row == {
            ".id": row_id,
            "name": "v1",
            "password": "p1",
            "profile": "default",
            "uptime": "0s",
            "bytes-in": "0",
            "bytes-out": "0",
            "packets-in": "0",
            "packets-out": "0",
            "dynamic": "false",
            "disabled": "false",
        }


async def test_values_are_typed_and_printed_canonically() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        given = ("=limit-uptime=05:00:00", "=limit-bytes-total=1G", "=mac-address=aa-bb-cc-dd-ee-0f", "=disabled=yes")
        await client.ret(f"{USERS}/add", "=name=v1", "=server=hotspot1", *given)
        (row,) = await client.rows(f"{USERS}/print", "?name=v1")
        assert row["limit-uptime"] == "5h"
        assert row["limit-bytes-total"] == "1073741824"
        assert row["mac-address"] == "AA:BB:CC:DD:EE:0F"
        assert row["disabled"] == "true"
        assert row["server"] == "hotspot1"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("=limit-uptime=soon", "invalid value for argument limit-uptime"),
        ("=limit-bytes-total=lots", "invalid value for argument limit-bytes-total"),
        ("=mac-address=xx", "invalid value for argument mac-address"),
        ("=disabled=maybe", "invalid value for argument disabled"),
        ("=address=10.0.0.999", "invalid value for argument address"),
        ("=profile=gold", "input does not match any value of profile"),
        ("=server=nowhere", "input does not match any value of server"),
        ("=nonsense=1", "unknown parameter"),
        ("=uptime=1h", "unknown parameter"),
        ("=otp-secret=x", "unknown parameter"),
        ("=name=", "missing value(s) of argument(s) name"),
    ],
)
async def test_bad_arguments_trap_and_add_nothing(word: str, message: str) -> None:
    async with SimulatedRouter(version="7.16") as router, await RawClient.connect(router) as client:
        assert await client.trap(f"{USERS}/add", "=name=v1", word) == message
        assert await client.ret(f"{USERS}/print", "=count-only=", "?name=v1") == "0"


async def test_a_prefix_of_one_name_is_enough_and_of_two_ambiguous() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        for name in ("gold-1h", "gold-2h"):
            await client.ret(f"{PROFILES}/add", f"=name={name}")
        await client.ret(f"{USERS}/add", "=name=v1", "=profile=gold-2")
        assert router.hotspot.users.named("v1")[0].get("profile") == "gold-2h"
        ambiguous = "ambiguous value of profile, more than one possible value matches input"
        assert await client.trap(f"{USERS}/add", "=name=v2", "=profile=gold") == ambiguous


async def test_a_duplicate_user_is_refused_per_server() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret(f"{USERS}/add", "=name=v1")
        duplicate = "failure: already have user with this name for this server"
        assert await client.trap(f"{USERS}/add", "=name=v1") == duplicate
        assert await client.trap(f"{USERS}/add", "=name=v1", "=server=all") == duplicate
        assert await client.ret(f"{USERS}/add", "=name=v1", "=server=hotspot1")
        other = await client.ret(f"{USERS}/add", "=name=v2")
        assert await client.trap(f"{USERS}/set", f"=.id={other}", "=name=v1") == duplicate
        assert router.hotspot.users.rows[other].get("name") == "v2"


async def test_set_and_remove_take_ids_names_and_lists() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        ids = [await client.ret(f"{USERS}/add", f"=name=v{n}") for n in range(6)]
        assert await client.ask(f"{USERS}/set", f"=.id={ids[0]},{ids[1]}", "=comment=two") == [["!done"]]
        assert await client.ask(f"{USERS}/set", "=numbers=v2", "=comment=two") == [["!done"]]
        assert await client.ret(f"{USERS}/print", "=count-only=", "?comment=two") == "3"
        assert await client.ask(f"{USERS}/disable", "=.id=v3") == [["!done"]]
        assert router.hotspot.users.rows[ids[3]].is_disabled
        assert await client.ask(f"{USERS}/remove", f"=.id={','.join(ids[:4])}") == [["!done"]]
        assert await client.trap(f"{USERS}/remove", f"=.id={ids[4]},{ids[0]}") == "no such item"
        assert router.hotspot.users.named("v4"), "a list with a stale id removes nothing"
        assert await client.trap(f"{USERS}/set", "=comment=x") == "missing value(s) of argument(s) numbers"


async def test_a_name_two_rows_share_is_no_id() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret(f"{USERS}/add", "=name=v1")
        await client.ret(f"{USERS}/add", "=name=v1", "=server=hotspot1")
        assert await client.trap(f"{USERS}/remove", "=.id=v1") == "no such item"


async def test_an_emptied_property_is_absent_again() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        row_id = await client.ret(f"{USERS}/add", "=name=v1", "=comment=hi", "=limit-uptime=1h")
        await client.ask(f"{USERS}/set", f"=.id={row_id}", "=comment=", "=limit-uptime=")
        (row,) = await client.rows(f"{USERS}/print", "?name=v1")
        assert "comment" not in row
        assert "limit-uptime" not in row
        assert await client.ask(f"{USERS}/print", "?name=v1", "=.proplist=comment") == [["!re"], ["!done"]]


async def test_proplist_chooses_properties() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret(f"{USERS}/add", "=name=v1", "=password=x")
        (row,) = await client.rows(f"{USERS}/print", "?name=v1", "=.proplist=name,email,uptime")
        assert row == {"name": "v1", "uptime": "0s"}


async def test_get_and_find_and_getall() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        row_id = await client.ret(f"{USERS}/add", "=name=v1", "=comment=hi")
        assert await client.ret(f"{USERS}/get", "=.id=v1", "=value-name=comment") == "hi"
        assert await client.ret(f"{USERS}/find", "?name=v1") == row_id
        assert await client.rows(f"{USERS}/getall", "?name=v1") == await client.rows(f"{USERS}/print", "?name=v1")
        assert await client.ret("/system/identity/get", "=value-name=name") == "MikroTik"


async def test_factory_rows_stay() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        factory = (
            (USERS, "default-trial"),
            (PROFILES, "default"),
            ("/ip/hotspot/profile", "default"),
            ("/user", "admin"),
        )
        for menu, name in factory:
            assert (await client.trap(f"{menu}/remove", f"=numbers={name}")).startswith("failure: can not remove")
            assert len(await client.rows(f"{menu}/print", f"?name={name}")) == 1
        (row,) = await client.rows(f"{PROFILES}/print", "?name=default")
        expected = {"shared-users": "1", "keepalive-timeout": "2m", "idle-timeout": "none", "mac-cookie-timeout": "3d"}
        assert expected.items() <= row.items()
        assert row["add-mac-cookie"] == row["default"] == "true"


async def test_a_renamed_profile_takes_its_users_along() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        row_id = await client.ret(f"{PROFILES}/add", "=name=gold")
        await client.ret(f"{USERS}/add", "=name=v1", "=profile=gold")
        await client.ask(f"{PROFILES}/set", f"=.id={row_id}", "=name=silver")
        assert (await client.rows(f"{USERS}/print", "?name=v1"))[0]["profile"] == "silver"
        await client.ask(f"{PROFILES}/remove", f"=.id={row_id}")
        assert (await client.rows(f"{USERS}/print", "?name=v1"))[0]["profile"] == row_id


async def test_place_before_and_move_order_the_walled_garden() -> None:
    menu = "/ip/hotspot/walled-garden"
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        first = await client.ret(f"{menu}/add", "=dst-host=a.example", "=action=deny")
        await client.ret(f"{menu}/add", "=dst-host=b.example", f"=place-before={first}")
        hosts = [row["dst-host"] for row in await client.rows(f"{menu}/print")]
        assert hosts == ["b.example", "a.example"]
        await client.ask(f"{menu}/move", "=numbers=*2", "=destination=")
        assert [row["dst-host"] for row in await client.rows(f"{menu}/print")] == ["a.example", "b.example"]
        assert router.hotspot.walled_garden("b.example", 80, "/", "GET", "10.5.50.9")
        assert [row["hits"] for row in await client.rows(f"{menu}/print")] == ["0", "1"]


async def test_copy_from_takes_the_rest_from_another_row() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        model = await client.ret(f"{PROFILES}/add", "=name=gold", "=rate-limit=1M/2M", "=shared-users=3")
        await client.ret(f"{PROFILES}/add", "=name=gold2", f"=copy-from={model}", "=shared-users=4")
        (row,) = await client.rows(f"{PROFILES}/print", "?name=gold2")
        assert (row["rate-limit"], row["shared-users"]) == ("1M/2M", "4")


@pytest.mark.parametrize(
    ("version", "command", "is_known"),
    [
        ("7.20.2", f"{USERS}/add =name=x =otp-secret=y", False),
        ("7.24", f"{USERS}/add =name=x =otp-secret=y", True),
        ("7.24", "/ip/hotspot/profile/add =name=x =https-redirect=yes", False),
        ("7.9", "/certificate/builtin/print", False),
        ("7.24", "/certificate/builtin/print", True),
        ("6.49", "/interface/wireguard/print", False),
        ("7.16", "/interface/wireguard/print", True),
        ("6.49", f"{USERS}/add =name=x", True),
        ("7.16", "/user/active/remove =numbers=*1", False),
    ],
)
async def test_commands_and_arguments_depend_on_the_version(version: str, command: str, *, is_known: bool) -> None:
    async with SimulatedRouter(version=version) as router, await RawClient.connect(router) as client:
        replies = await client.ask(*command.split(" "))
        assert (replies[0][0] != "!trap") is is_known, replies


async def test_https_redirect_is_a_switch() -> None:
    router = SimulatedRouter(behaviour=Behaviour(has_https_redirect=True))
    async with router, await RawClient.connect(router) as client:
        assert await client.ret("/ip/hotspot/profile/add", "=name=x", "=https-redirect=yes")


async def test_any_listed_menu_works_as_a_plain_table() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        for words in (
            ("/ip/pool/add", "=name=hs", "=ranges=10.5.50.10-10.5.50.200"),
            ("/ip/address/add", "=address=10.5.50.1/24", "=interface=bridge"),
            ("/ip/firewall/nat/add", "=chain=srcnat", "=action=masquerade"),
            ("/system/script/add", "=name=s1", "=source=:put hi"),
            ("/radius/add", "=service=hotspot", "=address=10.0.0.2", "=secret=shh"),
        ):
            menu = words[0].rpartition("/")[0]
            row_id = await client.ret(*words)
            (row,) = [row for row in await client.rows(f"{menu}/print") if row[".id"] == row_id]
            assert dict(word[1:].split("=", 1) for word in words[1:]).items() <= row.items()
            assert await client.ask(f"{menu}/set", f"=.id={row_id}", "=comment=c") == [["!done"]]
            assert await client.ask(f"{menu}/remove", f"=.id={row_id}") == [["!done"]]
        assert (await client.rows("/radius/incoming/print"))[0]["port"] == "1700"
        assert await client.ask("/ip/dns/set", "=servers=1.1.1.1") == [["!done"]]
        assert (await client.rows("/ip/dns/print"))[0]["servers"] == "1.1.1.1"


async def test_what_the_simulator_does_not_act_on_says_so() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        message = await client.trap("/system/package/update/install")
        assert message == "failure: the simulator does not act on /system/package/update/install"


async def test_system_menus_read_plausibly() -> None:
    clock = _still()
    router = SimulatedRouter(version="7.16", identity="Duka", serial="ABC123", clock=clock, board=Board(model="RB5"))
    async with router, await RawClient.connect(router) as client:
        clock.advance(3725)
        (resource,) = await client.rows("/system/resource/print")
        assert resource["uptime"] == "1h2m5s"
        assert resource["version"] == "7.16 (stable)"
        assert int(resource["free-memory"]) < int(resource["total-memory"])
        (board,) = await client.rows("/system/routerboard/print")
        assert (board["model"], board["serial-number"]) == ("RB5", "ABC123")
        assert (await client.rows("/system/license/print"))[0]["nlevel"] == "4"
        (now,) = await client.rows("/system/clock/print")
        assert (now["date"], now["time"], now["gmt-offset"]) == ("2026-03-01", "13:02:05", "+03:00")
        assert await client.ask("/system/identity/set", "=name=Kiosk") == [["!done"]]
        assert (await client.rows("/system/identity/print")) == [{"name": "Kiosk"}]
        assert router.hotspot.identity == "Kiosk"


async def test_dates_are_written_the_old_way_before_7_10() -> None:
    async with SimulatedRouter(version="7.9", clock=_still()) as router, await RawClient.connect(router) as client:
        assert (await client.rows("/system/clock/print"))[0]["date"] == "mar/01/2026"
        assert (await client.rows("/log/print"))[0]["time"].startswith("mar/01 ")


async def test_writes_are_counted_for_the_flash() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        before = int((await client.rows("/system/resource/print"))[0]["write-sect-since-reboot"])
        await client.ret(f"{USERS}/add", "=name=v1")
        await client.ask(f"{USERS}/set", "=numbers=v1", "=comment=x")
        after = int((await client.rows("/system/resource/print"))[0]["write-sect-since-reboot"])
        assert after == before + 2


async def test_a_home_mode_router_lists_an_inactive_hotspot_and_refuses_schedules() -> None:
    clock = _still()
    router = SimulatedRouter(version="7.18", device_mode="home", server_name="", clock=clock)
    async with router, await RawClient.connect(router) as client:
        assert await client.ret("/ip/hotspot/add", "=interface=bridge", "=disabled=no")
        (row,) = await client.rows("/ip/hotspot/print")
        assert row[".about"] == "inactivated, not allowed by device-mode"
        assert router.hotspot.server is None
        denied = "failure: not allowed by device-mode"
        assert await client.trap("/system/scheduler/add", "=name=poll") == denied
        await client.rows("/system/device-mode/update", "=hotspot=yes", "=scheduler=yes")
        assert await client.trap("/system/scheduler/add", "=name=poll") == denied, "nobody was at the router yet"
        clock.advance(60)
        router.power_cut()
    async with router, await RawClient.connect(router) as client:
        assert router.hotspot.server is not None
        assert ".about" not in (await client.rows("/ip/hotspot/print"))[0]
        assert await client.ret("/system/scheduler/add", "=name=poll")


async def test_a_device_mode_change_nobody_confirms_in_five_minutes_lapses() -> None:
    clock = _still()
    async with SimulatedRouter(version="7.18", device_mode="home", clock=clock) as router:
        async with await RawClient.connect(router) as client:
            await client.rows("/system/device-mode/update", "=mode=advanced")
        clock.advance(301)
        router.power_cut()
        assert router.device_mode.mode == "home"


async def test_older_routers_know_no_device_mode_limits() -> None:
    async with SimulatedRouter(version="7.16", device_mode="home") as router:
        assert router.hotspot.server is not None


async def test_schedules_need_every_policy_they_list() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as admin:
        await admin.ret("/user/group/add", "=name=shop", "=policy=api,read,write")
        await admin.ret("/user/add", "=name=shop", "=group=shop")
        async with await RawClient.connect(router, user="shop") as shop:
            refused = "not enough permissions (9)"
            assert await shop.trap("/system/scheduler/add", "=name=a", "=policy=read,reboot") == refused
            assert await shop.ret("/system/scheduler/add", "=name=a", "=policy=read,write")


async def test_router_passwords_are_never_shown() -> None:
    router = SimulatedRouter(api_password="topsecret")
    async with router, await RawClient.connect(router, password="topsecret") as client:
        assert "topsecret" not in str(await client.rows("/user/print"))


async def test_a_rebooted_router_drops_its_clients_and_its_uptime() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        router.clock.advance(500)
        assert await client.ask("/system/reboot") == [["!done"]]
        with pytest.raises((EOFError, ConnectionError)):
            await client.reply()
        async with await RawClient.connect(router) as again:
            assert (await again.rows("/system/resource/print"))[0]["uptime"] == "0s"


async def test_state_survives_in_a_new_router() -> None:
    old = SimulatedRouter(identity="Duka")
    user = old.hotspot.users.add({"name": "v1", "limit-uptime": "1h"})
    old.hotspot.login(ip="10.5.50.9", mac="02:00:00:00:00:01", username="v1", password="", by="http-pap")
    old.hotspot.new_http_cookie("10.5.50.9")
    old.clock.advance(600)
    old.hotspot.logout("10.5.50.9")
    new = SimulatedRouter()
    new.load_state(old.save_state())
    copy = new.hotspot.users.named("v1")[0]
    assert (copy.id, copy.values, new.hotspot.identity) == (user.id, user.values, "Duka")
    assert int(new.hotspot.accounts.used(copy).uptime) == 600
    assert len(new.hotspot.cookies.cookies) == 1
    assert new.hotspot.users.add({"name": "v2"}).id != user.id
    for wrong in ("{}", '{"format": 99}', "[1]"):
        with pytest.raises(ValueError, match="saved"):
            new.load_state(wrong)


@contextmanager
def lines_counted() -> Generator[list[int]]:
    """How many lines of the simulator run meanwhile: what work costs, whatever else the machine does."""
    count, home = [0], str(Path(simulator.__file__).parent)

    def note(frame: FrameType, _event: str, _arg: object) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(home):
            return None
        count[0] += 1
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        yield count
    finally:
        sys.settrace(before)


async def test_one_more_user_costs_as_much_with_a_thousand_rows_as_with_none_and_is_printed_in_few_steps() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:

        async def add(start: int, count: int) -> None:
            for number in range(start, start + count):
                client.send(f"{USERS}/add", f"=name=u{number}", "=password=p", "=limit-uptime=1h", "=comment=c")
            for _ in range(count):
                await client.reply()

        await add(0, 5)
        with lines_counted() as first:
            await add(5, 20)
        await add(25, 955)
        with lines_counted() as last:
            await add(980, 20)
        assert 0 < last[0] <= first[0] * 1.05
        with lines_counted() as printing:
            assert len(await client.rows(f"{USERS}/print")) == 1001
        assert 1000 < printing[0] <= 1000 * 700
