"""Scripts that run, as coroutines that wait for virtual time or for the injected fetcher; nothing else suspends them.

A job is stepped by the router's tick, so that a script without waits is done at once and needs no event loop.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pause:
    """Await it to wait that many virtual seconds."""

    seconds: float

    def __await__(self) -> Generator[Pause, None, None]:
        yield self


@dataclass(frozen=True, slots=True)
class Outside(Generic[T]):
    """Await it to get the result of something that needs an event loop."""

    awaitable: Awaitable[T]

    def __await__(self) -> Generator[Outside[T], T, T]:
        return (yield self)


async def settled(value: T | Awaitable[T]) -> T:
    """Return a value that may have to be awaited first."""
    if inspect.isawaitable(value):
        return await Outside(cast("Awaitable[T]", value))
    return value


@dataclass(eq=False, slots=True)
class Job(Generic[T]):
    """One running script. `done` hears of its result or of the exception it ended with."""

    coroutine: Coroutine[Any, Any, T]
    now: Callable[[], datetime]
    done: Callable[[T | None, BaseException | None], None]
    name: str = ""
    id: str = ""
    started_at: datetime | None = None
    wakes_at: datetime | None = None
    is_over: bool = False
    _future: asyncio.Future[Any] | None = field(default=None)

    def step(self, value: object = None, error: BaseException | None = None) -> None:
        """Go on until the job waits or ends. An exception of the script goes to `done`."""
        self.wakes_at = None
        try:
            request = self.coroutine.throw(error) if error is not None else self.coroutine.send(value)
        except StopIteration as end:
            self._end(end.value, None)
        except Exception as reason:
            self._end(None, reason)
        else:
            self._wait(request)

    def wake(self) -> None:
        """Go on if its time has come."""
        if not self.is_over and self.wakes_at is not None and self.now() >= self.wakes_at:
            self.step()

    def cancel(self) -> None:
        """End the job where it is, without telling anybody but `done`."""
        if self.is_over:
            return
        if self._future is not None:
            self._future.cancel()
        self.coroutine.close()
        self._end(None, asyncio.CancelledError())

    def _wait(self, request: object) -> None:
        if isinstance(request, Pause):
            self.wakes_at = self.now() + timedelta(seconds=request.seconds)
            return
        assert isinstance(request, Outside)
        self._future = asyncio.ensure_future(request.awaitable)
        self._future.add_done_callback(self._resume)

    def _resume(self, future: asyncio.Future[Any]) -> None:
        self._future = None
        if self.is_over or future.cancelled():
            return
        error = future.exception()
        self.step(None if error else future.result(), error)

    def _end(self, result: T | None, error: BaseException | None) -> None:
        self.is_over = True
        self.done(result, error)


def finish(coroutine: Coroutine[Any, Any, T], sleep: Callable[[float], None]) -> T:
    """Run a coroutine to its end now; `sleep` passes the virtual time it waits for.

    Raises RuntimeError when it needs an event loop: an asynchronous fetcher is for jobs only.
    """
    while True:
        try:
            request = coroutine.send(None)
        except StopIteration as end:
            return cast("T", end.value)
        if not isinstance(request, Pause):
            if isinstance(request, Outside) and inspect.iscoroutine(request.awaitable):
                request.awaitable.close()
            coroutine.close()
            raise RuntimeError("an asynchronous fetcher needs run_live, not run")  # noqa: TRY004
        try:
            sleep(request.seconds)
        except BaseException:
            coroutine.close()
            raise
