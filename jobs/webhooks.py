"""Telling merchants' programs: each address has a task of its own, so one that is slow or dead delays no other, and nobody's sale.

The look starts what is due every second; the job does the same to the end, and is the net under it."""

import asyncio
import logging

from jobs.doors import Doors
from jobs.tally import Tally
from portal import job_runs
from portal.webhooks import endpoints, outbox
from portal.webhooks.sending import send_due

log = logging.getLogger(__name__)

NAME = "send-webhooks"
#: Rounds of one address in one turn, and addresses told at the same time; the next look goes on.
_ROUNDS, _AT_ONCE = 50, 50
#: How long sends under way may take when the worker stops.
_GRACE_S = 2.0


class Telling:
    """Addresses being told by this process, at most once each. `look` starts what is due and does not wait for it."""

    def __init__(self) -> None:
        self._under_way: dict[int, asyncio.Task[Tally]] = {}

    async def look(self, doors: Doors) -> None:
        """Start what is due, unless the job is paused."""
        due = [each for each in await outbox.waited_for(now=doors.clock.now()) if each not in self._under_way]
        if not due or await job_runs.is_paused(NAME):
            return
        for endpoint_id in due[: _AT_ONCE - len(self._under_way)]:
            self._under_way[endpoint_id] = task = asyncio.create_task(_tell(endpoint_id, doors))
            task.add_done_callback(lambda done, endpoint_id=endpoint_id: self._ended(endpoint_id, done))

    def _ended(self, endpoint_id: int, done: "asyncio.Task[Tally]") -> None:
        del self._under_way[endpoint_id]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("webhooks not sent", extra={"endpoint": endpoint_id}, exc_info=error)

    async def close(self) -> None:
        """Give sends under way a moment, then cut them off: their leases run out, and they go again."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(list(self._under_way.values()), timeout=_GRACE_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def run(doors: Doors) -> Tally:
    """Take up what the dead left, then tell every address what is due."""
    tally = Tally()
    await endpoints.freshen()
    tally.processed = await outbox.sweep(now=doors.clock.now())
    due = await outbox.waited_for(now=doors.clock.now())
    for one in await asyncio.gather(*(_tell(endpoint_id, doors) for endpoint_id in due[:_AT_ONCE])):
        tally.processed += one.processed
        tally.failed += one.failed
    return tally


async def _tell(endpoint_id: int, doors: Doors) -> Tally:
    tally = Tally()
    for _ in range(_ROUNDS):
        said = await send_due(endpoint_id, doors.webhooks, vault=doors.vault, clock=doors.clock)
        tally.processed += sum(one in ("sent", "nothing") for one in said)
        tally.failed += sum(one not in ("sent", "nothing") for one in said)
        if not said or tally.failed:
            break
    return tally
