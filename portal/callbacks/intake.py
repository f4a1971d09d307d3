"""Where callbacks come in: requests that arrive together share one commit; without the database they share one fsync.

A circuit: once the database did not answer in time, messages go to the spool at once, until a look at it in the background
succeeds. So nobody waits for a database that is away. What messages mean is not known here."""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Sequence
from contextvars import Context
from typing import Any

from portal.callbacks.spooled import drain, to_record
from portal.callbacks.store import Kept, Message, keep
from portal.clock import Clock
from portal.db import DB, Tx, atomic
from portal.spool import Spool, SpoolError
from portal.states import note

log = logging.getLogger(__name__)

#: How long a batch may take in the database before it goes to the disk instead.
STORE_WITHIN_S = 0.4
MOST_AT_ONCE = 100
_LOOK_AGAIN_S = 0.25


class Intake:
    """One per web process. `take` answers when the message is safe."""

    def __init__(self, spool: Spool, clock: Clock) -> None:
        self.spool = spool
        #: Why messages could not even be spooled; None when all is well.
        self.trouble: str | None = None
        self._clock = clock
        self._connection: Any = None
        self._waiting: deque[tuple[Message, asyncio.Future[Kept]]] = deque()
        self._lane: asyncio.Task[None] | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._is_away = False
        self._has_spooled = False
        self._refused = 0

    async def take(self, message: Message) -> Kept:
        """Keep a message: in the database, or on the disk until that is back. SpoolError (503): nowhere."""
        future: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, future))
        if self._lane is None or self._lane.done():
            self._lane = _task(self._work())
        return await future

    def recover(self) -> None:
        """Drain what an earlier process left in the spool, in the background; called at the start."""
        self._has_spooled = True
        self._begin_recovery()

    async def close(self) -> None:
        """Finish what is under way. What lies in the spool stays for a worker, or the next start."""
        if self._lane is not None:
            await asyncio.gather(self._lane, return_exceptions=True)
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)
        self._drop_connection()
        self.spool.release()

    async def _work(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            try:
                kept: Sequence[Kept | BaseException] = await self._keep([message for message, _ in batch])
            except BaseException as error:  # whatever it is: somebody waits for each of these
                kept = [error] * len(batch)
                if not isinstance(error, Exception):
                    _answer(batch, kept)
                    raise
            _answer(batch, kept)

    async def _keep(self, messages: Sequence[Message]) -> Sequence[Kept]:
        if not self._is_away:
            try:
                kept = await self._in_database(messages)
            except Exception as error:
                # Away, slow or refusing, whatever it was: these messages exist nowhere else.
                log.warning("callbacks go to the spool", extra={"count": len(messages), "error": repr(error)})
                self._drop_connection()
                self._is_away = True
            else:
                _tell(messages, kept)
                return kept
        return await self._on_disk(messages)

    async def _in_database(self, messages: Sequence[Message]) -> list[Kept]:
        """On a connection of our own: pages that wait for the pool must not hold callbacks up. It is cut off, not cancelled:
        asyncpg would wait for a server that is away to hear of the cancelling."""
        work = asyncio.create_task(self._store(messages))
        done, _ = await asyncio.wait([work], timeout=STORE_WITHIN_S)
        if not done:
            if self._connection is None:
                work.cancel()  # it is still connecting
            self._drop_connection()
            await asyncio.gather(work, return_exceptions=True)
            raise TimeoutError(f"no answer within {STORE_WITHIN_S} s")
        return work.result()

    async def _store(self, messages: Sequence[Message]) -> list[Kept]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await DB.connect()
        async with self._connection.transaction():
            return await keep(Tx(self._connection), messages)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _on_disk(self, messages: Sequence[Message]) -> list[Kept]:
        is_crowded = self.spool.depth().size > self.spool.most_bytes // 2
        outcomes = [_on_disk_as(message, is_crowded=is_crowded) for message in messages]
        taken = [to_record(one) for one, outcome in zip(messages, outcomes, strict=True) if outcome is Kept.SPOOLED]
        try:
            if taken:
                await asyncio.to_thread(self.spool.append, taken)
        except SpoolError as error:
            self.trouble = str(error)
            self._refused += len(taken)
            log.critical("callbacks cannot be kept", extra={"count": len(taken), "error": str(error)})
            raise
        else:
            self.trouble = None
        finally:
            self._has_spooled = True
            self._begin_recovery()
        return outcomes

    def _begin_recovery(self) -> None:
        if self._recovery is None or self._recovery.done():
            self._recovery = _task(self._recover())

    async def _recover(self) -> None:
        """Wait for the database; from then on messages go there again, and what was spooled follows them."""
        told = ""
        while self._has_spooled or self._refused:
            self._has_spooled = False
            try:
                await DB.look()
                self._is_away = False
                await asyncio.to_thread(self.spool.release)
                await drain(self.spool, self._clock)
                await self._tell_refused()
            except Exception as error:
                if told != repr(error):
                    told = repr(error)
                    log.warning("the spool waits for the database", extra={"error": told})
                self._has_spooled = True
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def _tell_refused(self) -> None:
        """The alarm that could not be written while there was no database: messages were answered 503, and may be lost."""
        if count := self._refused:
            data = {"count": count, "why": self.trouble or "the spool could not be written"}
            async with atomic() as tx:
                await note(
                    tx, "callbacks", 0, "callbacks_refused", merchant_id=None, at=self._clock.now(), actor="spool", data=data
                )  # fmt: skip
            self._refused -= count
            self.trouble = None


def _task(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """A task of nobody's: it serves many requests, and has no part in what the first of them has open."""
    return asyncio.create_task(work, context=Context())


def _on_disk_as(message: Message, *, is_crowded: bool) -> Kept:
    """Nobody can tell now whether its name is one of ours, so anybody could fill the disk: half of the room is kept for messages
    from listed addresses."""
    if not message.is_possible:
        return Kept.UNKNOWN
    return Kept.REFUSED if is_crowded and not message.is_trusted else Kept.SPOOLED


def _answer(batch: Sequence[tuple[Message, "asyncio.Future[Kept]"]], kept: Sequence[Kept | BaseException]) -> None:
    for (_, future), outcome in zip(batch, kept, strict=True):
        if future.done():  # whoever waited has gone
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _tell(messages: Sequence[Message], kept: Sequence[Kept]) -> None:
    """One line for a batch; wrong addresses by their number only, or forgers would write our log."""
    counts = {outcome.value: count for outcome in Kept if (count := kept.count(outcome))}
    if Kept.UNKNOWN in kept:
        source = messages[kept.index(Kept.UNKNOWN)].source
        log.warning("callbacks to unknown addresses", extra={**counts, "first_source": source})
    else:
        log.info("callbacks stored", extra=counts)
