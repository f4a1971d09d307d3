"""Dead-man's switches: tells a watcher outside when a job starts, ends and fails, so that our silence is noticed where we are
not (healthchecks.io's addresses: `…/start`, `…`, `…/fail`). Never holds a job up and never fails one."""

import asyncio
import logging
import time
from collections.abc import Mapping

import httpx

log = logging.getLogger(__name__)

_PATIENCE_S = 5.0
_TRIES = 2
#: Jobs that run every few seconds are told of once a minute: watchers count in minutes, and refuse more than five a minute.
_AT_MOST_EVERY_S = 55.0
_MOST_UNDER_WAY = 50
_MOST_TEXT = 10_000


class Pings:
    """Where to tell: an address per job, or `base`/job name for all others; "" leaves those out."""

    def __init__(self, http: httpx.AsyncClient, *, base: str = "", addresses: Mapping[str, str] | None = None) -> None:
        self._http = http
        self._base = base.rstrip("/")
        self._addresses = {job: address.rstrip("/") for job, address in (addresses or {}).items()}
        self._told_at: dict[str, float] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def started(self, job: str) -> None:
        """A run begins."""
        self._tell(job, "/start", "")

    def ended(self, job: str, *, is_done: bool, error: str | None = None) -> None:
        """A run ended well, or did not; why is sent along."""
        self._tell(job, "" if is_done else "/fail", error or "")

    async def close(self) -> None:
        """Give what is under way a moment, then drop it."""
        if self._under_way:
            _, late = await asyncio.wait(list(self._under_way), timeout=1.0)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _tell(self, job: str, what: str, text: str) -> None:
        address = self._addresses.get(job) or (f"{self._base}/{job}" if self._base else "")
        if not address or len(self._under_way) >= _MOST_UNDER_WAY or not self._is_due(job, what):
            return
        task = asyncio.create_task(self._post(job, address + what, text))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _is_due(self, job: str, what: str) -> bool:
        """Failures always, and the next good end after one; anything else once a minute."""
        now = time.monotonic()
        if what == "/fail":
            self._told_at.pop(job, None)
            return True
        last = self._told_at.get(job + what)
        if last is not None and now - last < _AT_MOST_EVERY_S:
            return False
        self._told_at[job + what] = now
        return True

    async def _post(self, job: str, address: str, text: str) -> None:
        for tries in range(1, _TRIES + 1):
            try:
                answer = await self._http.post(address, content=text[:_MOST_TEXT].encode(), timeout=_PATIENCE_S)
                answer.raise_for_status()
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                # The address is a secret of its own: who knows it may tell in our name.
                log.warning("ping not delivered", extra={"job": job, "try": tries, "error": type(error).__name__})
            else:
                return
