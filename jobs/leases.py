"""Leases: one reconcile per router at a time, over all processes. Kept alive while the work runs, so that a worker that was
killed holds its router up for seconds, not for as long as the longest work may take."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from jobs.doors import Doors
from portal import routers
from portal.patience import patiently

#: A lease lasts three times as long, so that one late renewal does not lose it.
RENEW_EVERY_S = routers.LEASE.total_seconds() / 3


class LeaseLostError(Exception):
    """We were too slow to renew a lease; somebody else may be at the router now."""


@dataclass(slots=True)
class Lease:
    """A lease we hold; once given back, whether grants changed meanwhile and nobody looked."""

    goes_again: bool = False


@asynccontextmanager
async def leased(router_id: int, doors: Doors) -> AsyncGenerator[Lease | None]:
    """Hold a router's lease; None: somebody else has it. LeaseLostError (in a group) cuts off what runs inside."""
    token = await routers.lease(router_id, now=doors.clock.now())
    if token is None:
        yield None
        return
    lease = Lease()
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(_renew(router_id, token, doors))
        try:
            yield lease
        finally:
            keeper.cancel()
            lease.goes_again = await patiently(lambda: routers.release(router_id, token), within_s=RENEW_EVERY_S)


async def _renew(router_id: int, token: str, doors: Doors) -> None:
    while True:
        await asyncio.sleep(RENEW_EVERY_S)
        if not await routers.renew(router_id, token, now=doors.clock.now()):
            raise LeaseLostError(f"the lease of router {router_id} ran out")
