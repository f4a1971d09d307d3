"""Sentences of the RouterOS API out and in over an open transport: many commands in one write, no trust in what comes back.

Built on librouteros' transport and framing. Sentences are read and written here rather than through its Api object,
because that guesses types (`no` becomes False, "123456" a number), drops bytes it cannot decode, believes any length
up to 256 MiB, logs passwords at DEBUG and knows no `.tag`. Reading the words ourselves gives text as it is, caps
against a hostile router, nothing in the logs, and many commands in one round trip.
"""

import hashlib
import hmac
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from librouteros.connections import AsyncSocketTransport
from librouteros.exceptions import ConnectionClosed
from librouteros.protocol import decode_length, determine_length, encode_sentence

from routeros.client.budget import ROW_COST, WORD_COST, Budget, Share
from routeros.errors import BadReply, Refused, Unreachable, WrongCertificate, refusal
from routeros.words import attribute

MAX_WORD: Final = 64 * 1024
MAX_WORDS: Final = 256  # in a sentence; the widest menu we read has under 60 properties
MAX_SENTENCES: Final = 50_000
MAX_REPLY: Final = 8 * 1024 * 1024
IN_FLIGHT: Final = 512  # commands on their way at a time: a thousand adds take two round trips
ROWS_ARE_PROGRESS: Final = 100  # a small board prints as many in less than a second

_READ_SIZE: Final = 64 * 1024
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
    """All that came back for one command. `refusal` is set when it ended in a trap; `is_done`: nothing more comes."""

    rows: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    ret: str = ""
    refusal: Refused | None = None
    is_done: bool = False


class Wire:
    """Sentences out and in over an open transport; holds no more of a reply than the caps allow."""

    def __init__(self, transport: AsyncSocketTransport, budget: Budget) -> None:
        self._transport = transport
        self._share = Share(budget)
        self._kept = 0
        self._buffer = b""
        self._sentences_left = 0
        self._bytes_left = 0
        self._tag = 0

    @property
    def is_dead(self) -> bool:
        reader, writer = self._transport.reader, self._transport.writer
        return reader.at_eof() or reader.exception() is not None or writer.is_closing()

    async def talk(
        self,
        commands: Sequence[Command],
        replies: Sequence[Reply],
        *,
        tagged: bool = True,
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Send the commands, IN_FLIGHT ahead of the answers, and read until each has its `!done`; fills `replies`.

        Tags tell the replies apart: it is not documented that untagged commands are answered in order. Only the
        login goes without. The caps are for the commands of one call together. `on_progress` is called at each `!done`, and
        every so many rows: a board may take longer over a long table than it may keep silent.
        """
        keep = {key.encode(): key for command in commands for key in (*command.fields, *_REPLY_KEYS)}
        self._sentences_left, self._bytes_left = MAX_SENTENCES + len(commands), MAX_REPLY
        first = self._tag
        self._tag += len(commands)
        asked = [(str(first + at) if tagged else "", command) for at, command in enumerate(commands)]
        waiting: dict[str, Reply] = {}
        sent = 0
        try:
            while True:
                if sent < len(asked) and len(waiting) < IN_FLIGHT:
                    some = slice(sent, sent + IN_FLIGHT - len(waiting))
                    waiting.update(zip((tag for tag, _ in asked[some]), replies[some], strict=True))
                    sent = min(len(asked), some.stop)
                    # One write for all of them: a sentence sent in pieces waits for acknowledgements in between.
                    await self._transport.write(b"".join(command.encoded(tag) for tag, command in asked[some]))
                if not waiting:
                    return
                self._take_what_came(waiting, keep, on_progress)
                if waiting:
                    await self._receive()
        finally:
            self._kept = 0
            self._share.hold(0)

    async def _receive(self) -> None:
        data = await self._transport.reader.read(_READ_SIZE)
        if not data:
            raise ConnectionClosed("Connection unexpectedly closed.")
        self._buffer += data

    def _take_what_came(
        self, waiting: dict[str, Reply], keep: dict[bytes, str], on_progress: Callable[[], None]
    ) -> None:
        at = 0
        while waiting and (found := self._sentence_at(at, keep)):
            begin, (end, kind, tag, words) = at, found
            self._count(end - begin)
            at = end
            if not kind:
                continue
            if kind == "!fatal":
                raise Unreachable(words.get("message", "the router closed the connection"))
            reply = waiting.get(tag)
            if reply is None:
                raise BadReply("an answer to a question we did not ask")
            if kind == "!re":
                reply.rows.append(words)
                self._kept += ROW_COST + WORD_COST * len(words) + end - begin
                if not len(reply.rows) % ROWS_ARE_PROGRESS:
                    on_progress()
                continue
            _note(reply, kind, words)
            if reply.is_done:
                del waiting[tag]
                on_progress()
        self._buffer = self._buffer[at:]
        if len(self._buffer) > self._bytes_left:
            raise BadReply("more bytes than we are willing to hold")
        self._share.hold(self._kept + len(self._buffer))

    def _count(self, size: int) -> None:
        self._sentences_left -= 1
        self._bytes_left -= size
        if self._sentences_left < 0:
            raise BadReply("more rows than we are willing to hold")
        if self._bytes_left < 0:
            raise BadReply("more bytes than we are willing to hold")

    def _sentence_at(self, at: int, keep: dict[bytes, str]) -> tuple[int, str, str, dict[str, str]] | None:
        """Where the sentence that begins at `at` ends, its kind, tag and wanted words; None: not all of it is here.

        What can be judged from its beginning is judged at once. Empty sentences mean nothing (MikroTik manual, API,
        "Sentences"); their kind is "". Every word of every row passes here: nothing is called that need not be.
        """
        buffer, size, kind, tag = self._buffer, len(self._buffer), "", ""
        words: dict[str, str] = {}
        for _ in range(MAX_WORDS + 1):
            if at >= size:
                return None
            start, length = at + 1, buffer[at]
            if length >= 0x80:
                start, length = _long_word(buffer, at)
            at = start + length
            if at > size:
                return None
            if not length:
                return at, kind, tag, words
            if not kind:
                kind = buffer[start:at].decode("utf-8", "replace")
                if kind[0] != "!":
                    raise BadReply("not an answer of the RouterOS API")
            elif buffer[start] == _EQUALS:
                split = buffer.find(b"=", start + 1, at)
                name = keep.get(buffer[start + 1 : split if split > 0 else at])
                if name is not None:
                    words[name] = buffer[split + 1 : at].decode("utf-8", "replace") if split > 0 else ""
            elif buffer.startswith(b".tag=", start, at):
                tag = buffer[start + 5 : at].decode("utf-8", "replace")
            elif kind == "!fatal":
                words["message"] = buffer[start:at].decode("utf-8", "replace")
        raise BadReply("a longer row than we are willing to read")

    def check_certificate(self, pinned: bytes) -> None:
        """Raise WrongCertificate unless the peer showed the pinned certificate."""
        tls: ssl.SSLObject | None = self._transport.writer.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls else None
        if not shown or not hmac.compare_digest(hashlib.sha256(shown).digest(), pinned):
            raise WrongCertificate("the router shows another certificate than the pinned one")

    def tune(self) -> None:
        """Send at once what is written, and let the kernel find out about a peer that vanished while we were silent."""
        peer: socket.socket = self._transport.writer.get_extra_info("socket")
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)

    def abort(self) -> None:
        self._transport.writer.transport.abort()

    async def close(self) -> None:
        await self._transport.close()


_EQUALS: Final = ord("=")


def _long_word(buffer: bytes, at: int) -> tuple[int, int]:
    """Where the word begins whose length takes several bytes at `at`, and that length. Too long: BadReply.

    A length that is not all here yet begins behind the end, whatever it is."""
    start = at + 1 + determine_length(buffer[at : at + 1])
    if start > len(buffer):
        return start, 1
    length = decode_length(buffer[at:start])
    if length > MAX_WORD:
        raise BadReply("more bytes than we are willing to hold")
    return start, length


def _note(reply: Reply, kind: str, words: dict[str, str]) -> None:
    if kind == "!done":
        reply.ret = words.get("ret", "")
        reply.is_done = True
    elif kind == "!trap":
        category = words.get("category", "")
        text = words.get("message", "refused without a reason")
        number = int(category) if len(category) == 1 and category.isdecimal() else None
        reply.refusal = reply.refusal or refusal(text, category=number)  # of several, the first names the cause
    elif kind != "!empty":
        raise BadReply("not an answer of the RouterOS API")
