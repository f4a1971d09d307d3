"""Making routers equal to their grants: at once for what changed (`reconcile`), and from a full read (`sync`).

One at a time per router, over all processes, by a lease. Safe to repeat: what was done is found done."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from jobs import usage
from jobs.desired import desired_state, desired_user, limit_at_first, profile_of
from jobs.doors import Doors
from jobs.leases import leased
from jobs.tally import Tally
from portal import access_grants, faults, outages, routers, sessions, vouchers
from portal.access_grants import Ending, Grant
from portal.db import atomic
from portal.errors import NotFound
from portal.routers import RouterAccess
from routeros.apply import apply, observe
from routeros.client import HotspotRouter
from routeros.errors import HostUnknown, Refused, RouterError, TooManySessions
from routeros.names import comment_for
from routeros.operations import Drift, EndAccess, Plan, Why
from routeros.reconcile import Observed, plan
from routeros.values import HotspotUser

log = logging.getLogger(__name__)

ACTOR = "job:sync-routers"
#: So many routers are visited at the same time by one sync.
AT_ONCE = 8


async def reconcile(router_id: int, doors: Doors) -> int:
    """Do what is due for one router's grants. Returns how many were handled; 0 when somebody else has the lease."""
    done = 0
    while True:
        async with leased(router_id, doors) as lease:
            if lease is None:
                return done
            done += await _fast(router_id, doors)
        if not lease.goes_again:
            return done


async def _fast(router_id: int, doors: Doors) -> int:
    try:
        router = await routers.access_to(router_id, vault=doors.vault)
    except NotFound:
        return 0
    client = await doors.routers.to(router)
    done = 0
    while endings := await access_grants.endings_due(router_id, now=doors.clock.now()):
        try:
            done += await _end(client, endings, doors)
        except RouterError as error:
            await _away(router, endings, error, doors)
            return done
    while grants := await access_grants.due(router_id, vault=doors.vault, now=doors.clock.now()):
        try:
            for grant in grants:
                done += await _admit(client, grant, doors)
        except RouterError as error:
            await _away(router, grants, error, doors)
            return done
    await routers.caught_up(router_id, router.wanted_generation)
    if done:  # it was spoken to; without that nothing is known of it
        async with atomic() as tx:
            await routers.answered(tx, router_id, now=doors.clock.now())
    return done


async def _end(client: HotspotRouter, endings: Sequence[Ending], doors: Doors) -> int:
    """Take users off, all at once. What the router refuses to take off is noted and tried again; a lost router is raised."""
    applied = await apply(Plan(tuple(EndAccess(ending.user_name, Why.ENDED) for ending in endings)), client)
    gone = [ending.id for ending, outcome in zip(endings, applied.outcomes, strict=True) if outcome.error is None]
    now = doors.clock.now()
    async with atomic() as tx:
        await access_grants.left(tx, gone, now=now, actor=ACTOR)
        for ending, outcome in zip(endings, applied.outcomes, strict=True):
            if isinstance(outcome.error, Refused):
                await access_grants.failed(tx, ending, outcome.error.text, now=now)
    if applied.lost is not None:
        raise applied.lost
    return len(gone)


async def _admit(client: HotspotRouter, grant: Grant, doors: Doors) -> int:
    """Make the user, log the device in, start the clock. Refused: noted on the grant, tried again later."""
    try:
        if grant.status == "wanted":
            await _make_user(client, grant, now=doors.clock.now())
            async with atomic() as tx:
                await access_grants.appeared(tx, [grant.id], now=doors.clock.now(), actor=ACTOR)
            faults.reach("login.user_added")
        if grant.is_login_wanted and grant.mac and grant.ip:
            await _log_in(client, grant)
            faults.reach("login.confirmed")
            await _confirmed(grant, doors)
    except Refused as refusal:
        async with atomic() as tx:
            await access_grants.failed(tx, grant, refusal.text, now=doors.clock.now())
        level = logging.INFO if isinstance(refusal, HostUnknown) else logging.WARNING
        log.log(level, "router refused a grant", extra={"grant": grant.id, "said": refusal.text})
        return 0
    return 1


async def _make_user(client: HotspotRouter, grant: Grant, *, now: datetime) -> None:
    profile = profile_of(grant.terms)
    await client.ensure_user_profile(profile)
    wanted = desired_user(grant, now=now)
    await client.ensure_user(
        HotspotUser(
            name=wanted.name,
            password=wanted.password,
            profile=wanted.profile,
            comment=comment_for(wanted.grant_id),
            limit_uptime=limit_at_first(wanted, grant),
            limit_bytes_total=wanted.limit_bytes_total,
        )
    )


async def _log_in(client: HotspotRouter, grant: Grant) -> None:
    """Log the device in, unless it is in already (an earlier attempt whose answer was lost); the newest device wins."""
    assert grant.ip
    assert grant.mac
    device = {"ip": grant.ip, "mac": grant.mac}
    try:
        await client.log_in(**device, user=grant.user_name, password=grant.password)
    except Refused as refusal:
        active = await client.active([grant.user_name])
        if any((session.mac_address, session.address) == (grant.mac, grant.ip) for session in active):
            return
        if not isinstance(refusal, TooManySessions) or not await client.make_room(grant.user_name, **device):
            raise
        await client.log_in(**device, user=grant.user_name, password=grant.password)


async def _confirmed(grant: Grant, doors: Doors) -> None:
    now = doors.clock.now()
    async with atomic() as tx:
        await access_grants.logged_in(tx, grant.id, now=now)
        if grant.mac and grant.ip:
            await sessions.began(
                tx, grant.id, grant.merchant_id, router_id=grant.router_id, mac=grant.mac, ip=grant.ip, now=now
            )
        await vouchers.start(tx, grant.voucher_id, at=now, actor=ACTOR)
    faults.reach("start.committed")


async def _away(router: RouterAccess, grants: Sequence[Grant | Ending], error: RouterError, doors: Doors) -> None:
    now = doors.clock.now()
    log.warning("router did not answer", extra={"router": router.id, "said": error.text})
    async with atomic() as tx:
        await routers.missed(tx, router, error.text, now=now)
        await outages.began(tx, now=now, router_id=router.id)
        await access_grants.failed_all(tx, grants, error.text, now=now)


async def sync(doors: Doors) -> Tally:
    """Visit every router: read it whole, mend what differs, note the sessions seen."""
    tally = Tally()
    gate = asyncio.Semaphore(AT_ONCE)

    async def visit(router_id: int) -> None:
        is_fine = False
        async with gate:
            try:
                is_fine = await sync_one(router_id, doors)
            except Exception:  # one router's trouble is not the others'
                log.exception("router not synced", extra={"router": router_id})
        tally.processed += 1
        tally.failed += 0 if is_fine else 1

    async with asyncio.TaskGroup() as group:
        for router_id in await routers.to_sync(now=doors.clock.now()):
            group.create_task(visit(router_id))
    return tally


async def sync_one(router_id: int, doors: Doors) -> bool:
    """A complete pass over one router. False: it did not answer, or refused part of the plan."""
    async with leased(router_id, doors) as lease:
        if lease is None:
            return True  # somebody else is at it
        is_fine = await _complete(await routers.access_to(router_id, vault=doors.vault), doors)
    if lease.goes_again or is_fine:
        await reconcile(router_id, doors)
    return is_fine


async def _complete(router: RouterAccess, doors: Doors) -> bool:
    client = await doors.routers.to(router)
    now = doors.clock.now()
    try:
        resource = await client.resource()
        seen = await observe(client)
        await usage.count(router.id, seen, uptime_s=resource.uptime, now=now, actor=ACTOR)
        # The wishes are read after the router: a grant made in between is missing there, which is true, never surplus.
        grants = await access_grants.all_of(router.id, vault=doors.vault)
        wanted = plan(desired_state(grants, now=now), seen)
        applied = await apply(wanted, client)
        if applied.lost is not None:
            raise applied.lost
    except RouterError as error:
        await _away(router, [], error, doors)
        return False
    if not wanted.drift.is_none or wanted.held:
        log.info("router mended", extra={"router": router.id, "held": wanted.held, "drift": _counts(wanted.drift)})
    failed = {outcome.operation.name for outcome in applied.failed}
    await _note(
        router,
        grants,
        seen,
        failed,
        doors,
        board=resource.board_name,
        version=resource.version,
        uptime_s=resource.uptime,
    )
    for outcome in applied.failed:
        log.warning(
            "router refused", extra={"router": router.id, "row": outcome.operation.name, "said": str(outcome.error)}
        )
    return not applied.failed


async def _note(
    router: RouterAccess, grants: Sequence[Grant], seen: Observed, failed: set[str], doors: Doors, **facts: object
) -> None:
    """What became of the grants. A read that was not complete was not acted on: nobody has appeared or left by it."""
    now = doors.clock.now()
    if not seen.complete:
        async with atomic() as tx:
            await routers.answered(tx, router.id, now=now, **facts)
        return
    present = [
        grant.id for grant in grants if grant.status == "wanted" and grant.is_live and grant.user_name not in failed
    ]
    gone = [grant.id for grant in grants if grant.status == "ending" and grant.user_name not in failed]
    async with atomic() as tx:
        await routers.answered(tx, router.id, now=now, reconciled_at=now, **facts)
        await access_grants.appeared(tx, present, now=now, actor=ACTOR)
        await access_grants.left(tx, gone, now=now, actor=ACTOR)


def _counts(drift: Drift) -> dict[str, int]:
    return {
        "missing": len(drift.missing),
        "changed": len(drift.changed),
        "ended": len(drift.ended),
        "surplus": len(drift.surplus),
        "lingering": len(drift.lingering),
    }


async def sweep(doors: Doors) -> None:
    """Reconcile routers that have due grants nobody woke them for, and try again those that are away."""

    async def visit(router_id: int) -> None:
        try:
            if (await routers.access_to(router_id, vault=doors.vault)).tries:
                await sync_one(router_id, doors)
            else:
                await reconcile(router_id, doors)
        except Exception:  # one router's trouble is not the others'
            log.exception("router not visited", extra={"router": router_id})

    async with asyncio.TaskGroup() as group:
        for router_id in await routers.to_wake(now=doors.clock.now()):
            group.create_task(visit(router_id))
