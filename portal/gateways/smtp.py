"""Mail by SMTP: one message, one connection. A `Gateway`.

Sources: RFC 5321 (commands, replies, 4xx and 5xx), RFC 3207 (STARTTLS), RFC 4954 (AUTH PLAIN), RFC 8314 (TLS from the start).
Spoken here rather than by a library because the place where a connection breaks decides what may be done: before the final dot
nothing was sent, after it nobody knows."""

import asyncio
import base64
import logging
import re
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Literal

import msgspec

from portal.addresses import AddressRefused
from portal.clock import Clock
from portal.gateways.interface import Accepted, Broken, Later, Lost, Outcome, Outgoing, Refused, Why
from portal.gateways.wire import Outside

log = logging.getLogger(__name__)

PORTS = (465, 587, 25, 2525)
PATIENCE_S = 25.0
_ANSWER_S = 10.0
_LONGEST_REPLY = 100
_ADDRESS = re.compile(r"[!-;=?A-~]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


class SmtpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where the mail server is. `tls`: "tls" from the start (465), "starttls" (587), or "none": only on this machine."""

    host: str
    port: int = 587
    tls: Literal["tls", "starttls", "none"] = "starttls"


class SmtpReply(msgspec.Struct, frozen=True):
    """A reply: its code and its words."""

    code: int
    said: str

    def __str__(self) -> str:
        return f"{self.code} {self.said}"[:200]


class _No(Exception):  # noqa: N818  (never leaves this module)
    """The server's no, and at which command."""

    def __init__(self, at: str, reply: SmtpReply) -> None:
        super().__init__(at)
        self.at = at
        self.reply = reply


def is_address(text: str) -> bool:
    """Whether mail can go there: one plain address, which no header or command can be broken out of."""
    return _ADDRESS.fullmatch(text) is not None and len(text) <= 254


class Smtp:
    """One mail server and the user we are there. `trust`: authorities of its certificate; None: the system's."""

    #: The Message-ID stays the same, and readers fold copies: better twice than never.
    repeats_safely = True

    def __init__(
        self, outside: Outside, options: SmtpOptions, *, user: str, password: str, sender: str, clock: Clock,
        trust: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._outside = outside
        self._options = options
        self._user = user
        self._password = password
        self._sender = sender
        self._clock = clock
        self._trust = trust

    async def send(self, message: Outgoing) -> Outcome:
        """One mail."""
        if not is_address(message.to):
            return Refused(why=Why.BAD_ADDRESS)
        is_handed_over = False
        try:
            async with asyncio.timeout(PATIENCE_S), self._connected() as talk:
                await self._introduce(talk)
                await talk.ask("MAIL", f"MAIL FROM:<{self._sender}>")
                await talk.ask("RCPT", f"RCPT TO:<{message.to}>")
                await talk.ask("DATA", "DATA", want=3)
                is_handed_over = True
                taken = await talk.hand_over(self._mail(message))
            return Accepted(provider_id=_queue_id(taken.said))
        except _No as no:
            return _refusal(no)
        except AddressRefused as error:
            return Broken(why=Why.SET_UP, said=str(error))
        except ssl.SSLError as error:
            return Broken(why=Why.SET_UP, said=f"TLS: {error.reason}")
        except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            return Lost(said=type(error).__name__) if is_handed_over else Later(why=Why.AWAY, said=type(error).__name__)

    def _mail(self, message: Outgoing) -> bytes:
        mail = EmailMessage(policy=SMTP_POLICY)
        domain = self._sender.rpartition("@")[2]
        mail["From"], mail["To"], mail["Subject"] = self._sender, message.to, _one_line(message.subject)
        mail["Date"], mail["Message-ID"] = format_datetime(self._clock.now()), f"<{message.key}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        return mail.as_bytes()

    @asynccontextmanager
    async def _connected(self) -> "AsyncGenerator[_Talk]":
        host = await self._outside.judged(self._options.host)
        is_tls = self._options.tls == "tls"
        reader, writer = await asyncio.open_connection(
            host, self._options.port, ssl=self._context() if is_tls else None,
            server_hostname=self._options.host if is_tls else None,
        )  # fmt: skip
        talk = _Talk(reader, writer)
        try:
            await talk.read("greeting")
            yield talk
        finally:
            await talk.close()

    async def _introduce(self, talk: "_Talk") -> None:
        name = self._sender.rpartition("@")[2]
        offers = await talk.ask("EHLO", f"EHLO {name}")
        if self._options.tls == "starttls":
            await talk.ask("STARTTLS", "STARTTLS")
            await talk.encrypt(self._context(), host=self._options.host)
            offers = await talk.ask("EHLO", f"EHLO {name}")
        if self._user and "AUTH" in offers.said.upper():
            plain = base64.b64encode(f"\0{self._user}\0{self._password}".encode()).decode()
            await talk.ask("AUTH", f"AUTH PLAIN {plain}")

    def _context(self) -> ssl.SSLContext:
        return self._trust or ssl.create_default_context()


class _Talk:
    """Commands and replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, name: str, line: str, *, want: int = 2) -> SmtpReply:
        """Say a line; the reply, when its code is of the wanted hundred."""
        self._writer.write(line.encode("ascii") + b"\r\n")
        await self._writer.drain()
        return await self.read(name, want=want)

    async def read(self, name: str, *, want: int = 2, within_s: float = _ANSWER_S) -> SmtpReply:
        """A reply, however many lines it has."""
        said: list[str] = []
        async with asyncio.timeout(within_s):
            for _ in range(_LONGEST_REPLY):
                line = (await self._reader.readuntil(b"\n")).decode("ascii", "replace").rstrip()
                said.append(line[4:])
                if line[3:4] != "-":
                    reply = SmtpReply(int(line[:3]), " ".join(said))
                    if reply.code // 100 != want:
                        raise _No(name, reply)
                    return reply
        raise EOFError("a reply without an end")

    async def hand_over(self, mail: bytes) -> SmtpReply:
        """The mail itself, and what is said to it."""
        body = mail if mail.endswith(b"\r\n") else mail + b"\r\n"
        stuffed = re.sub(rb"(?m)^\.", b"..", body)
        self._writer.write(stuffed + b".\r\n")
        await self._writer.drain()
        return await self.read("body", within_s=PATIENCE_S)

    async def encrypt(self, context: ssl.SSLContext, *, host: str) -> None:
        """From here on TLS."""
        await self._writer.start_tls(context, server_hostname=host)

    async def close(self) -> None:
        """Say goodbye, and wait for nothing."""
        try:
            self._writer.write(b"QUIT\r\n")
            self._writer.close()
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        except (OSError, RuntimeError, TimeoutError) as error:
            log.debug("mail connection ended", extra={"error": repr(error)})


def _refusal(no: _No) -> Outcome:
    said = f"{no.at}: {no.reply}"
    if no.reply.code // 100 == 4:
        return Later(why=Why.BUSY, said=said, is_only_this=no.at in ("RCPT", "body"))
    if no.at in ("AUTH", "STARTTLS", "EHLO", "greeting"):
        return Broken(why=Why.WRONG_KEYS if no.at == "AUTH" else Why.SET_UP, said=said)
    if no.at == "MAIL":
        return Broken(why=Why.WRONG_SENDER, said=said)
    return Refused(why=Why.BAD_ADDRESS if no.at == "RCPT" else Why.NOT_TAKEN, said=said)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]


def _queue_id(said: str) -> str:
    """Servers name what they took in their own words; nothing depends on it."""
    found = re.search(r"queued as ([A-Za-z0-9]{4,40})", said)
    return found[1] if found else ""
