"""Interfaces and the menus an onboarding script fills: bridges, WireGuard with real keys, DHCP, addresses."""

from __future__ import annotations

import base64
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from routeros.simulator import curve25519
from routeros.simulator.router import SimulatedRouter
from tests.routeros.simulator.raw_client import RawClient

PEER = base64.b64encode(bytes(range(32))).decode()


def test_public_keys_are_those_of_x25519() -> None:
    for _ in range(20):
        raw = os.urandom(32)
        expected = X25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw()
        assert base64.b64decode(curve25519.public_key(base64.b64encode(raw).decode())) == expected


def test_a_made_key_is_clamped_and_never_the_same() -> None:
    raw = curve25519.decode_key(curve25519.new_private_key())
    assert (raw[0] & 7, raw[31] & 0xC0) == (0, 0x40)
    assert curve25519.new_private_key() != curve25519.new_private_key()


async def test_a_wireguard_interface_makes_its_keys_and_is_an_interface() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret("/interface/wireguard/add", "=name=wg-vocha")
        (row,) = await client.rows("/interface/wireguard/print")
        assert row["public-key"] == curve25519.public_key(row["private-key"])
        assert (row["listen-port"], row["mtu"], row["running"]) == ("13231", "1420", "true")
        await client.ret("/ip/address/add", "=address=10.9.0.2/32", "=interface=wg-vocha")
        await client.ask("/interface/wireguard/set", "=numbers=wg-vocha", "=name=wg2")
        assert (await client.rows("/ip/address/print"))[0]["interface"] == "wg2"
        names = [each["name"] for each in await client.rows("/interface/print")]
        assert names == ["bridge", "ether1", "ether2", "wg2"]
        await client.ask("/interface/wireguard/remove", "=numbers=wg2")
        assert "wg2" not in [each["name"] for each in await client.rows("/interface/print")]


async def test_a_wireguard_private_key_needs_the_right_to_see_it() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as admin:
        await admin.ret("/interface/wireguard/add", "=name=wg1")
        await admin.ret("/user/group/add", "=name=look", "=policy=api,read")
        await admin.ret("/user/add", "=name=look", "=group=look")
        async with await RawClient.connect(router, user="look") as look:
            (row,) = await look.rows("/interface/wireguard/print")
            assert "public-key" in row
            assert "private-key" not in row


@pytest.mark.parametrize(
    ("words", "trap"),
    [
        (("=interface=wg1",), "missing value(s) of argument(s) public-key"),
        (("=interface=wg1", "=public-key=short"), "invalid value for argument public-key"),
        (("=interface=nowhere", f"=public-key={PEER}"), "input does not match any value of interface"),
        ((f"=public-key={PEER}",), "missing value(s) of argument(s) interface"),
    ],
)
async def test_a_peer_needs_an_interface_and_a_key(words: tuple[str, ...], trap: str) -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret("/interface/wireguard/add", "=name=wg1")
        assert await client.trap("/interface/wireguard/peers/add", *words) == trap
        assert await client.rows("/interface/wireguard/peers/print") == []
        good = ("=interface=wg1", f"=public-key={PEER}", "=allowed-address=10.9.0.1/32", "=persistent-keepalive=25s")
        await client.ret("/interface/wireguard/peers/add", *good)
        (peer,) = await client.rows("/interface/wireguard/peers/print")
        assert (peer["public-key"], peer["rx"]) == (PEER, "0")


async def test_version_6_knows_no_wireguard() -> None:
    async with SimulatedRouter(version="6.49") as router, await RawClient.connect(router) as client:
        assert await client.trap("/interface/wireguard/add", "=name=wg1") == "no such command prefix"


async def test_interface_names_are_unique_across_kinds() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        taken = "failure: already have interface with such name"
        assert await client.trap("/interface/bridge/add", "=name=ether1") == taken
        assert await client.trap("/interface/bridge/set", "=numbers=bridge", "=name=ether1") == taken
        await client.ret("/interface/bridge/add")
        assert [row["name"] for row in await client.rows("/interface/bridge/print")] == ["bridge", "bridge1"]


async def test_a_hotspot_network_is_set_up_by_hand() -> None:
    async with SimulatedRouter(server_name="") as router, await RawClient.connect(router) as client:
        for words in (
            ("/interface/bridge/port/add", "=bridge=bridge", "=interface=ether2"),
            ("/ip/address/add", "=address=10.5.50.1/24", "=interface=bridge"),
            ("/ip/pool/add", "=name=hs-pool", "=ranges=10.5.50.10-10.5.50.254"),
            ("/ip/dhcp-server/add", "=name=hs-dhcp", "=interface=bridge", "=address-pool=hs-pool", "=lease-time=1h"),
            ("/ip/dhcp-server/option/add", "=name=captive", "=code=114", "=value='https://x/api'"),
            ("/ip/dhcp-server/network/add", "=address=10.5.50.0/24", "=gateway=10.5.50.1"),
            ("/ip/hotspot/profile/add", "=name=hs", "=hotspot-address=10.5.50.1", "=dns-name=login.shop"),
            (
                "/ip/hotspot/add",
                "=name=hs",
                "=interface=bridge",
                "=profile=hs",
                "=address-pool=hs-pool",
                "=disabled=no",
            ),
        ):
            await client.ret(*words)
        assert (await client.rows("/ip/dhcp-server/print"))[0]["lease-time"] == "1h"
        assert router.hotspot.server_name == "hs"
        bad = ("=name=d2", "=interface=bridge", "=address-pool=none-such")
        assert await client.trap("/ip/dhcp-server/add", *bad) == "input does not match any value of address-pool"
