"""Over TLS the router is known by its certificate, and only then gets the password."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from routeros.client import HotspotRouter
from routeros.errors import RouterError, Unreachable, WrongCertificate
from routeros.values import TlsPin
from tests.routeros.peer import Peer, rows


def self_signed(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server context with a certificate as routers make them, and its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "router")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "router.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context, hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncGenerator[tuple[Peer, str]]:
    context, fingerprint = self_signed(tmp_path)
    peer = Peer()
    await peer.start(context)
    peer.answers["/system/identity/print"] = lambda _: rows({"name": "sealed"})
    yield peer, fingerprint
    await peer.stop()


async def test_the_pinned_router_is_talked_to(secure: tuple[Peer, str]) -> None:
    peer, fingerprint = secure
    spelled = ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()
    async with HotspotRouter(peer.address(tls=TlsPin(spelled))) as router:
        assert (await router.identity()).name == "sealed"


async def test_another_certificate_gets_no_password(secure: tuple[Peer, str]) -> None:
    peer, _ = secure
    asked = asyncio.Event()

    async def login(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if await reader.read(1):
            asked.set()
        return False

    peer.login = login
    async with HotspotRouter(peer.address(tls=TlsPin("00" * 32))) as router:
        with pytest.raises(WrongCertificate) as caught:
            await router.identity()
    assert caught.value.permanent
    await asyncio.sleep(0.05)
    assert not asked.is_set()


async def test_a_plain_port_is_not_taken_for_a_secure_one(peer: Peer) -> None:
    async with HotspotRouter(peer.address(tls=TlsPin("00" * 32)), connect_timeout=0.5) as router:
        with pytest.raises(Unreachable):
            await router.identity()


async def test_a_secure_port_spoken_to_in_the_clear_is_an_error_in_time(secure: tuple[Peer, str]) -> None:
    peer, _ = secure
    async with HotspotRouter(peer.address(), connect_timeout=0.5) as router:
        with pytest.raises(RouterError):
            await router.identity()


def test_a_pin_that_is_no_fingerprint_is_refused() -> None:
    for text in ("", "ab", "zz" * 32, "ab" * 20):
        with pytest.raises(ValueError):
            TlsPin(text)
