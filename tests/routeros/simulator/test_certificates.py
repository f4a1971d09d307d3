"""Certificates from files, and the settings a router has from the factory, by version."""

from __future__ import annotations

import base64
import hashlib

import pytest

from routeros.simulator.router import SimulatedRouter
from tests.routeros.simulator.raw_client import RawClient


def _pem(content: bytes) -> str:
    text = base64.b64encode(content).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


async def test_a_certificate_is_imported_from_a_file_once() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret("/file/add", "=name=ca.pem", "=contents=" + _pem(b"one" * 50) + _pem(b"two" * 50))
        words = ("/certificate/import", "=file-name=ca.pem", "=passphrase=")
        assert (await client.rows(*words))[0]["certificates-imported"] == "2"
        rows = await client.rows("/certificate/print")
        assert [row["name"] for row in rows] == ["ca.pem_0", "ca.pem_1"]
        assert rows[0]["fingerprint"] == hashlib.sha256(b"one" * 50).hexdigest()
        assert (await client.rows(*words))[0]["certificates-imported"] == "0"
        await client.ask("/certificate/remove", "=numbers=ca.pem_0,ca.pem_1")
        assert await client.rows("/certificate/print") == []


@pytest.mark.parametrize("contents", ["", "hello", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"])
async def test_a_file_without_a_certificate_brings_none(contents: str) -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        assert await client.trap("/certificate/import", "=file-name=ca.pem") == "failure: no such file"
        await client.ret("/file/add", "=name=ca.pem", f"=contents={contents}")
        (counts,) = await client.rows("/certificate/import", "=file-name=ca.pem")
        assert counts["certificates-imported"] == "0"
        assert await client.rows("/certificate/print") == []


async def test_a_template_becomes_a_certificate_when_it_is_signed() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        await client.ret("/certificate/add", "=name=api", "=common-name=router")
        (template,) = await client.rows("/certificate/print")
        assert "fingerprint" not in template
        assert (await client.ask("/certificate/sign", "=number=api"))[-1] == ["!done"]
        (made,) = await client.rows("/certificate/print")
        assert len(made["fingerprint"]) == 64
        assert made["private-key"] == "true"
        assert await client.trap("/certificate/sign", "=number=none") == "no such item"


async def test_the_time_client_is_that_of_the_version() -> None:
    async with SimulatedRouter(version="6.49") as router, await RawClient.connect(router) as client:
        assert (await client.rows("/system/ntp/client/print"))[0]["primary-ntp"] == "0.0.0.0"
        await client.ask("/system/ntp/client/set", "=enabled=yes", "=primary-ntp=10.0.0.1", "=server-dns-names=a.b")
        (row,) = await client.rows("/system/ntp/client/print")
        assert (row["enabled"], row["primary-ntp"], row["server-dns-names"]) == ("true", "10.0.0.1", "a.b")
        assert await client.trap("/system/ntp/client/set", "=servers=a.b") == "unknown parameter"
    async with SimulatedRouter(version="7.9") as router, await RawClient.connect(router) as client:
        assert await client.trap("/system/ntp/client/set", "=primary-ntp=10.0.0.1") == "unknown parameter"
        await client.ask("/system/ntp/client/set", "=enabled=yes", "=servers=a.b")
        assert (await client.rows("/system/ntp/client/print"))[0]["servers"] == "a.b"


async def test_switches_of_settings_are_typed_and_come_back_at_a_reset() -> None:
    async with SimulatedRouter() as router, await RawClient.connect(router) as client:
        assert (await client.rows("/ip/dns/print"))[0]["allow-remote-requests"] == "false"
        await client.ask("/ip/dns/set", "=allow-remote-requests=yes")
        assert (await client.rows("/ip/dns/print"))[0]["allow-remote-requests"] == "true"
        wrong = await client.trap("/ip/dns/set", "=allow-remote-requests=maybe")
        assert wrong == "invalid value for argument allow-remote-requests"
        router.reset()
        async with await RawClient.connect(router) as again:
            assert (await again.rows("/ip/dns/print"))[0]["allow-remote-requests"] == "false"
