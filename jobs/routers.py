"""Making routers equal to their grants: at once for what changed (`reconcile`), and from a full read (`sync`).

One at a time per router, over all processes, by a lease. Safe to repeat: what was done is found done."""

import asyncio
import logging
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from jobs import dialins as dialins_job
from jobs.admission import ACTOR, admit
from jobs.doors import Doors
from jobs.gates import Gate
from jobs.leases import leased
from jobs.tally import Tally
from portal import access_grants, dialins, meters, outages, readings, routers
from portal.access_grants import Ending, Grant
from portal.db import atomic
from portal.desired import desired_state
from portal.errors import NotFound
from portal.routers import RouterAccess
from routeros.apply import Survey, apply, survey
from routeros.client import HotspotRouter
from routeros.dialins import ObservedDialins
from routeros.errors import BadReply, Refused, RouterError
from routeros.operations import Drift, EndAccess, Plan, Why
from routeros.reconcile import Brakes, plan

log = logging.getLogger(__name__)

#: So many routers are visited at the same time by one sync, and more where some are silent.
AT_ONCE = 32
#: So many devices are let in by one flight: on a slow board each costs a tenth of a second.
ADMITTED_AT_ONCE = 32
#: No brakes: a person said so.
RELEASED = Brakes(max_share=1.0, max_count=sys.maxsize)


async def reconcile(router_id: int, doors: Doors) -> int:
    """Do what is due for one router's grants. Returns how many were handled; 0 when somebody else has the lease."""
    done = 0
    while True:
        async with leased(router_id, doors) as lease:
            if lease is None:
                return done
            visit = await _fast(router_id, doors)
            done += visit.done
            if visit.came_back is not None:  # a lot may have changed meanwhile, on both sides
                await _complete(visit.came_back, doors)
        if not lease.goes_again:
            return done


class Visit(NamedTuple):
    """How many grants were handled; and the router, if it had been away and answered now."""

    done: int = 0
    came_back: RouterAccess | None = None


async def _fast(router_id: int, doors: Doors) -> Visit:
    try:
        router = await routers.access_to(router_id, vault=doors.vault)
    except NotFound:
        return Visit()
    began, client = time.perf_counter(), await doors.routers.to(router)
    done, has_answered = 0, False
    for work in (_end_due, _admit_due, _dial_ins_due):
        try:
            handled = await work(client, router_id, doors)
        except _LostError as lost:
            await _away(router, lost.left, lost.error, doors)
            return Visit(done + lost.done)
        done += handled or 0
        has_answered = has_answered or handled is not None
    async with atomic() as tx:
        await routers.caught_up(tx, router_id, router.wanted_generation)
        if has_answered:  # without that nothing is known of it
            await routers.answered(tx, router_id, now=doors.clock.now())
    if has_answered:
        meters.add(meters.RECONCILE, time.perf_counter() - began, "changes")
    return Visit(done, router if has_answered and router.tries else None)


class _LostError(Exception):
    """The router was lost over this work: what is done, what is left."""

    def __init__(self, error: RouterError, left: Sequence[Grant | Ending], done: int) -> None:
        super().__init__(error.text)
        self.error, self.left, self.done = error, left, done


async def _end_due(client: HotspotRouter, router_id: int, doors: Doors) -> int | None:
    """Take off whoever is to leave now. How many left; None: nobody was to."""
    done = None
    while endings := await access_grants.endings_due(router_id, now=doors.clock.now()):
        try:
            done = (done or 0) + await _end(client, endings, doors)
        except RouterError as error:
            raise _LostError(error, endings, done or 0) from error
        if len(endings) < access_grants.ENDINGS_AT_ONCE:  # whoever is due since then has raised the generation
            break
    return done


async def _admit_due(client: HotspotRouter, router_id: int, doors: Doors) -> int | None:
    """Let in whoever waits, some at a time, so that the first need not wait for the last. How many; None: nobody waited."""
    done = None
    while grants := await access_grants.due(
        router_id, vault=doors.vault, now=doors.clock.now(), limit=ADMITTED_AT_ONCE
    ):
        admitted = await admit(client, grants, doors)
        done = (done or 0) + admitted.done
        if admitted.lost:
            raise _LostError(admitted.lost, admitted.left, done) from admitted.lost
        if len(grants) < ADMITTED_AT_ONCE:
            break
    return done


async def _dial_ins_due(client: HotspotRouter, router_id: int, doors: Doors) -> int | None:
    """Make so what changed about PPPoE customers. How many rows were written; None: nothing had changed."""
    try:
        return await dialins_job.carry_out(client, router_id, doors)
    except Refused as refusal:  # it shows no PPP menus: the next complete pass asks again
        log.warning("router refused its PPP menus", extra={"router": router_id, "said": refusal.text})
        return 0
    except RouterError as error:
        raise _LostError(error, [], 0) from error


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


async def _away(router: RouterAccess, grants: Sequence[Grant | Ending], error: RouterError, doors: Doors) -> None:
    now = doors.clock.now()
    log.warning("router did not answer", extra={"router": router.id, "said": error.text})
    async with atomic() as tx:
        is_no_hiccup = error.permanent or isinstance(error, BadReply)
        await routers.missed(tx, router, error.text, is_no_hiccup=is_no_hiccup, now=now)
        await outages.began(tx, now=now, router_id=router.id)
        await access_grants.failed_all(tx, grants, error.text, now=now)


async def sync(doors: Doors) -> Tally:
    """Visit every router: read it whole, mend what differs, note the sessions seen."""
    tally = Tally()
    gate = Gate(AT_ONCE)

    async def visit(router_id: int) -> None:
        is_fine = False
        async with gate.place():
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
    if lease.goes_again or (is_fine and await access_grants.is_any_due(router_id, now=doors.clock.now())):
        await reconcile(router_id, doors)
    return is_fine


async def _complete(router: RouterAccess, doors: Doors) -> bool:
    client = await doors.routers.to(router)
    began, now = time.perf_counter(), doors.clock.now()
    try:
        read = await survey(client, with_dialins=await dialins.is_any_on(router.id))
        seen, skew_s = read.observed, _skew_s(read, now=doors.clock.now())
        await readings.count(router.id, seen, uptime_s=read.resource.uptime, now=now, actor=ACTOR)
        # The wishes are read after the router: a grant made in between is missing there, which is true, never surplus.
        grants = await access_grants.all_of(router.id, vault=doors.vault)
        is_released = await routers.are_brakes_released(router.id, now=now)
        wanted = plan(desired_state(grants, now=now), seen, brakes=RELEASED if is_released else Brakes())
        applied = await apply(wanted, client)
        if applied.lost is not None:
            raise applied.lost
        if read.dialins is not None:
            await _complete_dialins(client, router.id, read.dialins, doors, is_released=is_released)
    except RouterError as error:
        await _away(router, [], error, doors)
        return False
    if not wanted.drift.is_none or wanted.held:
        log.info("router mended", extra={"router": router.id, "held": wanted.held, "drift": _counts(wanted.drift)})
    failed = {outcome.operation.name for outcome in applied.failed} | set(wanted.drift.clashes)
    await _note(router, grants, read, doors, wanted=wanted, failed=failed, skew_s=skew_s)
    meters.add(meters.RECONCILE, time.perf_counter() - began, "whole")
    for outcome in applied.failed:
        log.warning(
            "router refused", extra={"router": router.id, "row": outcome.operation.name, "said": str(outcome.error)}
        )
    return not applied.failed


def _skew_s(read: Survey, *, now: datetime) -> int | None:
    """How far a router's clock is ahead of ours; it shows whole seconds."""
    return None if read.clock_at is None else round((read.clock_at - now).total_seconds())


async def _complete_dialins(
    client: HotspotRouter, router_id: int, seen: ObservedDialins, doors: Doors, *, is_released: bool
) -> None:
    try:
        await dialins_job.make_so(client, router_id, seen, doors, brakes=RELEASED if is_released else None)
    except Refused as refusal:  # the hotspot's part of the pass stands
        log.warning("router refused its PPP menus", extra={"router": router_id, "said": refusal.text})


async def _note(
    router: RouterAccess,
    grants: Sequence[Grant],
    read: Survey,
    doors: Doors,
    *,
    wanted: Plan,
    failed: set[str],
    skew_s: int | None,
) -> None:
    """What became of the grants, and the board. A read that was not complete was not acted on: nobody has appeared or
    left by it."""
    now, resource = doors.clock.now(), read.resource
    is_alarm = False
    async with atomic() as tx:
        board = await routers.note_board(
            tx, router, read.serial, resource.uptime, missing=len(wanted.drift.missing), now=now, actor=ACTOR
        )
        facts: dict[str, object] = {
            "board": resource.board_name,
            "version": resource.version,
            "serial": read.serial or router.serial,
            "uptime_s": resource.uptime,
            "clock_skew_s": skew_s,
        }
        if not read.observed.complete:
            await routers.answered(tx, router.id, now=now, **facts)
            return
        await routers.answered(tx, router.id, now=now, reconciled_at=now, **facts)
        done = [grant for grant in grants if grant.user_name not in failed]
        present = [grant.id for grant in done if grant.status == "wanted" and grant.is_live]
        await access_grants.appeared(tx, present, now=now, actor=ACTOR)
        gone = [grant.id for grant in done if grant.status == "ending"]
        await access_grants.left(tx, gone, now=now, actor=ACTOR)
        if wanted.held:
            is_alarm = await routers.hold_brakes(tx, router, wanted.held, now=now, actor=ACTOR)
    if is_alarm:
        log.error("removals held", extra={"router": router.id, "why": wanted.held})
    if board:
        log.warning("another board or a restart", extra={"router": router.id, "what": board})


def _counts(drift: Drift) -> dict[str, int]:
    return {
        "missing": len(drift.missing),
        "changed": len(drift.changed),
        "ended": len(drift.ended),
        "surplus": len(drift.surplus),
        "lingering": len(drift.lingering),
    }
