"""A mail server on loopback that keeps what it gets. Speaks as much of RFC 5321 as senders use, with STARTTLS when it has a
certificate, or TLS from the start; what it refuses, and where it breaks off, are switches."""

import asyncio
import base64
import logging
import ssl
from email import message_from_bytes, policy
from typing import Self

from portal.clock import Clock
from portal.gateways.simulator.letterbox import Letterbox

log = logging.getLogger(__name__)

USER, PASSWORD = "shop", "sim-mail-password"


class MailServer:
    """`replies` maps a command (MAIL, RCPT, DATA, body, AUTH) or the greeting to the reply it is answered with instead; `breaks_off`
    names where the connection ends: a command, or "body" (the mail is kept first, and no answer comes)."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        letterbox: Letterbox | None = None,
        certificate: ssl.SSLContext | None = None,
        is_encrypted: bool = False,
    ) -> None:
        self.letters = letterbox or Letterbox()
        self.replies: dict[str, str] = {}
        self.breaks_off = ""
        self.raw: list[bytes] = []
        self.said: list[str] = []
        self.port = 0
        self._clock = clock or Clock()
        self._certificate = certificate
        self._is_encrypted = is_encrypted
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        tls = self._certificate if self._is_encrypted else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and hang up. Repeatable."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._open):
                writer.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._talk(reader, writer)
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            log.debug("mail connection ended", extra={"error": repr(error)})
        finally:
            self._open.discard(writer)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_plain = not self._is_encrypted
        writer.write(self.replies.get("greeting", "220 sim.test ESMTP").encode() + b"\r\n")
        while line := await reader.readline():
            command = line.decode("ascii", "replace").strip()
            name = command.split(" ")[0].split(":")[0].upper()
            self.said.append(name)
            if name in ("QUIT", self.breaks_off):
                return
            if name in self.replies:
                writer.write(self.replies[name].encode() + b"\r\n")
            elif name == "EHLO":
                offers = ["sim.test", "8BITMIME", "AUTH PLAIN LOGIN"]
                offers += ["STARTTLS"] if self._certificate and is_plain else []
                writer.write("".join(f"250{'-' if one != offers[-1] else ' '}{one}\r\n" for one in offers).encode())
            elif name == "STARTTLS" and self._certificate and is_plain:
                writer.write(b"220 go ahead\r\n")
                await _encrypt(writer, self._certificate)
                is_plain = False
            elif name == "DATA":
                writer.write(b"354 end with a dot\r\n")
                if not await self._take(reader, writer):
                    return
            else:
                writer.write(self._plain_reply(name, command))

    def _plain_reply(self, name: str, command: str) -> bytes:
        if name == "AUTH":
            right = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
            return b"235 welcome\r\n" if command.endswith(right) else b"535 5.7.8 authentication failed\r\n"
        return b"250 ok\r\n" if name in ("MAIL", "RCPT", "RSET", "NOOP") else b"502 not here\r\n"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """A mail up to its dot; False when the connection is to end here."""
        await writer.drain()
        lines: list[bytes] = []
        while (line := await reader.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        if (no := self.replies.get("body")) is not None:
            writer.write(no.encode() + b"\r\n")
            return True
        self._keep(b"".join(lines))
        if self.breaks_off == "body":
            return False
        writer.write(f"250 2.0.0 Ok: queued as SIM{len(self.raw):05d}\r\n".encode())
        return True

    def _keep(self, raw: bytes) -> None:
        self.raw.append(raw)
        mail = message_from_bytes(raw, policy=policy.default)
        plain = mail.get_body(("plain",))
        self.letters.put(
            "email", to=str(mail["To"]), sender=str(mail["From"]), subject=str(mail["Subject"]), at=self._clock.now(),
            text=plain.get_content().replace("\r\n", "\n").strip() if plain is not None else "",
        )  # fmt: skip


async def _encrypt(writer: asyncio.StreamWriter, certificate: ssl.SSLContext) -> None:
    """From here on TLS. ConnectionResetError: the client hung up in the middle, as who does not trust us does."""
    plain = writer.transport
    try:
        await writer.start_tls(certificate)
    except AttributeError as error:
        # CPython 3.11 takes that for success without a transport, and its writer fails once more when it is thrown away.
        vars(writer)["_transport"] = plain
        raise ConnectionResetError from error
