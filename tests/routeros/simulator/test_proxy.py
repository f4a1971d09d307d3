"""A phone behind the simulated hotspot, over real sockets: captive, let in, let out, and hostile."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from routeros.simulator.clock import VirtualClock
from routeros.simulator.hotspot import Hotspot
from routeros.simulator.proxy import HotspotNetwork, Phone
from routeros.simulator.proxy.targets import dial_address
from routeros.simulator.servlet import stock_pages

LOGIN = "http://login.hotspot/login"
GARDEN = "/ip/hotspot/walled-garden"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def hotspot() -> Hotspot:
    hotspot = Hotspot(clock=VirtualClock(), login_by="cookie,http-chap,http-pap")
    hotspot.users.add({"name": "code1", "password": "pw", "limit-uptime": "1h"})
    hotspot.users.add({"name": "free", "password": "pw"})
    return hotspot


@pytest.fixture
async def network(hotspot: Hotspot) -> AsyncIterator[HotspotNetwork]:
    async with HotspotNetwork(hotspot) as network:
        yield network


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A loopback server; gives "127.0.0.1:PORT"."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield "127.0.0.1:" + str(server.sockets[0].getsockname()[1])


async def echo_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + head + body)


def browser(phone_or_url: Phone | str) -> httpx.AsyncClient:
    url = phone_or_url if isinstance(phone_or_url, str) else phone_or_url.proxy_url
    return httpx.AsyncClient(proxy=url, trust_env=False, timeout=5)


async def raw(network: HotspotNetwork, data: bytes) -> bytes:
    """Send bytes to the main listener, give all that comes back."""
    reader, writer = await open_raw(network.proxy_url)
    writer.write(data)
    await writer.drain()
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        await close_raw(writer)


async def open_raw(url: str, source: str | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = httpx.URL(url)
    local = (source, 0) if source else None
    return await asyncio.open_connection(parts.host, parts.port, local_addr=local)


async def close_raw(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def login(username: str = "free", **fields: str) -> dict[str, str]:
    return {"username": username, "password": "pw", **fields}


# -- captive and let in ------------------------------------------------------------------------------------------------


async def test_a_phone_is_sent_to_login_and_reaches_the_internet_after_it(network: HotspotNetwork, hotspot: Hotspot):
    phone = await network.attach()
    async with browser(phone) as web:
        captive = await web.get("http://example.com/news")
        assert (captive.status_code, captive.reason_phrase) == (302, "Hotspot login required")
        form = await web.get(captive.headers["location"])
        assert 'value="http://example.com/news"' in form.text
        await web.post(LOGIN, data=login(dst="http://example.com/news"))
        session = hotspot.session(phone.ip)
        assert session is not None
        assert session.mac == phone.mac
        assert "You are on the internet: example.com" in (await web.get("http://example.com/news")).text
        assert (await web.get("http://connectivitycheck.gstatic.com/generate_204")).status_code == 204
        await web.get("http://login.hotspot/logout")
        assert (await web.get("http://example.com/")).status_code == 302


async def test_the_probe_of_a_captive_phone_does_not_succeed(network: HotspotNetwork):
    phone = await network.attach()
    async with browser(phone) as web:
        for url in (
            "http://captive.apple.com/hotspot-detect.html",
            "http://a.com/generate_204",
            "http://b/success.txt",
        ):
            assert (await web.get(url)).status_code == 302


async def test_a_foreign_login_page_is_told_mac_ip_and_links(network: HotspotNetwork):
    page = '<form action="http://portal.test/start">$(mac) $(ip) $(link-login-only) $(link-orig)</form>'
    network.servlet.html = stock_pages() | {"login.html": page}
    phone = await network.attach(mac="aa-bb-cc-00-11-22", ip="10.5.50.77")
    async with browser(phone) as web:
        reply = await web.get("http://example.com/?a=1&b=2", follow_redirects=True)
    assert f"AA:BB:CC:00:11:22 10.5.50.77 {LOGIN} http://example.com/?a=1&amp;b=2".replace("&amp;", "&") in reply.text


async def test_the_hotspot_answers_by_address_too_but_not_on_other_ports(network: HotspotNetwork):
    async with browser(network.proxy_url) as web:
        assert (await web.get("http://10.5.50.1/login")).status_code == 200
        assert (await web.get("http://LOGIN.hotspot:80/login")).status_code == 200
        assert (await web.get("http://10.5.50.1:8728/login")).headers["location"].startswith(LOGIN)


async def test_when_the_time_is_used_up_the_phone_is_captive_again(network: HotspotNetwork, hotspot: Hotspot):
    async with browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login("code1"))
        assert (await web.get("http://example.com/")).status_code == 200
        hotspot.clock.advance(3601)
        assert (await web.get("http://example.com/")).status_code == 302
        assert "user code1 has reached uptime limit" in (await web.post(LOGIN, data=login("code1"))).text


async def test_a_browser_with_the_cookie_is_let_in_again(network: HotspotNetwork):
    async with browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
        await web.get("http://login.hotspot/logout")
        assert (await web.get("http://example.com/")).status_code == 302
        assert "logged in as free" in (await web.get(LOGIN)).text
        assert (await web.get("http://example.com/")).status_code == 200


async def test_the_mac_cookie_lets_a_returning_phone_in_without_a_page(hotspot: Hotspot, network: HotspotNetwork):
    assert hotspot.profile is not None
    hotspot.profile.values["login-by"] = "mac-cookie,http-pap"
    phone = await network.attach()
    async with browser(phone) as web:
        await web.post(LOGIN, data=login())
        hotspot.logout(phone.ip, cause="keepalive timeout")
        assert hotspot.session(phone.ip) is None
        assert (await web.get("http://example.com/")).status_code == 200
    phone.leave()
    hotspot.logout(phone.ip, cause="keepalive timeout")
    phone.join()
    session = hotspot.session(phone.ip)
    assert session is not None
    assert session.login_by == "mac-cookie"


async def test_without_a_hotspot_server_the_network_is_open(hotspot: Hotspot, network: HotspotNetwork):
    assert hotspot.server is not None
    hotspot.server.values["disabled"] = "true"
    phone = await network.attach()
    async with browser(phone) as web:
        assert (await web.get("http://example.com/")).status_code == 200


async def test_a_bypassed_phone_needs_no_login_and_a_blocked_one_gets_nothing(
    network: HotspotNetwork, hotspot: Hotspot
):
    passed, blocked = await network.attach(), await network.attach()
    hotspot.tables["/ip/hotspot/ip-binding"].add({"mac-address": passed.mac, "type": "bypassed"})
    hotspot.tables["/ip/hotspot/ip-binding"].add({"mac-address": blocked.mac, "type": "blocked"})
    async with browser(passed) as web:
        assert (await web.get("http://example.com/")).status_code == 200
    async with browser(blocked) as web:
        with pytest.raises(httpx.TransportError):
            await web.get(LOGIN)


# -- who is who --------------------------------------------------------------------------------------------------------


async def test_phones_of_the_main_listener_are_told_by_their_loopback_address(network: HotspotNetwork):
    seen: list[bytes] = []
    network.servlet.html = {"a.txt": "$(mac) $(ip)"}
    for source in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
        reader, writer = await open_raw(network.proxy_url, source)
        writer.write(b"GET http://login.hotspot/a.txt HTTP/1.1\r\nHost: login.hotspot\r\nConnection: close\r\n\r\n")
        seen.append((await reader.read()).rpartition(b"\r\n\r\n")[2])
        await close_raw(writer)
    first, second = network.phone(1), network.phone(2)
    assert seen == [f"{phone.mac} {phone.ip}".encode() for phone in (first, second, first)]
    assert (first.ip, second.ip) == ("10.5.50.2", "10.5.50.3")
    assert first.mac != second.mac


async def test_mac_addresses_are_the_same_at_every_start(hotspot: Hotspot, network: HotspotNetwork):
    async with HotspotNetwork(hotspot) as again:
        first, attached = again.phone(1), await again.attach()
    assert attached.mac == (await network.attach()).mac
    assert first.mac == network.phone(1).mac
    assert first.mac != attached.mac


async def test_an_address_in_use_cannot_be_attached(network: HotspotNetwork):
    await network.attach(ip="10.5.50.9")
    for taken in ("10.5.50.9", "10.5.50.1"):
        with pytest.raises(ValueError, match="in use"):
            await network.attach(ip=taken)


async def test_a_changed_mac_is_a_new_captive_device(network: HotspotNetwork, hotspot: Hotspot):
    phone = await network.attach()
    before = (phone.mac, phone.ip)
    async with browser(phone) as web:
        await web.post(LOGIN, data=login())
        phone.change_mac()
        assert (phone.mac != before[0], phone.ip != before[1]) == (True, True)
        assert (await web.get("http://example.com/")).status_code == 302
    assert hotspot.session(before[1]) is not None


async def test_a_phone_that_left_has_no_network_until_it_is_back(network: HotspotNetwork, hotspot: Hotspot):
    phone = await network.attach()
    async with browser(phone) as web:
        await web.post(LOGIN, data=login())
        phone.leave()
        host = hotspot.host(phone.ip)
        assert host is not None
        assert host.lost_at is not None
        with pytest.raises(httpx.TransportError):
            await web.get("http://example.com/")
        phone.join()
        assert (await web.get("http://example.com/")).status_code == 200


# -- walled garden, forwarding -----------------------------------------------------------------------------------------


async def test_the_walled_garden_lets_the_portal_through_and_counts_hits(network: HotspotNetwork, hotspot: Hotspot):
    async with serving(echo_head) as portal, browser(network.proxy_url) as web:
        assert (await web.get(f"http://{portal}/p")).status_code == 302
        rule = hotspot.tables[GARDEN].add({"dst-host": "127.0.0.1", "action": "allow"})
        reply = await web.post(f"http://{portal}/p?x=1", content=b"body", headers={"X-Test": "1"})
        assert reply.status_code == 200
        assert reply.text.startswith("POST /p?x=1 HTTP/1.1\r\n")
        assert reply.text.endswith("\r\n\r\nbody")
        assert f"host: {portal}" in reply.text.lower()
        assert "x-test: 1" in reply.text.lower()
        assert hotspot.garden_hits[rule.id] == 1
        assert (await web.get("http://example.com/")).status_code == 302


async def test_headers_meant_for_the_proxy_stay_with_the_proxy(network: HotspotNetwork):
    async with serving(echo_head) as server:
        async with browser(network.proxy_url) as web:
            await web.post(LOGIN, data=login())
        head = f"GET http://{server}/ HTTP/1.1\r\nHost: other.test\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
        head += "Proxy-Authorization: Basic eDp5\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nX-End: 1\r\n\r\n"
        seen = (await raw(network, head.encode())).decode().lower()
    assert f"host: {server}\r\n" in seen
    assert "x-end: 1\r\n" in seen
    for name in ("other.test", "x-hop", "proxy-", "upgrade"):
        assert name not in seen


async def test_an_ip_rule_lets_an_address_through(network: HotspotNetwork, hotspot: Hotspot):
    async with serving(echo_head) as portal, browser(network.proxy_url) as web:
        network.resolve = {"portal.test": portal}
        assert (await web.get("http://portal.test/")).status_code == 302
        hotspot.tables[f"{GARDEN}/ip"].add({"dst-address": "127.0.0.1", "action": "accept"})
        assert (await web.get("http://portal.test/")).text.startswith("GET / HTTP/1.1")


async def test_resolve_may_not_lead_out_of_the_machine(hotspot: Hotspot, network: HotspotNetwork):
    network.resolve = {"portal.test": "192.0.2.1:80"}
    hotspot.tables[GARDEN].add({"dst-host": "portal.test"})
    async with browser(network.proxy_url) as web:
        with pytest.raises(httpx.TransportError):
            await web.get("http://portal.test/")


LOOKALIKES = ["192.0.2.1", "0.0.0.0", "127.1", "2130706433", "[::ffff:127.0.0.1]", "sub.localhost"]


@pytest.mark.parametrize("host", LOOKALIKES)
async def test_what_only_looks_like_loopback_is_never_dialled(network: HotspotNetwork, host: str):
    async with serving(echo_head) as server, browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
        target = f"http://{host}:{server.partition(':')[2]}/"
        answer = await raw(network, f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert b"You are on the internet" in answer


def test_only_loopback_addresses_are_dialled():
    resolve = {"portal.test": "127.0.0.1:8000", "portal.test:443": "127.0.0.1:8443", "bare.test": "127.0.0.5"}
    assert dial_address("portal.test", 80, resolve) == ("127.0.0.1", 8000)
    assert dial_address("portal.test", 443, resolve) == ("127.0.0.1", 8443)
    assert dial_address("bare.test", 81, resolve.get) == ("127.0.0.5", 81)
    assert dial_address("localhost", 9, None) == ("127.0.0.1", 9)
    assert dial_address("::1", 9, None) == ("::1", 9)
    assert dial_address("example.com", 80, resolve) is None
    with pytest.raises(ValueError, match="loopback"):
        dial_address("x", 80, {"x": "192.0.2.1:80"})


async def test_a_dead_server_is_a_bad_gateway(network: HotspotNetwork):
    async with serving(echo_head) as server:
        dead = server
    async with browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
        assert (await web.get(f"http://{dead}/")).status_code == 502
        assert (await web.get("http://example.com/")).status_code == 200


async def test_a_server_that_talks_nonsense_is_a_bad_gateway(network: HotspotNetwork):
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello\r\n\r\n")

    async with serving(nonsense) as server, browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
        assert (await web.get(f"http://{server}/")).status_code == 502


async def test_the_proxy_does_not_call_itself(network: HotspotNetwork):
    async with browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
        assert (await web.get(network.proxy_url + "/")).status_code == 400


async def test_answers_are_streamed_as_they_come(network: HotspotNetwork):
    go_on = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await writer.drain()
        await go_on.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")

    async with serving(slow) as server, browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
        async with asyncio.timeout(5), web.stream("GET", f"http://{server}/") as reply:
            pieces = reply.aiter_bytes()
            assert await anext(pieces) == b"first"
            go_on.set()
            assert await anext(pieces) == b"second"


async def test_big_bodies_pass_in_both_directions_and_are_counted(network: HotspotNetwork, hotspot: Hotspot):
    size = 3 * 1024 * 1024

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        got = len(await reader.readexactly(size))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % got + b"x" * got)
        await writer.drain()

    async with serving(swallow) as server, browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
        reply = await web.post(f"http://{server}/", content=b"y" * size)
        assert len(reply.content) == size
    numbers = hotspot.session_numbers(network.phone(1).ip)
    assert size < numbers["bytes-in"] < size + 2000
    assert size < numbers["bytes-out"] < size + 2000


async def test_a_connection_is_kept_for_the_next_request(network: HotspotNetwork):
    request = b"GET http://login.hotspot/md5.js HTTP/1.1\r\nHost: x\r\n%s\r\n"
    answer = await raw(network, request % b"" + request % b"" + request % b"Connection: close\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 3


async def test_head_has_no_body_and_an_origin_form_request_works(network: HotspotNetwork):
    answer = await raw(network, b"HEAD /login HTTP/1.1\r\nHost: login.hotspot\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n")
    answer = await raw(network, b"GET /a HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
    assert b"Location: http://login.hotspot/login?dst=http%3A%2F%2Fexample.com%2Fa\r\n" in answer


# -- tunnels -----------------------------------------------------------------------------------------------------------


async def connect(url: str, target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    reader, writer = await open_raw(url)
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    return reader, writer, await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize("target", ["example.com:443", "login.hotspot:443"])
async def test_https_of_a_captive_phone_is_reset(network: HotspotNetwork, target: str):
    with pytest.raises(ConnectionResetError):
        await raw(network, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())


async def test_https_to_a_walled_garden_host_passes(network: HotspotNetwork, hotspot: Hotspot):
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data.upper())

    async with serving(echo) as server:
        network.resolve = {"portal.test:443": server}
        hotspot.tables[GARDEN].add({"dst-host": "portal.test"})
        reader, writer, answer = await connect(network.proxy_url, "portal.test:443")
        assert answer.startswith(b"HTTP/1.1 200")
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"HELLO"
        writer.write_eof()
        assert await reader.read() == b""
        await close_raw(writer)


async def test_a_tunnel_to_the_internet_closes_politely(network: HotspotNetwork):
    async with browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
    reader, writer, answer = await connect(network.proxy_url, "example.com:443")
    assert answer.startswith(b"HTTP/1.1 200")
    writer.write(b"\x16\x03\x01")
    assert await reader.read() == b""
    await close_raw(writer)


async def test_open_tunnels_are_cut_when_the_session_ends_and_garden_ones_stay(
    network: HotspotNetwork, hotspot: Hotspot
):
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(1))
        await reader.read()

    async with serving(wait) as server, browser(network.proxy_url) as web:
        network.resolve = {"portal.test:443": server, "shop.test:443": server}
        hotspot.tables[GARDEN].add({"dst-host": "portal.test"})
        garden, garden_writer, _ = await connect(network.proxy_url, "portal.test:443")
        await web.post(LOGIN, data=login("code1"))
        opened = [await connect(network.proxy_url, target) for target in ("shop.test:443", "example.com:443")]
        hotspot.clock.advance(3601)
        for reader, writer, _ in opened:
            with pytest.raises(ConnectionResetError):
                async with asyncio.timeout(3):
                    await reader.read()
            await close_raw(writer)
        garden_writer.write(b"!")
        assert await garden.readexactly(1) == b"!"
        await close_raw(garden_writer)


async def test_a_download_is_cut_when_the_session_ends(network: HotspotNetwork, hotspot: Hotspot):
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nstart")
        await reader.read()

    async with serving(endless) as server, browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
        async with asyncio.timeout(3), web.stream("GET", f"http://{server}/") as reply:
            pieces = reply.aiter_bytes()
            assert await anext(pieces) == b"start"
            hotspot.logout(network.phone(1).ip, cause="admin reset")
            with pytest.raises(httpx.TransportError):
                await anext(pieces)


# -- https of the hotspot itself ---------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's TLS context for login.hotspot."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "login.hotspot")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("login.hotspot")]), critical=False)
    made = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    pem = tmp_path / "hotspot.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=made.decode())


async def test_with_a_certificate_the_hotspot_answers_https(
    hotspot: Hotspot, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
):
    server, trust = certificate
    assert hotspot.profile is not None
    hotspot.profile.values["login-by"] = "http-chap,https"
    async with (
        HotspotNetwork(hotspot, tls=server) as network,
        httpx.AsyncClient(proxy=network.proxy_url, trust_env=False, timeout=5, verify=trust) as web,
    ):
        assert (await web.get("https://login.hotspot/api")).json()["captive"] is True
        assert "hexMD5" not in (await web.get("https://login.hotspot/login")).text
        await web.post("https://login.hotspot/login", data=login())
        session = hotspot.session(network.phone(1).ip)
        assert session is not None
        assert session.login_by == "https"
        assert (await web.get("https://login.hotspot/api")).json()["captive"] is False
        assert (await web.post("https://login.hotspot/login", content=b"x" * (1024 * 1024 + 1))).status_code == 413


async def test_a_broken_handshake_does_not_stop_the_listener(
    hotspot: Hotspot, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
):
    async with HotspotNetwork(hotspot, tls=certificate[0]) as network:
        reader, writer, _ = await connect(network.proxy_url, "login.hotspot:443")
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            await reader.read()
        await close_raw(writer)
        async with browser(network.proxy_url) as web:
            assert (await web.get(LOGIN)).status_code == 200


# -- hostile input -----------------------------------------------------------------------------------------------------

HOSTILE = {
    "nonsense": b"\x00\x01\x02\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "line break in a header": b"GET http://a/ HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "space in a header name": b"GET http://a/ HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n",
    "two lengths": b"POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "giant header": b"GET http://a/ HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "header just over the cap": b"GET http://a/ HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 33_000 + b"\r\n\r\n",
    "giant target": b"GET http://a/" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad chunk": b"POST http://login.hotspot/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "other scheme": b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "user in the target": b"GET http://login.hotspot@evil/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad port": b"GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "connect without a port": b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n",
    "bad host": b"GET http://a_%2f%0d/ HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_input_gets_400_and_the_next_phone_is_served(network: HotspotNetwork, name: str):
    assert (await raw(network, HOSTILE[name])).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    async with browser(network.proxy_url) as web:
        assert (await web.get(LOGIN)).status_code == 200


async def test_a_form_beyond_one_mebibyte_is_refused(network: HotspotNetwork):
    async with browser(network.proxy_url) as web:
        assert (await web.post(LOGIN, content=b"x" * (1024 * 1024 + 1))).status_code == 413
        assert (await web.get(LOGIN)).status_code == 200


async def test_a_bad_chunk_in_a_forwarded_upload_gets_400(network: HotspotNetwork):
    async def read_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(read_all) as server, browser(network.proxy_url) as web:
        await web.post(LOGIN, data=login())
        request = f"POST http://{server}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"
        assert (await raw(network, request.encode())).startswith(b"HTTP/1.1 400 ")


async def test_phones_that_vanish_in_the_middle_leave_nothing_behind(network: HotspotNetwork):
    for piece in (
        b"GET http://a",
        b"POST http://login.hotspot/login HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nab",
    ):
        _, writer = await open_raw(network.proxy_url)
        writer.write(piece)
        await writer.drain()
        await close_raw(writer)
    async with asyncio.timeout(3):
        while network.phone(1).lines:  # noqa: ASYNC110  the network offers nothing to wait on
            await asyncio.sleep(0.01)


async def test_stopping_cuts_open_connections_and_may_be_done_twice(hotspot: Hotspot):
    network = await HotspotNetwork(hotspot).start()
    reader, writer = await open_raw(network.proxy_url)
    writer.write(b"GET http://login.hotspot/login HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await network.stop()
    await network.stop()
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(3):
            await reader.read()
    await close_raw(writer)
    with pytest.raises(ConnectionRefusedError):
        await open_raw(f"http://127.0.0.1:{writer.get_extra_info('peername')[1]}")
