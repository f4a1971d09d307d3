"""One API connection to a router: opened when needed, one caller at a time, dropped at the first doubt.

Built on librouteros' transport, framing and login hash. Sentences are read and written here rather than through its
Api object, because that guesses types (`no` becomes False, "123456" a number), drops bytes it cannot decode, believes
any length up to 256 MiB, logs passwords at DEBUG and knows no `.tag`. Reading the words ourselves gives text as it
is, caps against a hostile router, nothing in the logs, and many commands in one round trip.
"""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from librouteros import async_create_transport
from librouteros.connections import AsyncSocketTransport
from librouteros.exceptions import LibRouterosError, ProtocolError
from librouteros.login import encode_password
from librouteros.protocol import decode_length, determine_length, encode_sentence

from routeros.errors import AuthFailed, BadReply, Refused, RouterError, Unreachable, WrongCertificate, refusal
from routeros.values import RouterAddress
from routeros.words import attribute

log = logging.getLogger(__name__)

MAX_WORD: Final = 64 * 1024
MAX_WORDS: Final = 256  # in a sentence; the widest menu we read has under 60 properties
MAX_SENTENCES: Final = 50_000
MAX_REPLY: Final = 8 * 1024 * 1024
IN_FLIGHT: Final = 32  # commands sent before their answers are read; small boards starve on many more
CLOSE_TIMEOUT: Final = 1.0

#: Host and port as typed → the address to dial; raises RouterError for one that must not be.
Resolve = Callable[[str, int], Awaitable[str]]

_REPLY_KEYS: Final = ("message", "category", "ret")


@dataclass(frozen=True, slots=True)
class Command:
    """One sentence to send. `fields` is the `.proplist`; words of a row that were not asked for are thrown away."""

    path: str
    words: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    def encoded(self, tag: str) -> bytes:
        asked = (attribute(".proplist", ",".join(self.fields)),) if self.fields else ()
        tagged = (f".tag={tag}",) if tag else ()
        return encode_sentence(self.path, *asked, *self.words, *tagged, encoding="utf-8")


@dataclass(slots=True)
class Reply:
    """All that came back for one command. `refusal` is set when it ended in a trap."""

    rows: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    ret: str = ""
    refusal: Refused | None = None


class Wire:
    """Sentences out and in over an open transport; holds no more of a reply than the caps allow."""

    def __init__(self, transport: AsyncSocketTransport) -> None:
        self._transport = transport
        self._sentences_left = 0
        self._bytes_left = 0
        self._tag = 0

    @property
    def is_dead(self) -> bool:
        reader, writer = self._transport.reader, self._transport.writer
        return reader.at_eof() or reader.exception() is not None or writer.is_closing()

    async def talk(self, commands: Sequence[Command], *, tagged: bool = True) -> list[Reply]:
        """Send all commands, then read until each has its `!done`. Replies come back in the order of the commands.

        Tags tell the replies apart: it is not documented that untagged commands are answered in order. Only the
        login goes without. The caps are for the commands of one call together.
        """
        tags = [str(self._tag + n) if tagged else "" for n in range(len(commands))]
        self._tag += len(commands)
        replies = {tag: Reply() for tag in tags}
        sentences = (command.encoded(tag) for command, tag in zip(commands, tags, strict=True))
        await self._transport.write(b"".join(sentences))
        keep = {key: key for command in commands for key in (*command.fields, *_REPLY_KEYS)}
        self._sentences_left, self._bytes_left = MAX_SENTENCES, MAX_REPLY
        unanswered = set(replies)
        while unanswered:
            kind, tag, words = await self._read_sentence(keep)
            if tag not in unanswered:
                raise BadReply("an answer to a question we did not ask")
            _note(replies[tag], kind, words)
            if kind == "!done":
                unanswered.discard(tag)
        return list(replies.values())

    async def _read_sentence(self, keep: dict[str, str]) -> tuple[str, str, dict[str, str]]:
        kind, tag = "", ""
        words: dict[str, str] = {}
        while not kind:  # empty sentences mean nothing (MikroTik manual, API, "Sentences")
            self._sentences_left -= 1
            if self._sentences_left < 0:
                raise BadReply("more rows than we are willing to hold")
            kind = await self._read_word()
        if not kind.startswith("!"):
            raise BadReply("not an answer of the RouterOS API")
        words_left = MAX_WORDS
        while word := await self._read_word():
            words_left -= 1
            if not words_left:
                raise BadReply("a longer row than we are willing to read")
            if word.startswith(".tag="):
                tag = word[5:]
            elif word.startswith("="):
                key, _, value = word[1:].partition("=")
                if key in keep:
                    words[keep[key]] = value
            elif kind == "!fatal":
                words["message"] = word
        if kind == "!fatal":
            raise Unreachable(words.get("message", "the router closed the connection"))
        return kind, tag, words

    async def _read_word(self) -> str:
        first = await self._transport.read(1)
        if more := determine_length(first):
            first += await self._transport.read(more)
        length = decode_length(first)
        self._bytes_left -= length + 1
        if length > MAX_WORD or self._bytes_left < 0:
            raise BadReply("more bytes than we are willing to hold")
        if not length:
            return ""
        return (await self._transport.read(length)).decode("utf-8", "replace")

    def check_certificate(self, pinned: bytes) -> None:
        """Raise WrongCertificate unless the peer showed the pinned certificate."""
        tls: ssl.SSLObject | None = self._transport.writer.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls else None
        if not shown or not hmac.compare_digest(hashlib.sha256(shown).digest(), pinned):
            raise WrongCertificate("the router shows another certificate than the pinned one")

    def keep_alive(self) -> None:
        """Let the kernel find out about a peer that vanished behind a NAT while we were silent."""
        peer: socket.socket = self._transport.writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)

    def abort(self) -> None:
        self._transport.writer.transport.abort()

    async def close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._transport.close()
        except (OSError, TimeoutError):
            self.abort()


def _note(reply: Reply, kind: str, words: dict[str, str]) -> None:
    if kind == "!re":
        reply.rows.append(words)
    elif kind == "!done":
        reply.ret = words.get("ret", "")
    elif kind == "!trap":
        category = words.get("category", "")
        text = words.get("message", "refused without a reason")
        number = int(category) if len(category) == 1 and category.isdecimal() else None
        reply.refusal = reply.refusal or refusal(text, category=number)  # of several, the first names the cause
    elif kind != "!empty":
        raise BadReply("not an answer of the RouterOS API")


def _tls_context() -> ssl.SSLContext:
    """Routers sign their own certificates, so trust is the pin (checked before the password is sent), not a CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Link:
    """The connection of one HotspotRouter. Safe to use from several tasks: commands queue behind one lock.

    `connect_timeout` covers name lookup, TCP, TLS and login; `command_timeout` every flight of commands.
    Both in seconds. Anything but a trap drops the connection: what is still to come would be taken for the answer
    to the next command.
    """

    def __init__(
        self,
        address: RouterAddress,
        *,
        connect_timeout: float,
        command_timeout: float,
        resolve: Resolve | None = None,
    ) -> None:
        self._resolve = resolve
        self.name = f"{address.host}:{address.port}"
        self._address = address
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout
        self._lock = asyncio.Lock()
        self._wire: Wire | None = None

    async def ask(self, command: Command) -> Reply:
        """One command, one reply. Raises the trap as Refused, everything else as Unreachable or AuthFailed."""
        [reply] = await self.fly([command])
        if reply.refusal:
            raise reply.refusal
        return reply

    async def fly(self, commands: Sequence[Command]) -> list[Reply]:
        """Up to IN_FLIGHT commands in one round trip. Traps are in the replies; the rest raises as in ask()."""
        async with self._lock:
            started = asyncio.get_running_loop().time()
            try:
                wire = await self._connected()
                async with self._trouble_drops_the_line(self._command_timeout):
                    replies = await wire.talk(commands)
            except RouterError as error:
                log.info("router %s: %s failed: %s", self.name, commands[0].path, type(error).__name__)
                raise
            spent = (asyncio.get_running_loop().time() - started) * 1000
            rows = sum(len(reply.rows) for reply in replies)
            log.debug("router %s: %s x%d, %d rows, %.0f ms", self.name, commands[0].path, len(commands), rows, spent)
            return replies

    async def _connected(self) -> Wire:
        if self._wire and self._wire.is_dead:
            self._drop()
        if not self._wire:
            async with self._trouble_drops_the_line(self._connect_timeout):
                self._wire = Wire(await self._dial())
                self._wire.keep_alive()
                if self._address.tls:
                    self._wire.check_certificate(self._address.tls.digest)
                await self._log_in(self._wire)
        return self._wire

    async def _dial(self) -> AsyncSocketTransport:
        host = self._address.host
        if self._resolve is not None:
            host = await self._resolve(host, self._address.port)
        return await async_create_transport(
            host,
            port=self._address.port,
            saddr=None,
            timeout=self._connect_timeout,
            ssl_wrapper=_tls_context() if self._address.tls else None,
        )

    async def _log_in(self, wire: Wire) -> None:
        who, password = attribute("name", self._address.user), self._address.password
        [reply] = await wire.talk([Command("/login", (who, attribute("password", password)))], tagged=False)
        if reply.ret and not reply.refusal:  # before 6.43 the router answers with a challenge instead
            try:
                proof = encode_password(reply.ret, password)
            except ValueError as unusable:
                raise BadReply("an unusable login challenge") from unusable
            [reply] = await wire.talk([Command("/login", (who, attribute("response", proof)))], tagged=False)
        if reply.refusal:
            raise AuthFailed(reply.refusal.text, category=reply.refusal.category)

    @contextlib.asynccontextmanager
    async def _trouble_drops_the_line(self, seconds: float) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as late:
            self._drop()
            raise Unreachable(f"no answer within {seconds:g} s") from late
        except ProtocolError as babble:
            self._drop()
            raise BadReply("not the RouterOS API") from babble
        except (OSError, LibRouterosError, UnicodeError) as lost:  # UnicodeError: a host name DNS cannot carry
            self._drop()
            raise Unreachable(str(lost) or type(lost).__name__) from lost
        except BaseException:  # cancelled, or refused at login
            self._drop()
            raise

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire:
            wire.abort()

    async def close(self) -> None:
        """Close politely. A command still running fails as Unreachable; the next command opens a new connection."""
        wire, self._wire = self._wire, None
        if wire:
            await wire.close()
