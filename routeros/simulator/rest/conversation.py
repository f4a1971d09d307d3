"""One HTTP connection to `/rest`: signs its user in for every request, runs the command, writes JSON.

Source: MikroTik manual, REST API (basic auth, 60 s limit, no endless commands); one log line per connection from a
survey of a 7.23 router.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from routeros.simulator import traps
from routeros.simulator.calls import Answer, Call
from routeros.simulator.connection import Router
from routeros.simulator.exchange import Reply, plain_reply
from routeros.simulator.login import admitted, knows, log_account, log_failure
from routeros.simulator.menus.access import Presence, policies_of
from routeros.simulator.proxy.wire import BadMessageError, BodyTooLargeError, DisconnectedError, PhoneLink
from routeros.simulator.rest.requests import (
    PREFIX,
    Known,
    Order,
    RestError,
    Shape,
    parse,
    reply_error,
    reply_json,
    reply_rows,
)
from routeros.simulator.tables import Row

_logger = logging.getLogger(__name__)
_BODY_LIMIT = 1024 * 1024
_VIA = "rest-api"


class Terms(Protocol):
    """What the service says of its connections. `limit_seconds` is how long a command may take, in real seconds."""

    @property
    def limit_seconds(self) -> float: ...
    @property
    def has_rest(self) -> bool: ...


class _GoneError(Exception):
    """The connection is to end without an answer."""


@dataclass(slots=True, eq=False)
class RestConnection:
    """One client. `serve` returns when it is gone."""

    router: Router
    terms: Terms
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    peer: str
    number: int
    user: Row | None = None
    since: datetime | None = None
    _is_mute: bool = field(default=False)

    async def serve(self) -> None:
        """Answer request after request."""
        link = PhoneLink(self.reader, self.writer)
        try:
            while (head := await link.next_request()) is not None:
                body = await link.read_body(_BODY_LIMIT)
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
                reply = await self._answer(head.method.decode(), head.target.decode("latin-1"), headers, body)
                if self._is_mute or self.router.faults.black_hole:
                    continue
                await link.reply(reply)
                if not link.recycle():
                    break
        except BadMessageError:
            await link.refuse(400, "Bad Request")
        except BodyTooLargeError:
            await link.refuse(413, "Content Too Large")
        except _GoneError:
            self.abort()
        except (DisconnectedError, OSError) as gone:
            _logger.debug("rest connection %d ended: %r", self.number, gone)
        finally:
            if self.user is not None:
                log_account(self.router.log, self.user, "logged out", peer=self.peer, via=_VIA)
            self.writer.close()

    def mute(self) -> None:
        """Never answer again, as when packets get lost."""
        self._is_mute = True

    def abort(self) -> None:
        """Cut the connection at once."""
        self.writer.transport.abort()

    def presence(self) -> Presence | None:
        """Say who is logged in."""
        return Presence.of(self.user, self.since, peer=self.peer, number=self.number, via=_VIA)

    async def _answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        path = target.partition("?")[0]
        if not self.terms.has_rest or not (path == PREFIX or path.startswith(f"{PREFIX}/")):
            return plain_reply(404, "Not Found", "404 Not Found")  # WebFig is not modelled
        try:
            user = self._signed_in(headers.get("authorization", ""))
            order = parse(method, target, body, Known(self._menu, self._is_path))
            return await self._obey(order, user)
        except RestError as error:
            return reply_error(error)

    def _signed_in(self, authorization: str) -> Row:
        name, password = _credentials(authorization)
        user = admitted(self.router.tables, name, peer=self.peer, policy=_VIA) if name else None
        if not knows(user, password) or user is None:
            if name:
                log_failure(self.router.log, name, peer=self.peer, via=_VIA)
            raise RestError(401)
        if self.user is not user:
            self.user, self.since = user, self.router.now()
            self.router.meter.logins += 1
            log_account(self.router.log, user, "logged in", peer=self.peer, via=_VIA)
        return user

    def _menu(self, path: str) -> bool | None:
        menu = self.router.dispatcher.menus.get(path)
        return None if menu is None else menu.is_list

    def _is_path(self, path: str) -> bool:
        dispatcher = self.router.dispatcher
        return path in dispatcher.menus or path in dispatcher.schema.menus or dispatcher.accepts(path) is not None

    async def _obey(self, order: Order, user: Row) -> Reply:
        accepted = self.router.dispatcher.accepts(order.command)
        if accepted is None:
            status = 406 if order.shape in {Shape.CREATED, Shape.CHANGED, Shape.GONE} else 400
            raise RestError(status, f"no such command or directory ({order.command.rpartition('/')[2]})")
        if strangers := sorted(order.arguments.keys() - accepted):
            raise RestError(400, f"unknown parameter {strangers[0]}")
        try:
            answer = await self._run(self._call(order, user))
            return await self._shown(order, answer, user)
        except traps.Trap as trap:
            is_missing = trap.message == traps.no_such_item().message
            if is_missing and order.item:
                raise RestError(404) from None
            raise RestError(400, trap.message) from None

    def _call(self, order: Order, user: Row) -> Call:
        policies = policies_of(self.router.tables, user)
        arguments = dict(order.arguments)
        return Call(
            order.command, arguments, order.queries, proplist=order.proplist, user=user.get("name"), policies=policies
        )

    async def _run(self, call: Call) -> Answer:
        """Run one command at the router's pace. An endless one is ended by the limit, as one that takes too long."""
        router = self.router
        await asyncio.sleep(router.faults.delay(call.command))
        try:
            async with asyncio.timeout(self.terms.limit_seconds):
                await router.processor.begin(call)
                router.meter.commands += 1
                router.tick()
                answer = router.dispatcher.run(call)
                answer = await answer.later if answer.later else answer
                if answer.feed is not None:
                    await asyncio.Event().wait()
                rows = list(answer.rows) if answer.rows is not None else None
                await router.processor.finish(rows=len(rows or ()), scanned=answer.scanned)
        except TimeoutError:
            raise RestError(400, "Session closed") from None
        if router.faults.takes_reply(call.command):
            raise _GoneError
        return Answer(rows, answer.ret)

    async def _shown(self, order: Order, answer: Answer, user: Row) -> Reply:
        match order.shape:
            case Shape.GONE:
                return Reply(204, "No Content", (), b"")
            case Shape.CREATED | Shape.CHANGED:
                item = answer.ret or order.item
                row = await self._run(self._call(Order(f"{order.menu}/print", {".id": item}, Shape.ONE), user))
                status = 201 if order.shape is Shape.CREATED else 200
                return reply_json(status, dict(next(iter(row.rows or ()), {})))
            case Shape.ONE:
                return reply_json(200, dict(next(iter(answer.rows or ()), {})))
            case _ if answer.ret is not None:
                return reply_json(200, {"ret": answer.ret})
            case _:
                return reply_rows(answer.rows or ())


def _credentials(header: str) -> tuple[str, bytes]:
    """Name and password of basic authentication; an empty name for anything else."""
    scheme, _, coded = header.partition(" ")
    try:
        name, colon, password = base64.b64decode(coded, validate=True).partition(b":")
    except binascii.Error:
        return "", b""
    return (name.decode("utf-8", "surrogateescape"), password) if scheme.lower() == "basic" and colon else ("", b"")
