"""Rounds: visits to routers nobody woke us for, each in a task of its own: one that is silent holds up nobody."""

import asyncio
import logging

from jobs.doors import Doors
from jobs.gates import Gate
from jobs.routers import AT_ONCE, reconcile, sync_one
from portal import job_runs, routers
from portal.states import RouterStatus

log = logging.getLogger(__name__)

#: Routers that did not answer last time share so few places, because each may cost its whole timeout.
AWAY_AT_ONCE = 16
_AWAY = (RouterStatus.LATE, RouterStatus.OFFLINE)
#: How long visits under way may take when the worker stops.
_GRACE_S = 2.0


class Rounds:
    """Visits under way in this process, at most one per router. `look` starts what is due and does not wait for it."""

    def __init__(self) -> None:
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._gate = Gate(AT_ONCE)
        self._away_gate = Gate(AWAY_AT_ONCE)

    async def look(self, doors: Doors) -> None:
        """Visit routers that have due grants nobody woke them for, and try again those that are away, unless the job is paused."""
        due = await routers.to_wake(now=doors.clock.now())
        if due and await job_runs.is_paused("sync-routers"):
            return
        for router_id in due:
            if router_id not in self._under_way:
                self._under_way[router_id] = task = asyncio.create_task(self._visit(router_id, doors))
                task.add_done_callback(lambda _, router_id=router_id: self._under_way.pop(router_id))

    async def settle(self) -> None:
        """Wait for the visits under way."""
        await asyncio.gather(*self._under_way.values())

    async def close(self) -> None:
        """Give visits under way a moment, then cut them off; what they did not do is found due again."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(list(self._under_way.values()), timeout=_GRACE_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _visit(self, router_id: int, doors: Doors) -> None:
        try:
            router = await routers.access_to(router_id, vault=doors.vault)
            # Whatever made it so: only a whole visit finds out that a router we call away is back.
            is_away = router.tries > 0 or router.status in _AWAY
            async with (self._away_gate if is_away else self._gate).place():
                await (sync_one if is_away else reconcile)(router_id, doors)
        except Exception:  # one router's trouble is not the others'
            log.exception("router not visited", extra={"router": router_id})
