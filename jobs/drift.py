"""Looks at how routers differ from what was sold, each hour and when somebody asks; a repair is a complete pass, and a row
that is not ours goes only when a person named it."""

import asyncio
import logging

from jobs.doors import Doors
from jobs.routers import sync_one
from jobs.tally import Tally
from portal import dialins, drift, routers
from portal.drift import Finding, Kind, Target, Wish
from portal.errors import NotFound, Unavailable
from portal.routers import RouterAccess
from portal.routers.forms import PULL
from routeros.apply import observe, observe_dialins
from routeros.errors import RouterError

log = logging.getLogger(__name__)

ACTOR = "job:drift-routers"
#: Whole reads at the same time: each holds a router's tables in memory.
AT_ONCE = 8
#: A repair waits so often for somebody else's pass over the router.
_TRIES, _WAIT_S = 3, 1.0


async def look(router: RouterAccess, doors: Doors) -> list[Finding]:
    """Read a router whole and compare it with what was sold. Raises RouterError when it does not answer, Unavailable when it
    did not show everything: half a read proves nothing."""
    client = await doors.routers.to(router)
    now = doors.clock.now()
    seen = await observe(client)
    if not seen.complete:
        raise Unavailable(drift.INCOMPLETE)
    found = await drift.findings(router.id, seen, vault=doors.vault, now=now)
    if not await dialins.is_any_on(router.id):
        return found
    ppp = await observe_dialins(client)
    if not ppp.complete:
        raise Unavailable(drift.INCOMPLETE)
    return [*found, *await drift.dialin_findings(router.id, ppp, vault=doors.vault)]


async def carry_out(look_id: int, doors: Doors) -> bool:
    """Do one look and keep what came of it. False: it could not be done, and the row says why. Safe to repeat."""
    asked = await drift.under_way(look_id)
    if asked is None:
        return True
    before: list[Finding] = []
    after: list[Finding] = []
    error = ""
    try:
        router = await routers.access_to(asked.router_id, vault=doors.vault)
        if router.way == PULL:
            return True  # it tells by itself, when it asks next
        before = after = await look(router, doors)
        if asked.wish is Wish.REPAIR:
            after = await _repaired(router, doors)
        elif asked.target is not None:
            await _take_off(router, asked.target, before, doors)
            after = await look(router, doors)
    except (RouterError, Unavailable, NotFound) as away:
        error = str(away) or type(away).__name__
    await drift.finish(look_id, before=before, after=after, error=error, now=doors.clock.now())
    return not error


async def _repaired(router: RouterAccess, doors: Doors) -> list[Finding]:
    """Complete passes until nothing of ours differs; a pass of somebody else's may be under way at first."""
    left: list[Finding] = []
    for tries in range(_TRIES):
        if tries:
            await asyncio.sleep(_WAIT_S)
        await sync_one(router.id, doors)
        left = await look(router, doors)
        if not any(finding.is_mendable for finding in left):
            break
    return left


async def _take_off(router: RouterAccess, target: Target, seen: list[Finding], doors: Doors) -> None:
    """Remove the named row, if it is still there and still not ours."""
    if not any((finding.kind, finding.who) == (target.kind, target.who) for finding in seen if not finding.is_mendable):
        return
    client = await doors.routers.to(router)
    if target.kind is Kind.BYPASSED:
        await client.end_bypass(target.who)
    else:
        await client.end_access([target.who])


async def look_around(doors: Doors) -> Tally:
    """Look at every router whose hour is over, and do what the queue lost. One that cannot be looked at does not stop the
    rest."""
    tally, gate = Tally(), asyncio.Semaphore(AT_ONCE)

    async def visit(look_id: int) -> None:
        is_done = False
        async with gate:
            try:
                is_done = await carry_out(look_id, doors)
            except Exception:  # one router's trouble is not the others'
                log.exception("router not looked at", extra={"look": look_id})
        tally.processed += 1
        tally.failed += 0 if is_done else 1

    async with asyncio.TaskGroup() as group:
        for look_id in await drift.due(actor=ACTOR, now=doors.clock.now()):
            group.create_task(visit(look_id))
    return tally
