"""Answering a router that asks: is it ours, is its question new, what has it done, what shall it do next.

One question at a time per router, by the same lease every reconcile holds. Nothing here waits for anything but the database.
"""

import logging
from datetime import datetime, timedelta

from portal import drift, limits, meters, readings, routers
from portal.config import Settings
from portal.db import atomic
from portal.errors import NotFound, TooMany
from portal.pulls import checkups, conversation, pages, strangers, work
from portal.pulls.conversation import Talk, Visit
from portal.pulls.heard import ACTOR, begin_read, take_in
from portal.routers import RouterAccess, pull_keys
from portal.vault import Vault
from routeros.operations import Plan
from routeros.script.pull import build_work, parse_report
from routeros.script.pull_values import PullJob, PullReport, PullWork
from routeros.script.values import Variant

log = logging.getLogger(__name__)

#: How often a router is read whole, as often as those we dial; but not more often than every fourth question, because whoever
#: has it ask seldom has a line that costs.
READ_EVERY, READ_EVERY_QUESTIONS = timedelta(seconds=60), 4
#: What was seen is too old to act on after this; then it is read again.
ACT_WITHIN = timedelta(seconds=150)
#: Questions of one router: forty come in a run, four runs in a minute.
MOST_QUESTIONS = (240, 60)


async def answer(body: bytes, *, vault: Vault, settings: Settings, now: datetime) -> bytes:
    """The work for a router's question, as bytes in the variant it was asked in. NotFound for everything that is no question of
    a router of ours, whatever is wrong with it; TooMany for one that asks without end."""
    variant = Variant.JSON if body[:1] == b"{" else Variant.PLAIN
    try:
        report = parse_report(body, variant)
    except ValueError as error:
        raise NotFound from error
    caller = await pull_keys.caller(report.site, report.secret, vault=vault)
    most, window_s = MOST_QUESTIONS
    if not await limits.hit(f"pull:router:{caller.router_id}", limit=most, window_s=window_s, now=now):
        raise TooMany(retry_after=window_s)
    jobs = await _turn(report, caller.router_id, vault=vault, settings=settings, now=now)
    return build_work(PullWork(report.ask, caller.answer_key, jobs), variant)


async def _turn(
    report: PullReport, router_id: int, *, vault: Vault, settings: Settings, now: datetime
) -> tuple[PullJob, ...]:
    token = await routers.lease(router_id, now=now, asks=True)
    if token is None:  # paused, or another question of it is being answered
        return ()
    try:
        talk = await conversation.of_router(router_id)
        if talk.is_repeat(report):
            return ()
        if not talk.believes(report):
            jobs = _prove(talk)
        else:
            jobs = await _listen_and_plan(talk, report, vault=vault, settings=settings, now=now)
        if not await routers.renew(router_id, token, now=now):
            return ()  # we were too slow, and somebody else may be at it
        async with atomic() as tx:
            await conversation.keep(tx, talk)
        return jobs
    finally:
        await routers.release(router_id, token)


def _prove(talk: Talk) -> tuple[PullJob, ...]:
    """Nothing is believed or forgotten yet. A router that was started reads itself out, and by doing so proves that the question
    is new; for an old question sent again nobody does."""
    talk.waiting = [sent for sent in talk.waiting if not sent.is_proof]
    return work.numbered(talk, work.reports(), is_proof=True)


async def _listen_and_plan(
    talk: Talk, report: PullReport, *, vault: Vault, settings: Settings, now: datetime
) -> tuple[PullJob, ...]:
    router = await routers.access_to(talk.router_id, vault=vault)
    async with atomic() as tx:
        has_page = await take_in(tx, talk, report, now=now)
        await routers.answered(tx, router.id, now=now)
        talk.hears(report)
        await conversation.keep(tx, talk)
    if talk.visit is not None and checkups.is_look(talk.visit):
        is_over = await checkups.to_its_end(talk, has_page=has_page, settings=settings, now=now)
    else:
        is_over = await _read_to_its_end(talk, has_page=has_page, vault=vault, now=now)
    if not is_over:
        return ()  # further pages follow
    tasks = await work.due(talk, vault=vault, now=now)
    if not tasks:
        await _caught_up(router)
        tasks = await _pass(talk, router, report, vault=vault, now=now)
    if tasks:
        return work.numbered(talk, tasks)
    return () if talk.visit else await _look(talk, now=now)


async def _look(talk: Talk, *, now: datetime) -> tuple[PullJob, ...]:
    """Nothing is left to do: read it whole if it is time or somebody waits for that, else look at its settings if those are due."""
    is_asked = await drift.is_asked(talk.router_id)
    if not is_asked and talk.read_at is not None and now - talk.read_at < _read_every(talk):
        return await checkups.ask(talk, now=now)
    is_for_drift = is_asked or await drift.is_due(talk.router_id, now=now)
    jobs = work.numbered(talk, [*work.reports(), *(strangers.report() if is_for_drift else ())])
    begin_read(talk, talk.waiting, now=now, is_for_drift=is_for_drift)
    return jobs


def _read_every(talk: Talk) -> timedelta:
    return max(READ_EVERY, timedelta(seconds=talk.interval_s) * READ_EVERY_QUESTIONS)


async def _read_to_its_end(talk: Talk, *, has_page: bool, vault: Vault, now: datetime) -> bool:
    """Whether the read is over: whole, and then counted before anything is done by it; or lost, and then asked for anew."""
    visit = talk.visit
    if visit is None or visit.is_counted:
        return True
    seen = await pages.observed(talk)
    if seen is not None:
        at = visit.seen_at or now
        await readings.count(talk.router_id, seen, uptime_s=visit.uptime_s, now=at, actor=ACTOR)
        if visit.is_for_drift:
            await drift.heard(talk.router_id, seen, vault=vault, actor=ACTOR, now=at)
        visit.is_counted = True
        return True
    if has_page:
        return False
    await _give_up(talk)
    return True


async def _give_up(talk: Talk) -> None:
    """The read got lost on the way or is too old: the next question begins another."""
    talk.visit = talk.read_at = None
    async with atomic() as tx:
        await pages.drop(tx, talk.router_id)


async def _pass(
    talk: Talk, router: RouterAccess, report: PullReport, *, vault: Vault, now: datetime
) -> list[work.Task]:
    """What is left of the complete pass under way; nothing when there is none, or when it has just come to its end."""
    visit = talk.visit
    if visit is None:
        return []
    seen = await pages.observed(talk) if now - visit.asked_at <= ACT_WITHIN else None
    if seen is None:
        await _give_up(talk)
        return []
    found = await work.of_pass(talk, seen, vault=vault, now=now)
    if left := found.left or await strangers.to_take_off(talk, visit, now=now):
        return left
    talk.profiles, talk.visit = found.profiles, None
    await _end_pass(router, report, visit, found.wanted, now=now)
    return []


async def _end_pass(router: RouterAccess, report: PullReport, visit: Visit, wanted: Plan, *, now: datetime) -> None:
    """The router is equal to its grants. Note which board that is, and what was held back."""
    serial = report.serial[:40]
    is_alarm = False
    async with atomic() as tx:
        board = await routers.note_board(
            tx, router, serial, visit.uptime_s, missing=len(wanted.drift.missing), now=now, actor=ACTOR
        )
        facts: dict[str, object] = {
            "board": report.board[:60],
            "version": report.version.partition(" ")[0][:24],
            "serial": serial or router.serial,
            "uptime_s": visit.uptime_s,
        }
        await routers.answered(tx, router.id, now=now, reconciled_at=now, **facts)
        if wanted.held:
            is_alarm = await routers.hold_brakes(tx, router, wanted.held, now=now, actor=ACTOR)
        await pages.drop(tx, router.id)
    meters.add(meters.RECONCILE, (now - visit.asked_at).total_seconds(), "pull")
    if is_alarm:
        log.error("removals held", extra={"router": router.id, "why": wanted.held})
    if board:
        log.warning("another board or a restart", extra={"router": router.id, "what": board})
    if visit.failed:
        log.warning("router refused part of a pass", extra={"router": router.id, "rows": visit.failed[:20]})


async def _caught_up(router: RouterAccess) -> None:
    if router.wanted_generation > router.reconciled_generation:
        async with atomic() as tx:
            await routers.caught_up(tx, router.id, router.wanted_generation)
