"""Messages going out: each gateway has a task of its own, so one that is slow or away holds up nobody else's.

The look starts what is due every second; the job does the same to the end, and is the net under it."""

import asyncio
import logging

from jobs.doors import Doors
from jobs.tally import Tally
from portal import job_runs
from portal.messages import claiming, people, reports, sending

log = logging.getLogger(__name__)

#: Rounds of one gateway in one turn; the next look goes on.
_ROUNDS = 20
#: How long sends under way may take when the worker stops.
_GRACE_S = 2.0


class Posting:
    """Gateways being sent by in this process, at most once each. `look` starts what is due and does not wait for it."""

    def __init__(self) -> None:
        self._under_way: dict[int, asyncio.Task[Tally]] = {}

    async def look(self, doors: Doors) -> None:
        """Split, sweep, hear reports, and start what is due, unless the job is paused."""
        await _prepare(doors)
        if await job_runs.is_paused("send-messages"):
            return
        for gateway_id in await claiming.gateways_waited_for(now=doors.clock.now()):
            if gateway_id not in self._under_way:
                self._under_way[gateway_id] = task = asyncio.create_task(_send_by(gateway_id, doors))
                task.add_done_callback(lambda done, gateway_id=gateway_id: self._ended(gateway_id, done))

    def _ended(self, gateway_id: int, done: "asyncio.Task[Tally]") -> None:
        del self._under_way[gateway_id]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("messages not sent", extra={"gateway": gateway_id}, exc_info=error)

    async def close(self) -> None:
        """Give sends under way a moment, then cut them off: their leases run out, and they are unknown."""
        if not self._under_way:
            return
        tasks = list(self._under_way.values())
        _, late = await asyncio.wait(tasks, timeout=_GRACE_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def run(doors: Doors) -> Tally:
    """Everything that is due, by all gateways at once."""
    tally = Tally()
    tally.processed, tally.failed = await _prepare(doors)
    gateways = await claiming.gateways_waited_for(now=doors.clock.now())
    for one in await asyncio.gather(*(_send_by(gateway_id, doors) for gateway_id in gateways)):
        tally.processed += one.processed
        tally.failed += one.failed
    return tally


async def _prepare(doors: Doors) -> tuple[int, int]:
    now = doors.clock.now()
    moved = await claiming.sweep(now=now)
    moved += await people.split_due(now=now)
    handled, failed = await reports.handle_waiting(now=now)
    return moved + handled, failed


async def _send_by(gateway_id: int, doors: Doors) -> Tally:
    tally = Tally()
    for _ in range(_ROUNDS):
        claimed = await claiming.claim(gateway_id, now=doors.clock.now())
        if not claimed:
            break
        said = await asyncio.gather(
            *(sending.send(row, doors.gateways, vault=doors.vault, clock=doors.clock) for row in claimed),
            return_exceptions=True,
        )
        for one in said:
            if isinstance(one, BaseException):
                log.error("message not sent", extra={"gateway": gateway_id}, exc_info=one)
            tally.processed += one in ("sent", "unknown")
            tally.failed += one not in ("sent", "unknown", "waiting")
        if not any(one == "sent" for one in said):
            break
    return tally
