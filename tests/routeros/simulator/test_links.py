"""The way to the router and its speed: TLS, lost packets, round trips, slow boards, sentences written in pieces."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from routeros.client import HotspotRouter
from routeros.errors import Unreachable, WrongCertificate
from routeros.simulator.latency import PROFILES, Latency, Processor
from routeros.simulator.router import SimulatedRouter
from routeros.simulator.wire import encode_sentence
from routeros.values import HotspotUser, RouterAddress, TlsPin
from tests.routeros.simulator.raw_client import RawClient
from tests.routeros.test_client_tls import self_signed

USERS = "/ip/hotspot/user"
LOGIN = encode_sentence(["/login", "=name=admin", "=password="])


def address(router: SimulatedRouter, *, tls: TlsPin | None = None) -> RouterAddress:
    port = router.tls_port if tls else router.api_port
    return RouterAddress(host=router.api_host, port=port, user="admin", password="", tls=tls)


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncGenerator[tuple[SimulatedRouter, TlsPin]]:
    context, fingerprint = self_signed(tmp_path)
    async with SimulatedRouter(tls=context) as router:
        yield router, TlsPin(fingerprint)


async def test_our_client_talks_to_the_pinned_router_over_tls(secure: tuple[SimulatedRouter, TlsPin]) -> None:
    router, pin = secure
    async with HotspotRouter(address(router, tls=pin)) as client:
        assert (await client.identity()).name == "MikroTik"
    async with HotspotRouter(address(router, tls=TlsPin("00" * 32))) as client:
        with pytest.raises(WrongCertificate):
            await client.identity()


async def test_a_failing_handshake_gets_no_connection_and_heals(secure: tuple[SimulatedRouter, TlsPin]) -> None:
    router, pin = secure
    router.faults.tls_handshake_fails = True
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection(router.api_host, router.tls_port, ssl=_unchecked())
    async with HotspotRouter(address(router, tls=pin)) as client:
        with pytest.raises(Unreachable):
            await client.identity()
    router.faults.clear()
    async with HotspotRouter(address(router, tls=pin)) as client:
        assert await client.identity()


async def test_a_router_without_a_certificate_agrees_to_anonymous_peers_only() -> None:
    async with SimulatedRouter(tls="anonymous") as router:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(router.api_host, router.tls_port, ssl=_unchecked())
        weak = _unchecked()
        weak.maximum_version = ssl.TLSVersion.TLSv1_2
        weak.set_ciphers("aNULL:@SECLEVEL=0")
        reader, writer = await asyncio.open_connection(router.api_host, router.tls_port, ssl=weak)
        writer.write(LOGIN)
        assert await reader.readexactly(7) == encode_sentence(["!done"])
        writer.transport.abort()


def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def test_api_ssl_has_a_service_row_of_its_own(secure: tuple[SimulatedRouter, TlsPin]) -> None:
    router, pin = secure
    services = router.tables["/ip/service"]
    services.change(services.named("api-ssl")[0], {"disabled": "yes"})
    async with HotspotRouter(address(router, tls=pin)) as client:
        with pytest.raises(Unreachable):
            await client.identity()
    async with HotspotRouter(address(router)) as client:
        assert await client.identity()


async def test_lost_packets_let_a_new_connection_hang_and_an_open_one_fall_silent() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        port = router.api_port
        await router.vanish()
        client.send(f"{USERS}/add", "=name=lost")
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await asyncio.open_connection(router.api_host, port)
        assert time.monotonic() - began >= 0.29
        assert not client.waiting
        assert not router.hotspot.users.named("lost")
        await router.set_online(True)
        assert router.api_port == port
        async with await RawClient.connect(router) as again:
            assert await again.rows("/system/identity/print")


async def test_a_vanished_router_can_be_stopped_and_started() -> None:
    async with SimulatedRouter() as router:
        await router.vanish()
        await router.stop()
        await router.start()
        async with await RawClient.connect(router) as client:
            assert await client.rows("/system/identity/print")


async def test_a_flight_of_commands_pays_the_round_trip_once() -> None:
    async with SimulatedRouter(latency=Latency(rtt=0.1)) as router, await RawClient.connect(router) as client:
        began = time.monotonic()
        for number in range(50):
            client.send("/system/identity/print", f".tag={number}")
        for _ in range(100):
            await client.reply()
        flight = time.monotonic() - began
        assert 0.1 <= flight < 0.19
        began = time.monotonic()
        for _ in range(3):
            await client.rows("/system/identity/print")
        assert time.monotonic() - began >= 0.3


async def test_connecting_costs_a_round_trip_more() -> None:
    async with SimulatedRouter(latency=Latency(rtt=0.1)) as router:
        began = time.monotonic()
        async with await RawClient.connect(router):
            assert time.monotonic() - began >= 0.2


async def test_a_slow_board_takes_its_time_per_command_row_and_item() -> None:
    slow = Latency(login=0.05, read=0.01, write=0.02, item=0.001, row=0.0005, scan=0.0001)
    async with SimulatedRouter(latency=slow) as router:
        for number in range(200):
            router.hotspot.users.add({"name": f"u{number}"})
        router.latency.login = 0.06
        async with await RawClient.connect(router) as client:
            assert slow.login == 0.05, "settings are each router's own"
            assert await _took(client, f"{USERS}/print") >= 0.01 + 201 * 0.0006
            assert 0.03 <= await _took(client, f"{USERS}/print", "?name=u5") < 0.09
            assert 0.03 <= await _took(client, f"{USERS}/print", "=count-only=") < 0.09
            ids = ",".join(row.id for row in list(router.hotspot.users)[1:101])
            assert await _took(client, f"{USERS}/remove", f"=.id={ids}") >= 0.02 + 99 * 0.001
    assert router.meter.logins == 1
    assert router.meter.commands == 5


async def _took(client: RawClient, *words: str) -> float:
    began = time.monotonic()
    await client.ask(*words)
    return time.monotonic() - began


async def test_commands_of_several_clients_share_one_cpu() -> None:
    async with (
        SimulatedRouter(latency=Latency(read=0.05)) as router,
        await RawClient.connect(router) as one,
        await RawClient.connect(router) as two,
    ):
        began = time.monotonic()
        await asyncio.gather(*(_took(client, "/system/identity/print") for client in (one, two)))
        assert time.monotonic() - began >= 0.1
        router.latency.load = 0.5
        assert await _took(one, "/system/identity/print") >= 0.1


def test_jitter_varies_within_its_share_and_repeats_with_the_board() -> None:
    settings = Latency(jitter=0.3)
    one, same, other = (Processor(settings, seed=seed) for seed in (1, 1, 2))
    spells = [one.dice(1.0) for _ in range(50)]
    assert spells == [same.dice(1.0) for _ in range(50)]
    assert spells != [other.dice(1.0) for _ in range(50)]
    assert 0.7 <= min(spells) < 0.8 < 1.2 < max(spells) <= 1.3
    settings.jitter, settings.load = 0.0, 0.9
    assert one.dice(1.0) == pytest.approx(10.0)


def test_boards_are_ordered_by_speed_and_ten_thousand_rows_are_slow() -> None:
    lite, hex_, ccr = (PROFILES[name] for name in ("hap-lite", "hex", "ccr"))
    for cost in ("login", "read", "write", "row", "scan"):
        assert getattr(lite, cost) > getattr(hex_, cost) > getattr(ccr, cost) > 0
    assert 40 <= 1000 * lite.write <= 90
    assert 15 <= 1000 * hex_.write <= 30
    assert 12_651 * hex_.scan > 5
    mine = Latency(rtt=0.1, load=0.2)
    mine.use("hex")
    assert (mine.rtt, mine.load, mine.write) == (0.1, 0.2, hex_.write)


async def test_a_sentence_written_in_pieces_is_counted_and_pays_the_delayed_acknowledgement() -> None:
    async with SimulatedRouter(latency=Latency(delayed_ack=0.04)) as router, await RawClient.connect(router) as client:
        assert router.meter.split_sentences == 0
        began = time.monotonic()
        for piece in (b"\x16/system/identity/print", b"\x00"):
            client.writer.write(piece)
            await asyncio.sleep(0.005)
        await client.reply()
        assert time.monotonic() - began >= 0.04
        assert router.meter.split_sentences == 1


async def test_our_client_writes_each_sentence_at_once_and_pays_no_delayed_acknowledgement() -> None:
    async with SimulatedRouter(latency=Latency(delayed_ack=0.04)) as router:
        async with HotspotRouter(address(router)) as client:
            await client.add_user(HotspotUser(name="v0", password="p"))
            began = time.monotonic()
            for number in range(1, 11):
                await client.add_user(HotspotUser(name=f"v{number}", password="p", comment="c" * 900))
            assert time.monotonic() - began < 0.3
        assert router.meter.split_sentences == 0


async def test_the_systems_own_delayed_acknowledgement_bites_who_writes_in_pieces_without_nodelay() -> None:
    async with SimulatedRouter() as router:

        def talk(*, is_nodelay: bool) -> float:
            with socket.create_connection((router.api_host, router.api_port)) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, is_nodelay)
                sock.sendall(LOGIN)
                sock.recv(100)
                began = time.monotonic()
                for _ in range(5):
                    for piece in (b"\x16/system/", b"identity/print", b"\x00"):
                        sock.sendall(piece)
                    while b"!done" not in sock.recv(1000):
                        pass
                return time.monotonic() - began

        prompt, slow = await asyncio.to_thread(talk, is_nodelay=True), await asyncio.to_thread(talk, is_nodelay=False)
        assert prompt < 0.05
        assert router.meter.split_sentences >= 5
        assert slow > prompt
