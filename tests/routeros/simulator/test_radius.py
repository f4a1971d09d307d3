"""RADIUS against a server that is not ours: who is let in, with what, what is told, and orders to end or change it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import httpx
import pytest

from routeros.simulator.behaviour import Behaviour
from routeros.simulator.clock import VirtualClock, frozen
from routeros.simulator.proxy import HotspotNetwork
from routeros.simulator.radius.desk import settled
from routeros.simulator.radius.packets import Packet, decode, hide_password, is_answer
from routeros.simulator.refusals import LoginRefused
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.servlet import stock_pages
from routeros.simulator.sessions import Active
from tests.routeros.simulator.radius_server import RadiusServer
from tests.routeros.simulator.raw_client import RawClient

MAC, IP = "02:00:00:00:00:09", "10.5.50.9"
KIB = 1024


@pytest.fixture
async def server() -> AsyncIterator[RadiusServer]:
    running = await RadiusServer(users={"njeri": "simba", "otieno": "ndovu"}).start()
    yield running
    running.stop()


@pytest.fixture
async def router(server: RadiusServer) -> AsyncIterator[SimulatedRouter]:
    async with router_for(server) as running:
        yield running


def router_for(
    server: RadiusServer, *, version: str = "7.18", behaviour: Behaviour | None = None, **row: str
) -> SimulatedRouter:
    router = SimulatedRouter(
        version=version,
        clock=VirtualClock(datetime(2026, 3, 1, 9, 0, tzinfo=UTC), monotonic=frozen),
        behaviour=behaviour,
        identity="duka",
        login_by="http-pap,http-chap,cookie,mac-cookie",
    )
    wanted = {
        "service": "hotspot",
        "address": "127.0.0.1",
        "secret": "shared",
        "authentication-port": str(server.port),
        "accounting-port": str(server.port),
        "timeout": "150ms",
    }
    router.tables["/radius"].add(wanted | {name.replace("_", "-"): value for name, value in row.items()})
    profile(router, use_radius="yes")
    return router


def profile(router: SimulatedRouter, **values: str) -> None:
    assert router.hotspot.profile is not None
    given = {name.replace("_", "-"): value for name, value in values.items()}
    router.tables["/ip/hotspot/profile"].change(router.hotspot.profile, given)


async def log_in(
    router: SimulatedRouter, name: str = "njeri", password: str = "simba", *, ip: str = IP, mac: str = MAC
) -> Active:
    hotspot = router.hotspot
    return await settled(
        hotspot.radius, lambda: hotspot.login(ip=ip, mac=mac, username=name, password=password, by="http-pap")
    )


async def refusal(router: SimulatedRouter, name: str = "njeri", password: str = "simba") -> LoginRefused:
    with pytest.raises(LoginRefused) as refused:
        await log_in(router, name, password)
    assert router.hotspot.session(IP) is None
    return refused.value


def test_packets_are_those_of_the_rfc() -> None:
    """RFC 2865, 7.1."""
    own = bytes.fromhex("0f403f9473978057bd83d5cb98f4227a")
    hidden = hide_password(b"arctangent", secret=b"xyzzy5461", authenticator=own)
    assert hidden.hex() == "0dbe708d93d413ce3196e43f782a0aee"
    request = Packet(
        1, 0, own, ((0, 1, b"nemo"), (0, 2, hidden), (0, 4, bytes([192, 168, 1, 16])), (0, 5, bytes([0, 0, 0, 3])))
    )
    assert request.encode().hex().startswith("010000380f403f94")
    assert decode(request.encode()) == request
    answer = decode(bytes.fromhex("0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103"))
    assert is_answer(answer, request, b"xyzzy5461", needs_seal=False)
    assert not is_answer(answer, request, b"xyzzy5462", needs_seal=False)
    assert not is_answer(answer, request, b"xyzzy5461", needs_seal=True)


@pytest.mark.parametrize(
    "garbage", [b"", b"\x02" * 19, b"\x02\x00\x00\x13" + bytes(16), b"\x02\x00\x00\x16" + bytes(16) + b"\x01\x01"]
)
def test_what_is_no_packet_is_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError):
        decode(garbage)


async def test_a_user_only_radius_knows_is_let_in(router: SimulatedRouter, server: RadiusServer) -> None:
    active = await log_in(router)
    (told,) = server.asked
    assert told["user"] == b"njeri"
    assert (told["calling"], told["called"], told["port-id"]) == (MAC.encode(), b"hotspot1", b"bridge")
    assert (told["nas-id"], told["nas-ip"]) == (b"duka", IPv4Address("127.0.0.1").packed)
    assert told["framed-ip"] == told["host-ip"] == IPv4Address(IP).packed
    assert int.from_bytes(told["port-type"]) == 19
    assert told["logoff"] == b"http://login.hotspot/logout"
    assert "seal" in told
    assert active.accounting_id.encode() == told["session"]
    (row,) = router.dispatcher.menus["/ip/hotspot/active"].shown()
    assert (row["user"], row["radius"], row["login-by"]) == ("njeri", "true", "http-pap")


async def test_profile_and_row_tell_more(server: RadiusServer) -> None:
    async with router_for(server, realm="east", src_address="127.0.0.9") as router:
        profile(router, radius_location_id="L1", radius_location_name="Duka la Njeri", nas_port_type="ethernet")
        await log_in(router)
    (told,) = server.asked
    assert (told["location-id"], told["location"], told["realm"]) == (b"L1", b"Duka la Njeri", b"east")
    assert (int.from_bytes(told["port-type"]), told["nas-ip"]) == (15, IPv4Address("127.0.0.9").packed)


CHAP_PAGE = stock_pages() | {"login.html": "$(chap-id) $(chap-challenge)", "flogin.html": "$(error)"}


async def test_chap_is_answered_without_the_password(router: SimulatedRouter, server: RadiusServer) -> None:
    async with HotspotNetwork(router.hotspot, html=CHAP_PAGE) as network:
        phone = await network.attach()
        async with httpx.AsyncClient(proxy=phone.proxy_url, trust_env=False) as browser:
            page = (await browser.get("http://login.hotspot/login")).text
            chap_id, challenge = (bytes(int(part, 8) for part in word.split("\\")[1:]) for word in page.split())
            response = hashlib.md5(chap_id + b"simba" + challenge).hexdigest()
            form = {"username": "njeri", "password": response}
            await browser.post("http://login.hotspot/login", data=form)
        assert router.hotspot.session(phone.ip) is not None
    (told,) = server.asked
    assert "password" not in told
    assert (told["chap-password"], told["chap-challenge"]) == (chap_id + bytes.fromhex(response), challenge)


async def test_the_form_may_add_attributes_and_pages_show_those_of_the_answer(
    router: SimulatedRouter, server: RadiusServer
) -> None:
    server.grants = {"session-timeout": 600, "class": "gold"}
    pages = stock_pages() | {"status.html": "$(radius25) $(radius27u) $(radius3-14988) $(radius3-14988u)"}
    async with HotspotNetwork(router.hotspot, html=pages) as network:
        phone = await network.attach()
        async with httpx.AsyncClient(proxy=phone.proxy_url, trust_env=False) as browser:
            form = {
                "username": "njeri",
                "password": "simba",
                "radius11": "vip",
                "radius1-14122": "L9",
                "radius62u": "7",
            }
            await browser.post("http://login.hotspot/login", data=form | {"radius999": "x", "radius62x": "y"})
            assert (await browser.get("http://login.hotspot/status")).text == "gold 600  0"
    (told,) = server.asked
    assert (told["filter"], told["location-id"], told["port-limit"]) == (b"vip", b"L9", (7).to_bytes(4))


async def test_a_wrong_password_is_refused(router: SimulatedRouter, server: RadiusServer) -> None:
    assert (await refusal(router, password="no")).key == "invalid-username"
    assert (await refusal(router, "nobody")).key == "invalid-username"
    assert len(server.asked) == 2


async def test_the_servers_words_are_shown(router: SimulatedRouter, server: RadiusServer) -> None:
    server.reject = "Your hour is over"
    refused = await refusal(router)
    assert (refused.key, refused.text()) == ("radius-reply", "Your hour is over")


async def test_a_user_of_the_router_is_let_in_without_asking(router: SimulatedRouter, server: RadiusServer) -> None:
    router.hotspot.users.add({"name": "local", "password": "p"})
    active = await log_in(router, "local", "p")
    assert (server.asked, active.grant) == ([], None)
    router.hotspot.logout(IP)
    assert (await refusal(router, "local", "wrong")).key == "invalid-username"


async def test_radius_first_counts_against_a_row(server: RadiusServer) -> None:
    async with router_for(server, behaviour=Behaviour(radius_order="radius-first")) as router:
        router.hotspot.users.add({"name": "local", "password": "p"})
        router.hotspot.users.add({"name": "njeri", "password": "old"})
        assert (await refusal(router, "local", "p")).key == "invalid-username"
        assert (await log_in(router)).grant is not None


async def test_what_the_answer_grants(router: SimulatedRouter, server: RadiusServer) -> None:
    router.hotspot.user_profiles.add(
        {"name": "gold", "session-timeout": "2h", "rate-limit": "1M/1M", "idle-timeout": "9m"}
    )
    server.grants = {
        "group": "gold", "session-timeout": 3600, "idle-timeout": 120, "rate": "512k/2M", "list": "paying",
        "recv": 10 * KIB, "xmit": 5, "xmit-giga": 1, "total": 20 * KIB,
    }  # fmt: skip
    active = await log_in(router)
    assert (active.profile, active.budget, active.idle_timeout) == ("gold", 3600, 120)
    assert (active.limit_bytes_in, active.limit_bytes_out, active.limit_bytes_total) == (10 * KIB, 2**32 + 5, 20 * KIB)
    (queue,) = router.tables["/queue/simple"]
    assert queue.get("max-limit") == "512000/2000000"
    assert [row.get("list") for row in router.tables["/ip/firewall/address-list"]] == ["paying"]
    router.hotspot.count_traffic(IP, 10 * KIB, 0)
    assert router.hotspot.session(IP) is None
    assert list(router.tables["/queue/simple"]) == []


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ({"rate": "1M/2M", "ascend": 5000, "max-up": 9000}, "1000000/2000000"),
        ({"ascend": 64000}, "64000/64000"),
        ({"ascend": 32000, "ascend-xmit": 64000, "max-down": 9}, "32000/64000"),
        ({"max-up": 128000, "max-down": 256000}, "128000/256000"),
        ({"rate": "fast"}, None),
        ({}, None),
    ],
)
async def test_rates_have_an_order(
    router: SimulatedRouter, server: RadiusServer, said: dict[str, str | int | bytes], limit: str | None
) -> None:
    server.grants = said
    await log_in(router)
    assert [row.get("max-limit") for row in router.tables["/queue/simple"]] == ([limit] if limit else [])


async def test_a_terminate_time_ends_the_session(router: SimulatedRouter, server: RadiusServer) -> None:
    end = router.clock.now() + timedelta(minutes=10)
    server.grants = {"until": end.strftime("%Y-%m-%dT%H:%M:%S+0000"), "session-timeout": 3600}
    active = await log_in(router)
    assert active.budget == pytest.approx(600, abs=1)
    router.clock.advance(601)
    router.tick()
    assert router.hotspot.session(IP) is None


async def test_port_limit_is_how_many_may_share(router: SimulatedRouter, server: RadiusServer) -> None:
    server.grants = {"port-limit": 2}
    await log_in(router)
    await log_in(router, ip="10.5.50.10", mac="02:00:00:00:00:0A")
    with pytest.raises(LoginRefused, match="user-session-limit"):
        await log_in(router, ip="10.5.50.11", mac="02:00:00:00:00:0B")


async def test_an_unknown_group_is_a_configuration_error(router: SimulatedRouter, server: RadiusServer) -> None:
    server.grants = {"group": "no-such-profile"}
    assert (await refusal(router)).key == "config-error"


async def test_the_browser_goes_where_the_server_says(router: SimulatedRouter, server: RadiusServer) -> None:
    server.grants = {"redirect": "http://shop.example/thanks"}
    async with HotspotNetwork(router.hotspot) as network:
        phone = await network.attach()
        async with httpx.AsyncClient(proxy=phone.proxy_url, trust_env=False) as browser:
            page = await browser.post("http://login.hotspot/login", data={"username": "njeri", "password": "simba"})
    assert "http://shop.example/thanks" in page.text


async def test_the_api_logs_a_phone_in_by_radius(router: SimulatedRouter, server: RadiusServer) -> None:
    router.hotspot.see_host(MAC, IP)
    async with await RawClient.connect(router) as client:
        words = ("/ip/hotspot/active/login", f"=ip={IP}", "=user=njeri")
        assert await client.ask(*words, "=password=simba") == [["!done"]]
        assert router.hotspot.session(IP) is not None
        router.hotspot.logout(IP)
        server.reject = "Not today"
        assert await client.trap(*words, "=password=simba") == "Not today"


# -- servers that are slow, silent, or somebody else's -----------------------------------------------------------


async def test_a_lost_packet_is_sent_again(router: SimulatedRouter, server: RadiusServer) -> None:
    server.lost = 2
    await log_in(router)
    (row,) = router.tables["/radius"]
    tally = router.radius.desk.client.tally(row.id)
    assert (tally.requests, tally.resends, tally.timeouts, tally.accepts) == (1, 2, 0, 1)


async def test_a_silent_server_is_said_and_the_next_one_asked(router: SimulatedRouter, server: RadiusServer) -> None:
    server.lost = 3
    assert (await refusal(router)).key == "radius-timeout"
    other = await RadiusServer(users=server.users).start()
    spare = {"service": "hotspot", "address": "127.0.0.1", "secret": "shared", "authentication-port": str(other.port)}
    router.tables["/radius"].add(spare)
    server.lost = 3
    await log_in(router)
    assert (len(server.asked), len(other.asked)) == (0, 1)
    other.stop()


async def test_no_server_means_nobody_responds(router: SimulatedRouter) -> None:
    (row,) = router.tables["/radius"]
    for change in (
        {"service": "ppp"},
        {"service": "hotspot", "domain": "elsewhere"},
        {"domain": "", "disabled": "yes"},
    ):
        router.tables["/radius"].change(row, change)
        assert (await refusal(router)).key == "radius-timeout"


async def test_an_answer_with_another_secret_is_not_believed(router: SimulatedRouter, server: RadiusServer) -> None:
    (row,) = router.tables["/radius"]
    server.spoil = lambda data: data[:4] + bytes(16) + data[20:]
    assert (await refusal(router)).key == "radius-timeout"
    assert router.radius.desk.client.tally(row.id).bad_replies == 3


async def test_an_unsealed_answer_counts_only_where_none_is_required(server: RadiusServer) -> None:
    server.is_sealing = False
    async with router_for(server) as router:
        assert (await refusal(router)).key == "radius-timeout"
    async with router_for(server, require_message_auth="no") as router:
        await log_in(router)
    assert "seal" not in server.asked[-1]


async def test_a_spoilt_seal_is_never_believed(server: RadiusServer) -> None:
    def spoil(data: bytes) -> bytes:
        broken = data[:22] + bytes(16) + data[38:]
        body, own = broken[20:], server.asked[-1]["own"]
        return broken[:4] + hashlib.md5(broken[:4] + own + body + b"shared").digest() + body

    server.spoil = spoil
    async with router_for(server, require_message_auth="no") as router:
        assert (await refusal(router)).key == "radius-timeout"


async def test_a_second_try_while_the_server_thinks_is_put_off(router: SimulatedRouter, server: RadiusServer) -> None:
    server.lost = 1
    first = asyncio.create_task(log_in(router))
    await asyncio.sleep(0.03)
    with pytest.raises(LoginRefused, match="auth-in-progress"):
        await log_in(router, password="other")
    assert (await first).user == "njeri"


async def test_a_router_without_a_way_out_hears_nobody(router: SimulatedRouter, server: RadiusServer) -> None:
    await router.vanish()
    assert (await refusal(router)).key == "radius-timeout"
    assert server.heard == 0


@pytest.mark.parametrize(("version", "has_it"), [("6.49", False), ("7.9", False), ("7.16", True), ("7.24", True)])
async def test_message_authentication_is_a_property_of_later_versions(
    server: RadiusServer, version: str, has_it: bool
) -> None:
    async with router_for(server, version=version) as router:
        await log_in(router)
        (shown,) = router.dispatcher.menus["/radius"].shown()
    assert ("require-message-auth" in shown, "seal" in server.asked[0]) == (has_it, has_it)


# -- phones that come back ---------------------------------------------------------------------------------------


async def test_a_mac_address_is_asked_about_once(server: RadiusServer) -> None:
    async with router_for(server) as router:
        profile(router, login_by="mac,http-pap", mac_auth_password="known")
        async with HotspotNetwork(router.hotspot) as network:
            phone = await network.attach()
            async with httpx.AsyncClient(proxy=phone.proxy_url, trust_env=False) as browser:
                for _ in range(3):
                    await browser.get("http://news.example/")
            assert [told["user"] for told in server.asked] == [phone.mac.encode()]
            server.users = {"02:00:00:00:00:31": "known"}
            other = await network.attach(mac="02:00:00:00:00:31")
            async with httpx.AsyncClient(proxy=other.proxy_url, trust_env=False) as browser:
                assert "on the internet" in (await browser.get("http://news.example/")).text
            session = router.hotspot.session(other.ip)
            assert session is not None
            assert (session.login_by, session.user) == ("mac", other.mac)


async def test_a_mac_cookie_asks_again(router: SimulatedRouter, server: RadiusServer) -> None:
    await log_in(router)
    router.hotspot.logout(IP, cause="idle timeout")
    hotspot = router.hotspot
    back = await settled(hotspot.radius, lambda: hotspot.cookie_login(IP, MAC, None))
    assert back is not None
    assert (back.login_by, len(server.asked)) == ("mac-cookie", 2)
    hotspot.logout(IP, cause="idle timeout")
    server.reject = "Over"
    assert await settled(hotspot.radius, lambda: hotspot.cookie_login(IP, MAC, None)) is None
    assert hotspot.cookies.mac_cookie(MAC) is None


async def test_a_hot_restart_keeps_what_was_granted(router: SimulatedRouter, server: RadiusServer) -> None:
    server.grants = {"rate": "512k/2M", "class": b"\x00\xff", "session-timeout": 3600}
    await log_in(router)
    saved = router.save_state(is_hot=True)
    async with router_for(server) as other:
        other.load_state(saved)
        active = other.hotspot.session(IP)
        assert active is not None
        assert active.grant is not None
        assert active.grant.values((0, 25)) == [b"\x00\xff"]
        assert [row.get("max-limit") for row in other.tables["/queue/simple"]] == ["512000/2000000"]


# -- accounting --------------------------------------------------------------------------------------------------


def number(told: dict[str, bytes], name: str) -> int:
    return int.from_bytes(told[name])


async def test_start_interim_and_stop_tell_the_same_session(router: SimulatedRouter, server: RadiusServer) -> None:
    server.grants = {"class": "c1", "interim": 60}
    active = await log_in(router)
    (start,) = await server.told_of(1)
    assert (number(start, "status"), start["class"], start["user"]) == (1, b"c1", b"njeri")
    assert start["session"] == server.asked[0]["session"] == active.accounting_id.encode()
    router.hotspot.count_traffic(IP, 5 * KIB, 2**32 + 7)
    router.clock.advance(61)
    router.tick()
    interim = (await server.told_of(2))[1]
    assert (number(interim, "status"), number(interim, "time")) == (3, 61)
    assert (number(interim, "in"), number(interim, "out"), number(interim, "giga-out")) == (5 * KIB, 7, 1)
    router.tick()
    router.clock.advance(9)
    router.hotspot.logout(IP)
    stop = (await server.told_of(3))[2]
    assert (number(stop, "status"), number(stop, "time"), number(stop, "cause")) == (2, 70, 1)
    assert (number(stop, "in"), number(stop, "packets-in"), stop["session"]) == (5 * KIB, 4, start["session"])
    assert stop["class"] == b"c1"


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        ("user request", 1),
        ("keepalive timeout", 3),
        ("idle timeout", 4),
        ("session timeout", 5),
        ("admin reset", 6),
        ("traffic limit reached", 10),
    ],
)
async def test_why_it_ended_is_told(router: SimulatedRouter, server: RadiusServer, cause: str, code: int) -> None:
    await log_in(router)
    router.hotspot.logout(IP, cause=cause)
    told = await server.told_of(2)
    (stop,) = [each for each in told if number(each, "status") == 2]
    assert number(stop, "cause") == code


async def test_a_clean_reboot_tells_and_a_power_cut_does_not(router: SimulatedRouter, server: RadiusServer) -> None:
    before = await log_in(router)
    await server.told_of(1)
    router.power_cut()
    again = await log_in(router)
    await server.told_of(2)
    assert [number(each, "status") for each in server.accounts] == [1, 1]
    assert before.accounting_id != again.accounting_id
    router.reboot()
    stop = (await server.told_of(3))[2]
    assert (number(stop, "status"), number(stop, "cause")) == (2, 11)


async def test_the_profile_may_keep_its_own_interval_or_tell_nothing(
    router: SimulatedRouter, server: RadiusServer
) -> None:
    server.grants = {"interim": 60}
    profile(router, radius_interim_update="5m")
    await log_in(router)
    await server.told_of(1)
    router.clock.advance(299)
    router.tick()
    router.clock.advance(2)
    router.tick()
    assert number((await server.told_of(2))[1], "time") == 301
    router.hotspot.logout(IP)
    await server.told_of(3)
    profile(router, radius_accounting="no")
    await log_in(router)
    router.hotspot.logout(IP)
    await asyncio.sleep(0.05)
    assert len(server.accounts) == 3


async def test_which_way_output_is_counted_is_a_switch(server: RadiusServer) -> None:
    async with router_for(server, behaviour=Behaviour(radius_output_is_upload=True)) as router:
        await log_in(router)
        router.hotspot.count_traffic(IP, 1000, 9000)
        router.hotspot.logout(IP)
        told = await server.told_of(2)
    (stop,) = [each for each in told if number(each, "status") == 2]
    assert (number(stop, "in"), number(stop, "out")) == (9000, 1000)


async def test_a_lost_report_is_sent_again(router: SimulatedRouter, server: RadiusServer) -> None:
    await log_in(router)
    await server.told_of(1)
    server.lost = 1
    router.hotspot.logout(IP)
    assert number((await server.told_of(2))[1], "status") == 2


# -- orders ------------------------------------------------------------------------------------------------------


async def open_orders(router: SimulatedRouter) -> int:
    async with await RawClient.connect(router) as client:
        assert await client.ask("/radius/incoming/set", "=accept=yes") == [["!done"]]
    async with asyncio.timeout(3):
        while not router.radius.incoming.port:  # noqa: ASYNC110  (the socket opens a moment after the answer)
            await asyncio.sleep(0.01)
    return router.radius.incoming.port


async def test_a_disconnect_ends_the_session_and_its_mac_cookie(router: SimulatedRouter, server: RadiusServer) -> None:
    port = await open_orders(router)
    active = await log_in(router)
    who = {"user": "njeri", "framed-ip": IPv4Address(IP).packed, "session": active.accounting_id}
    answer = await server.order(40, who, port=port)
    assert answer is not None
    assert answer[0] == 41
    assert router.hotspot.session(IP) is None
    assert router.hotspot.cookies.mac_cookie(MAC) is None
    stop = (await server.told_of(2))[1]
    assert number(stop, "cause") == 6
    again = await server.order(40, who, port=port)
    assert again is not None
    assert (again[0], number(again[1], "error-cause")) == (42, 503)


async def test_a_change_reaches_the_running_session(router: SimulatedRouter, server: RadiusServer) -> None:
    port = await open_orders(router)
    server.grants = {"rate": "1M/1M"}
    active = await log_in(router)
    router.clock.advance(100)
    answer = await server.order(43, {"user": "njeri", "rate": "256k/512k", "session-timeout": 900}, port=port)
    assert answer is not None
    assert answer[0] == 44
    assert [row.get("max-limit") for row in router.tables["/queue/simple"]] == ["256000/512000"]
    assert (active.budget, active.time_left(router.clock.now())) == (900, 800)
    assert router.hotspot.session(IP) is active


async def test_an_address_is_not_changed_by_an_order(router: SimulatedRouter, server: RadiusServer) -> None:
    port = await open_orders(router)
    await log_in(router)
    answer = await server.order(43, {"user": "njeri", "pool": "other"}, port=port)
    assert answer is not None
    assert (answer[0], number(answer[1], "error-cause")) == (45, 401)


@pytest.mark.parametrize("who", [{"user": "nobody"}, {"user": "njeri", "framed-ip": bytes(4)}, {"session": "80000000"}])
async def test_whoever_is_not_there_is_not_found(
    router: SimulatedRouter, server: RadiusServer, who: dict[str, str | int | bytes]
) -> None:
    port = await open_orders(router)
    await log_in(router)
    answer = await server.order(40, who, port=port)
    assert answer is not None
    assert (answer[0], number(answer[1], "error-cause")) == (42, 503)
    assert router.hotspot.session(IP) is not None


async def test_a_name_two_sessions_share_needs_more(router: SimulatedRouter, server: RadiusServer) -> None:
    port = await open_orders(router)
    server.grants = {"port-limit": 2}
    await log_in(router)
    await log_in(router, ip="10.5.50.10", mac="02:00:00:00:00:0A")
    vague = await server.order(40, {"user": "njeri"}, port=port)
    assert vague is not None
    assert vague[0] == 42
    exact = await server.order(40, {"user": "njeri", "calling": "02:00:00:00:00:0a"}, port=port)
    assert exact is not None
    assert exact[0] == 41
    assert list(router.hotspot.active) == [IP]


async def test_orders_are_dropped_unless_accepted_and_signed(router: SimulatedRouter, server: RadiusServer) -> None:
    await log_in(router)
    assert router.radius.incoming.port == 0, "nothing listens where nothing is accepted"
    port = await open_orders(router)
    async with await RawClient.connect(router) as client:
        await client.ask("/radius/incoming/set", "=accept=no")
        assert await server.order(40, {"user": "njeri"}, port=port) is None
        await client.ask("/radius/incoming/set", "=accept=yes")
    assert await server.order(40, {"user": "njeri"}, port=port, secret=b"guess") is None
    assert router.radius.incoming.orders.bad_requests == 1
    server.transport.sendto(b"\x28garbage", ("127.0.0.1", port))
    assert await server.order(40, {"user": "njeri"}, port=port) is not None
    assert router.radius.incoming.orders.bad_requests == 2


async def test_only_the_switch_knows_which_port_orders_come_to(server: RadiusServer) -> None:
    for port in (1700, 3799):
        router = router_for(server, behaviour=Behaviour(radius_incoming_port=port))
        (shown,) = router.dispatcher.menus["/radius/incoming"].shown()
        assert shown == {"accept": "false", "port": str(port), "vrf": "main"}
