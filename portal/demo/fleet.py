"""`vocha simulate routers`: a fleet of simulated routers, until Ctrl-C or SIGTERM. What they do is the simulator's."""

import asyncio
import signal
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from routeros.simulator.fleet import FleetOptions, run
from routeros.simulator.schema import parse_version


async def run_fleet(*, has_tls: bool, **options: Any) -> None:
    """Run until told to end. Options are those of FleetOptions. Raises ValueError for a version that is none, OSError
    for a port that is taken."""
    version = options.get("version", "7.16")
    try:
        parse_version(version)
    except ValueError as error:
        raise ValueError(f"{version} is no RouterOS version such as 7.16") from error
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await run(FleetOptions(**options, tls=self_signed() if has_tls else None), ended)


def self_signed(name: str = "router") -> ssl.SSLContext:
    """A server context with a fresh self-signed certificate, as a router makes one; good for a year."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "router.pem"
        pem.touch(mode=0o600)
        pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context.load_cert_chain(pem)
    return context
