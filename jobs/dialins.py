"""Making routers equal to their PPPoE subscribers: at once for what changed, and with every complete pass. Safe to repeat."""

import logging

from jobs.doors import Doors
from portal import dialins
from portal.db import atomic
from portal.phones import mask_name
from routeros.apply import observe_dialins
from routeros.client import HotspotRouter
from routeros.dialins import ObservedDialins, plan_dialins
from routeros.reconcile import Brakes

log = logging.getLogger(__name__)

_REFUSED = "somebody else's secret on the router has this name"


async def carry_out(client: HotspotRouter, router_id: int, doors: Doors) -> int | None:
    """Do what changed about a router's subscribers. How many rows were written; None: nothing had changed, and the router
    was not asked. Raises RouterError when it is lost."""
    if not await dialins.is_any_waiting(router_id):
        return None
    return await make_so(client, router_id, None, doors)


async def make_so(
    client: HotspotRouter,
    router_id: int,
    seen: ObservedDialins | None,
    doors: Doors,
    *,
    brakes: Brakes | None = None,
) -> int:
    """Compare with what was `seen` (None: look now), write what differs, note it. Raises RouterError when the router is lost."""
    marked = await dialins.marks(router_id)
    # The wishes are read after the router: whoever came in between is missing there, which is true, never surplus.
    observed = seen or await observe_dialins(client)
    wanted = await dialins.desired(router_id, vault=doors.vault)
    plan = plan_dialins(wanted, observed, brakes=brakes or Brakes())
    results = await client.write_dialins(plan.operations)
    failed = {each.name: each.error.text for each in results if each.error}
    missing_profiles = {name: error for name, error in failed.items() if name in wanted.profiles}
    errors = failed | dict.fromkeys(plan.drift.clashes, _REFUSED)
    for each in wanted.dialins.values():
        if each.profile in missing_profiles:
            errors.setdefault(each.name, missing_profiles[each.profile])
    if plan.held:
        log.error("PPPoE removals held", extra={"router": router_id, "why": plan.held})
    for name, said in errors.items():
        # A router repeats names in what it says.
        told = {"router": router_id, "dialin": name, "said": said.replace(name, mask_name(name))}
        log.warning("router refused a PPPoE customer", extra=told)
    if not observed.complete:
        return 0  # nothing was done
    async with atomic() as tx:
        await dialins.carried_out(
            tx, router_id, marked, errors=errors, is_held=plan.held is not None, now=doors.clock.now()
        )
        await dialins.seen(tx, router_id, observed, now=doors.clock.now())
    return len(plan.operations)
