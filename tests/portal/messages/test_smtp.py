"""Mail by SMTP: what a server's answers mean and where a break falls, and that nothing reaches another than who is meant."""

import asyncio
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import parseaddr
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from portal.addresses import Addresses
from portal.clock import Clock
from portal.gateways.interface import Accepted, Broken, Later, Lost, Outcome, Outgoing, Refused, Why
from portal.gateways.simulator import MailServer
from portal.gateways.simulator.mail_server import PASSWORD, USER
from portal.gateways.smtp import Smtp, SmtpOptions, is_address
from portal.gateways.wire import Outside
from tests.portal.messages.office import mock

LETTER = Outgoing(key="vocha-7", to="a@b.test", text='Code "K7" {secret}', kind="test", subject="Hello")


def why_of(outcome: Outcome) -> tuple[str, str]:
    return type(outcome).__name__, getattr(outcome, "why", "")


async def answered(**replies: str) -> Outcome:
    """What comes of a mail when these commands are answered so."""
    async with MailServer() as server:
        server.replies = replies
        return await mail(server, tls="none").send(LETTER)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate of localhost, and a trust in it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain = folder / "chain.pem"
    chain.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return server, ssl.create_default_context(cafile=str(chain))


def home() -> Outside:
    async def look_up(_: str) -> list[str]:
        return ["127.0.0.1"]

    allowed = Addresses([IPv4Network("127.0.0.0/8")], lookup=look_up)
    return Outside(mock(httpx.Response(200)), allowed, plays=True)


def mail(
    server: MailServer,
    *,
    host: str = "localhost",
    trust: ssl.SSLContext | None = None,
    tls: str = "starttls",
    **more: Any,
) -> Smtp:
    options = msgspec.convert({"host": host, "port": server.port, "tls": tls}, SmtpOptions)
    named: dict[str, Any] = {"user": USER, "password": PASSWORD, "sender": "shop@k.test"} | more
    return Smtp(home(), options, clock=Clock(), trust=trust, **named)


async def test_the_password_goes_only_over_tls_and_to_whom_we_trust(tmp_path: Path) -> None:
    served, trust = certificate(tmp_path)
    letter = msgspec.structs.replace(LETTER, text="Hello\n.dot\n..two")
    async with MailServer(certificate=served) as server:
        assert isinstance(await mail(server, trust=trust).send(letter), Accepted)
        assert server.said[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
        assert server.letters.all()[0].text == "Hello\n.dot\n..two"
        server.said.clear()
        assert why_of(await mail(server).send(letter)) == ("Broken", Why.SET_UP), "a certificate nobody vouches for"
        assert "AUTH" not in server.said
    async with MailServer() as bare:
        assert why_of(await mail(bare, trust=trust).send(letter)) == ("Broken", Why.SET_UP)
        assert "AUTH" not in bare.said


async def test_tls_from_the_start_asks_for_the_servers_own_name(tmp_path: Path) -> None:
    served, trust = certificate(tmp_path)
    async with MailServer(certificate=served, is_encrypted=True) as server:
        assert isinstance(await mail(server, tls="tls", trust=trust).send(LETTER), Accepted)
        assert server.said[:2] == ["EHLO", "AUTH"]
        server.said.clear()
        # The same address, and its certificate is trusted: but it is not the server that was meant.
        other = await mail(server, tls="tls", trust=trust, host="mail.shop.example").send(LETTER)
        assert why_of(other) == ("Broken", Why.SET_UP)
        assert "CERTIFICATE_VERIFY_FAILED" in getattr(other, "said", "")
        assert why_of(await mail(server, tls="tls").send(LETTER)) == ("Broken", Why.SET_UP), "nobody vouches for it"
        assert server.said == []


async def test_only_the_judged_address_is_called() -> None:
    async with MailServer() as server:
        nowhere = mail(server, tls="none", host="no-such-host.invalid")
        assert isinstance(await nowhere.send(LETTER), Accepted), "the name was looked up once more"


async def test_a_wrong_password_is_tried_once() -> None:
    async with MailServer() as server:
        assert why_of(await mail(server, tls="none", password="no").send(LETTER)) == ("Broken", Why.WRONG_KEYS)
        assert server.said.count("AUTH") == 1
        assert "MAIL" not in server.said


@pytest.mark.parametrize(
    ("offer", "meaning"),
    [
        ("AUTH LOGIN", ("Broken", Why.WRONG_KEYS)),  # tried; the simulator knows PLAIN alone
        ("AUTH XOAUTH2", ("Broken", Why.SET_UP)),
        ("8BITMIME", ("Accepted", "")),  # a relay that takes whatever comes from its network
    ],
)
async def test_who_we_are_is_said_in_the_servers_way(offer: str, meaning: tuple[str, str]) -> None:
    assert why_of(await answered(EHLO=f"250-sim.test\r\n250 {offer}")) == meaning


@pytest.mark.parametrize(
    ("place", "meaning"), [("MAIL", "Later"), ("RCPT", "Later"), ("DATA", "Lost"), ("body", "Lost")]
)
async def test_where_a_connection_breaks_decides(place: str, meaning: str) -> None:
    async with MailServer() as server:
        server.breaks_off = place
        assert type(await mail(server, tls="none").send(LETTER)).__name__ == meaning
        assert len(server.raw) == (place == "body")


async def test_nobody_there_is_not_a_loss() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = MailServer()
        server.port = taken.getsockname()[1]
        assert why_of(await mail(server, tls="none").send(LETTER)) == ("Later", Why.AWAY)


@pytest.mark.parametrize(
    "address", ["a@b.test>\r\nRCPT TO:<x@y.z", "a b@c.test", "a@", "@b", "a@b@c", "a\n@b.test", "<a@b.test>", ""]
)
def test_no_address_breaks_out_of_its_command(address: str) -> None:
    assert not is_address(address)


@pytest.mark.parametrize(
    ("command", "reply", "meaning"),
    [
        ("greeting", "554 go away", Broken(why=Why.SET_UP, said="greeting: 554 go away")),
        ("greeting", "421 too many", Later(why=Why.BUSY, said="greeting: 421 too many")),
        ("EHLO", "501 no", Broken(why=Why.SET_UP, said="EHLO: 501 no")),
        ("AUTH", "454 not now", Later(why=Why.BUSY, said="AUTH: 454 not now")),
        ("AUTH", "535 no", Broken(why=Why.WRONG_KEYS, said="AUTH: 535 no")),
        ("MAIL", "452 full", Later(why=Why.BUSY, said="MAIL: 452 full")),
        ("MAIL", "553 not yours", Broken(why=Why.WRONG_SENDER, said="MAIL: 553 not yours")),
        ("RCPT", "450 grey", Later(why=Why.BUSY, said="RCPT: 450 grey", is_only_this=True)),
        ("RCPT", "421 closing", Later(why=Why.BUSY, said="RCPT: 421 closing")),
        ("RCPT", "550-no\r\n550 such user", Refused(why=Why.BAD_ADDRESS, said="RCPT: 550 no such user")),
        ("RCPT", "550 a\x00b\x1b[31m" + "x" * 300, Refused(why=Why.BAD_ADDRESS, said="RCPT: 550 a b [31m" + "x" * 182)),
        ("DATA", "451 not now", Later(why=Why.BUSY, said="DATA: 451 not now", is_only_this=True)),
        ("DATA", "554 no", Refused(why=Why.NOT_TAKEN, said="DATA: 554 no")),
        ("body", "421 closing", Later(why=Why.BUSY, said="DATA: 421 closing")),
        ("body", "554 spam", Refused(why=Why.NOT_TAKEN, said="DATA: 554 spam")),
        ("body", "251 queued as ABC123", Accepted(provider_id="ABC123")),
        ("body", "354 go on", Lost(said="DATA: 354 go on")),
    ],
)
async def test_what_is_refused_and_where_is_told(command: str, reply: str, meaning: Outcome) -> None:
    assert await answered(**{command: reply}) == meaning


@pytest.mark.parametrize("reply", ["* OK IMAP4 ready", "250-x\r\n" * 6000, "250 " + "x" * 40_000, ""])
async def test_what_is_no_reply_ends_the_talk(reply: str) -> None:
    assert why_of(await answered(MAIL=reply)) == ("Later", Why.AWAY)
    assert why_of(await answered(body=reply)) == ("Lost", "")


async def test_silence_has_an_end_and_its_place_decides() -> None:
    async with MailServer() as server:
        for place, meaning in [("greeting", "Later"), ("RCPT", "Later"), ("body", "Lost")]:
            server.replies = {place: "250-the rest never comes"}
            async with asyncio.timeout(5):
                outcome = await mail(server, tls="none", patience_s=0.2).send(LETTER)
            assert type(outcome).__name__ == meaning, place


async def test_letters_beyond_ascii_arrive_by_servers_that_take_only_ascii() -> None:
    words = "Malipo yamefika – asante ✓"
    async with MailServer() as server:
        letter = msgspec.structs.replace(LETTER, text=words, subject=words, html=f"<p>{words}</p>")
        assert isinstance(await mail(server, tls="none").send(letter), Accepted)
    assert server.raw[0].isascii()
    assert (server.letters.all()[0].subject, server.letters.all()[0].text) == (words, words)
    rich = message_from_bytes(server.raw[0], policy=policy.default).get_body(("html",))
    assert rich is not None
    assert words in rich.get_content()


@given(st.one_of(st.from_regex(r"[!-~]{1,20}@[!-~]{1,20}", fullmatch=True), st.text(max_size=30)))
def test_an_address_means_the_same_to_whoever_reads_it(text: str) -> None:
    if is_address(text):
        assert parseaddr(text) == ("", text)


@pytest.mark.parametrize(
    "address", ["a(x)@b.test", "a,b@c.test", '"a"@b.test', "a:b@c.test;", "a\\b@c.test", "é@b.test"]
)
async def test_no_address_that_could_mean_another_is_mailed(address: str) -> None:
    async with MailServer() as server:
        letter = msgspec.structs.replace(LETTER, to=address)
        assert why_of(await mail(server, tls="none").send(letter)) == ("Refused", Why.BAD_ADDRESS)
        assert why_of(await mail(server, tls="none", sender=address).send(LETTER)) == ("Broken", Why.WRONG_SENDER)
        assert server.said == []


def test_no_process_loads_the_library_before_its_first_mail() -> None:
    ask = "import sys, portal.gateways.doors; sys.exit('aiosmtplib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", ask], check=False, timeout=60).returncode == 0
