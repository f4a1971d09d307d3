"""Which addresses a merchant's router may have: the internet's, and what the operator allows. Nothing else is dialled."""

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.connections import Connections
from portal.addresses import REFUSED, Addresses, AddressRefused, is_public, literal
from portal.routers import RouterAccess
from routeros.errors import Unreachable

PATIENCE = 0.02

NOT_OURS = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.88.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:100.64.0.1", "::7f00:1", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1",
    "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1",
    "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "41.90.1.1", "102.0.0.1", "197.248.10.4", "2c0f:fe38::1", "2a00:1450::1")


def answering(*answers: str) -> Callable[[str], Awaitable[Sequence[str]]]:
    async def look(_: str) -> list[str]:
        return list(answers)

    return look


async def never(name: str) -> list[str]:
    raise AssertionError(f"{name} must not be looked up")


async def nowhere(_: str) -> list[str]:
    raise socket.gaierror(-2, "Name or service not known")


async def test_addresses_inside_somebodys_network_are_refused() -> None:
    for text in NOT_OURS:
        assert not is_public(ip_address(text)), text
        for addresses in (
            Addresses(lookup=never, patience_s=0),
            Addresses(lookup=answering(text), patience_s=PATIENCE),
        ):
            with pytest.raises(AddressRefused):
                await addresses.checked(text if addresses.is_hopeless(text, 8728) else "router.example", 8728)


async def test_public_addresses_are_connected_to_as_they_are() -> None:
    for text in PUBLIC:
        assert await Addresses(lookup=never).checked(text, 8728) == text
        assert await Addresses(lookup=answering(text)).checked("router.example.co.ke", 8729) == text


async def test_one_bad_answer_among_good_ones_refuses_the_name() -> None:
    for answers in (("8.8.8.8", "10.0.0.1"), ("127.0.0.1", "8.8.8.8"), ("2a00:1450::1", "::1"), ()):
        with pytest.raises(AddressRefused):
            await Addresses(lookup=answering(*answers), patience_s=PATIENCE).checked("two.example", 8728)


@pytest.mark.parametrize(
    "text",
    ["127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "[::1]", "fe80::1%eth0",
     "fe80::1%1", "::1%lo", "1.2.3", "1.2.3.4.5", "8.8.8.8:8728", "http://8.8.8.8", "8.8.8.8/24", "a b", "", ".", "-a.ke",
     "a-.ke", "a..ke", "user@8.8.8.8", "8.8.8.8\n", "\uff11\uff12\uff17.0.0.1", "127\u30020.0.1", "①.example",
     "a" * 64 + ".ke", "a." * 127 + "kee", "xn--\x00.ke", "router.example.", "８.8.8.8"],
)  # fmt: skip
async def test_odd_spellings_are_refused_without_a_look_up(text: str) -> None:
    addresses = Addresses([ip_network("127.0.0.0/8")], lookup=never, patience_s=0)
    assert addresses.is_hopeless(text, 8728)
    with pytest.raises(AddressRefused):
        await addresses.checked(text, 8728)


async def test_other_ports_are_refused_outside_allowed_ranges() -> None:
    allowed = Addresses([ip_network("127.0.0.0/8"), ip_network("10.99.0.0/16")], patience_s=0)
    for port in (22, 25, 80, 5432, 6379, 8080, 8727, 65535):
        assert allowed.is_hopeless("8.8.8.8", port)
        assert await allowed.checked("127.0.0.1", port) == "127.0.0.1"
        assert await allowed.checked("10.99.4.4", port) == "10.99.4.4"
    for port in (8728, 8729, 443):
        assert await allowed.checked("8.8.8.8", port) == "8.8.8.8"
    for text in ("10.98.0.1", "::1", "::ffff:127.0.0.1"):
        assert allowed.is_hopeless(text, 8728)


async def test_every_refusal_has_the_same_words_and_takes_the_same_time() -> None:
    async def slow(_: str) -> list[str]:
        await asyncio.sleep(60)
        return []

    cases = [
        (Addresses(lookup=answering("10.0.0.1"), patience_s=0.1), "inside.example", 8728),
        (Addresses(lookup=nowhere, patience_s=0.1), "nowhere.example", 8728),
        (Addresses(lookup=slow, patience_s=0.1), "slow.example", 8728),
        (Addresses(lookup=never, patience_s=0.1), "127.0.0.1", 8728),
        (Addresses(lookup=never, patience_s=0.1), "8.8.8.8", 22),
        (Addresses(lookup=never, patience_s=0.1), "not a host", 8728),
    ]
    for addresses, host, port in cases:
        started = time.monotonic()
        with pytest.raises(AddressRefused) as refused:
            await addresses.checked(host, port)
        assert 0.095 <= time.monotonic() - started < 0.2, host
        assert (refused.value.text, refused.value.permanent) == (REFUSED, True)


def _hostile(seed: int, many: int) -> list[str]:
    dice = random.Random(seed)
    schemes = ("", "http://", "//", "ftp://a@", "\\\\", "@", "#", " ", "\t")
    ends = ("", ".", "%eth0", "%25lo", ":8728", "/", "?", "\x00", ".nip.io:22", "\r\nHost: x", "#@8.8.8.8")
    made: list[str] = []
    for _ in range(many):
        number = dice.choice([int(IPv4Address(dice.choice(NOT_OURS[:20]))), dice.randrange(2**32)])
        octets = [number >> 24 & 255, number >> 16 & 255, number >> 8 & 255, number & 255]
        forms = (
            str(number), hex(number), oct(number), f"0{number:o}", ".".join(hex(each) for each in octets),
            ".".join(f"0{each:o}" for each in octets), ".".join(f"{each:03}" for each in octets),
            f"{octets[0]}.{number & 0xFFFFFF}", f"{octets[0]}.{octets[1]}.{number & 0xFFFF}", str(IPv4Address(number)),
            f"::ffff:{IPv4Address(number)}", f"::{IPv4Address(number)}", f"64:ff9b::{IPv4Address(number)}",
            f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1", f"[::ffff:{IPv4Address(number)}]",
            str(IPv6Address(dice.randrange(2**128))), str(IPv6Address(dice.randrange(2**64))),
            "".join(chr(dice.choice([*range(32, 127), 0x3002, 0xFF0E, 0x200B, 0x661, 0])) for _ in range(dice.randrange(30))),
        )  # fmt: skip
        bare = dice.random() < 0.5
        made.append(dice.choice(forms) if bare else dice.choice(schemes) + dice.choice(forms) + dice.choice(ends))
    return made


async def test_ten_thousand_hostile_texts_reach_nothing_inside() -> None:
    """Whatever is let through is a public address spelt out, or was a name whose answers were judged."""
    resolver = socket.getaddrinfo
    looked_up: list[str] = []

    async def judge(name: str) -> list[str]:
        looked_up.append(name)
        return ["169.254.169.254"]

    addresses = Addresses(lookup=judge, patience_s=0)
    let_through = 0
    for text in _hostile(20, 10_000):
        try:
            dialled = await addresses.checked(text, 8728)
        except AddressRefused:
            continue
        let_through += 1
        assert dialled == str(ip_address(text))
        assert is_public(ip_address(dialled))
        # The system's resolver agrees that this text is that address and no other.
        assert {ip_address(each[4][0]) for each in resolver(text, None, flags=socket.AI_NUMERICHOST)} == {
            ip_address(dialled)
        }
    assert 50 < let_through < 5_000
    for name in looked_up:
        with pytest.raises(OSError):
            resolver(name, None, flags=socket.AI_NUMERICHOST)


@given(st.text(max_size=60))
def test_no_text_that_is_taken_for_a_name_is_a_number_to_a_resolver(text: str) -> None:
    try:
        address = literal(text)
    except ValueError:
        return
    if address is None:
        with pytest.raises(OSError):
            socket.inet_aton(text)


def access(host: str, port: int, way: str = "direct") -> RouterAccess:
    return RouterAccess(
        id=1, merchant_id=1, name="r", status="new", host=host, port=port, user="u", password="p", serial="",
        uptime_s=None, tries=0, wanted_generation=0, reconciled_generation=0, way=way, tls_pin="",
    )  # fmt: skip


async def test_a_name_that_moves_inside_between_two_dials_is_not_followed() -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])

    async def rebinding(_: str) -> list[str]:
        return next(answers)

    with socket.socket() as held:  # bound and not listening: a dial is refused at once
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        connections = Connections(Addresses([ip_network("127.0.0.0/8")], lookup=rebinding, patience_s=0))
        router = await connections.to(access("moves.example", port))
        with pytest.raises(Unreachable) as first:
            await router.identity()
        assert not isinstance(first.value, AddressRefused)
        with pytest.raises(AddressRefused):
            await router.identity()
        await connections.close()


async def test_what_is_dialled_is_the_address_and_never_the_name() -> None:
    """No resolver knows this name: only the judged answer can lead to the listening socket."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connections = Connections(
        Addresses([ip_network("127.0.0.0/8")], lookup=answering("127.0.0.1"), patience_s=0), connect_timeout=2
    )
    async with server:
        router = await connections.to(access("known-to-nobody.invalid", port))
        with pytest.raises(Unreachable) as closed:
            await router.identity()
    assert "not known" not in closed.value.text
    await connections.close()


async def test_an_address_of_the_tunnel_is_dialled_for_its_own_router_only() -> None:
    """Somebody who types the tunnel address of another merchant's router as a direct one gets nowhere."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        tunnel = Addresses([ip_network("127.0.0.0/8")], patience_s=0)
        connections = Connections(Addresses(patience_s=0), tunnel=tunnel)
        for way, refused in (("direct", True), ("tunnel", False), ("direct", True)):
            router = await connections.to(access("127.0.0.1", port, way))
            with pytest.raises(Unreachable) as met:
                await router.identity()
            assert isinstance(met.value, AddressRefused) is refused, way
        await connections.close()
