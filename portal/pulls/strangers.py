"""What is not ours at a router that asks us: told when somebody or the hour wants to know how it differs from what was sold, and
taken off when a person named it, exactly as it was seen."""

import logging
from datetime import datetime

from portal import drift
from portal.drift import Kind, Look, Wish
from portal.pulls import pages, work
from portal.pulls.conversation import Talk, Visit
from routeros.script.pull_strangers import drops_of_device, drops_of_user, told_of
from routeros.script.pull_values import Drop, Report, StateKind

log = logging.getLogger(__name__)


def report() -> list[work.Task]:
    """Tell what is not ours."""
    return [work.Task(Report(StateKind.FOREIGN))]


async def to_take_off(talk: Talk, visit: Visit, *, now: datetime) -> list[work.Task]:
    """What is left to do about the one row a person named; nothing when nobody did. What the router would not do ends the look."""
    look = await drift.open_at(talk.router_id) if visit.is_for_drift else None
    if look is None or look.wish is not Wish.REMOVE or not look.before:
        return []
    drops = await _drops(talk, look)
    keys = {work.key_of_task(drop): drop for drop in drops}
    if keys.keys() & set(visit.failed) or not all(work.can_be_said(drop) for drop in drops):
        log.warning("a row that is not ours stays", extra={"router": talk.router_id, "look": look.id})
        await drift.finish(look.id, before=look.before, after=look.before, error=drift.NOT_TAKEN_OFF, now=now)
        return []
    return [work.Task(drop) for key, drop in keys.items() if key not in visit.done]


async def _drops(talk: Talk, look: Look) -> list[Drop]:
    rows, target = await pages.strangers(talk), look.target
    if rows is None or target is None:
        return []
    told = told_of(rows)
    return drops_of_device(told, target.who) if target.kind is Kind.BYPASSED else drops_of_user(told, target.who)
