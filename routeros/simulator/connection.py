"""One API connection: reads sentences, runs commands (tagged ones side by side), writes replies, obeys faults."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from routeros.simulator import hostility, traps
from routeros.simulator.behaviour import Behaviour
from routeros.simulator.calls import Answer, Call, Feed, parse_call
from routeros.simulator.dispatch import Dispatcher
from routeros.simulator.faults import Faults
from routeros.simulator.inbox import Inbox, Meter
from routeros.simulator.latency import Latency, Processor
from routeros.simulator.log import RouterLog
from routeros.simulator.login import ApiLogin, log_account, log_failure
from routeros.simulator.menus.access import Presence, policies_of
from routeros.simulator.tables import Row, Tables
from routeros.simulator.wire import SentenceReader, WireError, encode_row, encode_sentence

_logger = logging.getLogger(__name__)
_BEFORE_LOGIN = (16, 4096)
_AFTER_LOGIN = (1024, 16 * 1024 * 1024)
_ROWS_AT_ONCE = 200
_MAX_WAITING = 1000


class Router(Protocol):
    """What a connection needs of its router."""

    @property
    def tables(self) -> Tables: ...
    @property
    def behaviour(self) -> Behaviour: ...
    @property
    def faults(self) -> Faults: ...
    @property
    def log(self) -> RouterLog: ...
    @property
    def dispatcher(self) -> Dispatcher: ...
    @property
    def latency(self) -> Latency: ...
    @property
    def processor(self) -> Processor: ...
    @property
    def meter(self) -> Meter: ...
    @property
    def has_empty_reply(self) -> bool: ...

    def tick(self) -> None:
        """Apply what time did."""
        ...

    def now(self) -> datetime:
        """Return the router's wall clock."""
        ...


class _CutError(Exception):
    """The connection is to end now."""


@dataclass(slots=True, eq=False)
class Connection:
    """One client. `serve` returns when it is gone; `abort` cuts it without a word, as a dead link does.

    Reply words, tags, cancel: MikroTik manual, API.
    """

    router: Router
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    peer: str
    number: int
    user: Row | None = None
    since: datetime | None = None
    _login: ApiLogin = field(init=False)
    _running: dict[asyncio.Task[None], str | None] = field(default_factory=dict)
    _queue: asyncio.Queue[Call] = field(default_factory=lambda: asyncio.Queue(_MAX_WAITING))
    _answered: int = 0
    _is_mute: bool = False
    #: Where replies go instead of the wire, while somebody else decides what becomes of them.
    _held_back: list[bytes] | None = None
    _is_closing: bool = False

    def __post_init__(self) -> None:
        self._login = ApiLogin(self.router.tables, self.peer, is_legacy=self.router.behaviour.has_legacy_login)

    async def serve(self) -> None:
        """Answer until the client leaves or breaks the protocol."""
        worker = asyncio.create_task(self._work())
        try:
            await self._read()
        except (_CutError, WireError, OSError) as reason:
            _logger.debug("api connection %d ended: %s", self.number, type(reason).__name__)
        finally:
            self._is_closing = True
            tasks = (worker, *self._running)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.user is not None:
                log_account(self.router.log, self.user, "logged out", peer=self.peer)
            self.writer.close()

    def mute(self) -> None:
        """Never answer again and act on nothing more, as when packets get lost."""
        self._is_mute = True

    def abort(self) -> None:
        """Cut the connection at once."""
        self.writer.transport.abort()

    def presence(self) -> Presence | None:
        """Say who is logged in."""
        return Presence.of(self.user, self.since, peer=self.peer, number=self.number)

    async def _read(self) -> None:
        sentences = SentenceReader(*_BEFORE_LOGIN)
        inbox = Inbox(self.reader, self.router.latency, self.router.meter)
        async with contextlib.aclosing(inbox.pieces()) as pieces:
            async for data in pieces:
                if self.router.faults.black_hole or self._is_mute:
                    continue
                for sentence in sentences.cut(data):
                    await self._take(sentence)
                    if self.user is not None:
                        sentences.max_words, sentences.max_bytes = _AFTER_LOGIN
                inbox.is_midway = sentences.is_midway

    async def _take(self, sentence: list[str]) -> None:
        user, behaviour = self.user, self.router.behaviour
        policies = policies_of(self.router.tables, user) if user else frozenset[str]()
        call = parse_call(sentence, user=user.get("name") if user else "", policies=policies)
        if call.command == "/quit":
            await self._end_with("session terminated on request")
        elif call.command == "/login":
            if self.router.faults.turns_hostile(call.command):
                self._spawn(call)  # it may never end, and the client's leaving must be noticed
            else:
                await self._execute(call)
        elif user is None:
            if behaviour.before_login == "fatal":
                await self._end_with("not logged in")
            self._trap(traps.Trap("not logged in"), call)
            self._reply("!done", {}, call)
        elif call.command == "/cancel":
            await self._cancel(call)
        elif call.tag is None and behaviour.is_untagged_ordered:
            await self._queue.put(call)
        else:
            self._spawn(call)

    def _spawn(self, call: Call) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guard(call))
        self._running[task] = call.tag
        task.add_done_callback(lambda done: self._running.pop(done, None))
        return task

    async def _work(self) -> None:
        """Run untagged commands one after the other; an endless one does not hold up the rest."""
        while True:
            call = await self._queue.get()
            task = self._spawn(call)
            if call.verb != "listen" and not {"follow", "follow-only"} & call.arguments.keys():
                await asyncio.wait([task])

    async def _guard(self, call: Call) -> None:
        """Run one command in a task of its own; whatever breaks it ends the connection, never the server."""
        try:
            await self._execute(call)
        except asyncio.CancelledError:
            if self._is_closing:
                raise
            self._trap(traps.interrupted(), call)
            self._reply("!done", {}, call)
        except (_CutError, OSError):
            self.abort()
        except Exception:
            _logger.exception("simulator failed on %s", call.command)
            self.abort()

    async def _execute(self, call: Call) -> None:
        faults = self.router.faults
        if (wait := faults.delay(call.command)) > 0:
            await asyncio.sleep(wait)
        await self.router.processor.begin(call)
        self.router.meter.commands += 1
        self.router.tick()
        try:
            answer = self._log_in(call) if call.command == "/login" else self.router.dispatcher.run(call)
            answer = await answer.later if answer.later else answer
        except traps.Trap as trap:
            answer = trap
        if faults.takes_reply(call.command):
            raise _CutError
        if faults.turns_hostile(call.command):
            await self._hand_over(answer, call)
        await self._reply_with(answer, call)
        await self.writer.drain()
        self._answered += 1
        if faults.drop_after_commands is not None and self._answered >= faults.drop_after_commands:
            raise _CutError

    async def _reply_with(self, answer: Answer | traps.Trap, call: Call) -> None:
        if isinstance(answer, traps.Trap):
            self._trap(answer, call)
            self._reply("!done", {}, call)
        else:
            await self._answer(answer, call)

    async def _hand_over(self, answer: Answer | traps.Trap, call: Call) -> None:
        faults = self.router.faults
        self._held_back = []
        await self._reply_with(answer, call)
        held, drip = b"".join(self._held_back), faults.drip_seconds
        await hostility.take_over(faults.hostile, self.writer, held, tag=call.tag, drip_seconds=drip)
        raise _CutError

    async def _answer(self, answer: Answer, call: Call) -> None:
        rows = list(answer.rows) if answer.rows is not None else []
        await self.router.processor.finish(rows=len(rows), scanned=answer.scanned)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            chunk = rows[start : start + _ROWS_AT_ONCE]
            self._write(b"".join([encode_row("!re", row, call.tag) for row in chunk]), call)
            await self.writer.drain()
            if start + _ROWS_AT_ONCE < len(rows):
                await asyncio.sleep(0)  # let the other tagged commands have their turn
        if answer.feed is not None:
            await self._stream(answer.feed, call)
        if answer.rows is not None and not rows and self.router.has_empty_reply:
            self._reply("!empty", {}, call)
        self._reply("!done", {} if answer.ret is None else {"ret": answer.ret}, call)

    async def _stream(self, feed: Feed, call: Call) -> None:
        """Send what the feed tells until the command is cancelled."""
        rows: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()
        stop = feed.start(rows.put_nowait)
        try:
            while True:
                self._reply("!re", await rows.get(), call)
                await self.writer.drain()
        finally:
            stop()

    async def _cancel(self, call: Call) -> None:
        await asyncio.sleep(0)  # a command sent in the same breath has begun by then and can be interrupted
        tag = call.arguments.get("tag")
        victims = [task for task, its in self._running.items() if tag is None or its == tag]
        for task in victims:
            task.cancel()
        if victims:
            await asyncio.wait(victims)
        self._reply("!done", {}, call)
        await self.writer.drain()

    def _log_in(self, call: Call) -> Answer:
        try:
            user = self._login.attempt(call)
        except traps.Trap:
            log_failure(self.router.log, call.arguments.get("name", ""), peer=self.peer)
            raise
        if isinstance(user, str):
            return Answer(ret=user)
        self.user, self.since = user, self.router.now()
        self.router.meter.logins += 1
        log_account(self.router.log, user, "logged in", peer=self.peer)
        return Answer()

    async def _end_with(self, words: str) -> None:
        self._write(encode_sentence(["!fatal", words]), None)
        await self.writer.drain()
        raise _CutError

    def _trap(self, trap: traps.Trap, call: Call) -> None:
        category = {} if trap.category is None else {"category": str(trap.category)}
        self._reply("!trap", {**category, "message": trap.message}, call)

    def _reply(self, kind: str, attributes: Mapping[str, str], call: Call) -> None:
        self._write(encode_row(kind, attributes, call.tag), call)

    def _write(self, data: bytes, call: Call | None) -> None:
        faults = self.router.faults
        if self._held_back is not None:
            self._held_back.append(data)
            return
        if self._is_mute or faults.black_hole or self.writer.is_closing():
            return
        if call is not None and faults.stall_mid_sentence and faults.touches(call.command):
            self._is_mute = True
            data = data[: max(1, min(len(data) // 2, 64))]
        self.router.meter.bytes_out += len(data)
        self.writer.write(data)
